import re
from pathlib import Path

import pytest

from cli.documents import contents
from rehearsal.faults import KNOWN

REHEARSAL = Path(__file__).parents[2] / "docs" / "rehearsal.md"


@pytest.mark.parametrize("path", contents(), ids=lambda path: path.name)
def test_a_generated_document_is_what_the_models_say(path):
    assert path.read_text() == contents()[path], "run `make docs`"


def test_every_fault_switch_is_described_with_its_fields():
    table = REHEARSAL.read_text().partition("## Faults")[2]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    described = {name.strip(" `"): set(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    assert described == {name: set(fields) for name, fields in KNOWN.items()}
