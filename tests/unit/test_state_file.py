import pytest

from cli.state_file import mend


@pytest.fixture
def stacks(tmp_path):
    folder = tmp_path / ".pulumi" / "stacks" / "sdg"
    folder.mkdir(parents=True)
    (folder / "lab.json").write_text("{}")
    return folder


def test_an_empty_description_is_removed_and_the_state_stays(stacks, tmp_path):
    (stacks / "lab.json.attrs").touch()
    assert mend(f"file://{tmp_path}", "lab") == [stacks / "lab.json.attrs"]
    assert [path.name for path in stacks.iterdir()] == ["lab.json"]


def test_a_whole_description_stays(stacks, tmp_path):
    (stacks / "lab.json.attrs").write_text("{}")
    assert mend(f"file://{tmp_path}", "lab") == []
    assert (stacks / "lab.json.attrs").exists()


def test_another_stacks_files_are_left_alone(stacks, tmp_path):
    (stacks / "other.json.attrs").touch()
    assert mend(f"file://{tmp_path}", "lab") == []


def test_other_backends_have_no_such_files():
    assert mend("s3://bucket", "lab") == []
