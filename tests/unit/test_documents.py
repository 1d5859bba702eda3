import pytest

from cli.documents import contents


@pytest.mark.parametrize("path", contents(), ids=lambda path: path.name)
def test_a_generated_document_is_what_the_models_say(path):
    assert path.read_text() == contents()[path], "run `make docs`"
