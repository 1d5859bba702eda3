"""Where a rehearsal lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.failures import EXPECTED
from cli.main import app
from cli.project import NAMED, NotAFolderError, rehearsal_state


@pytest.mark.parametrize("below", ["", "deeper", "deeper/still"])
def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    file = tmp_path / "notes"
    file.touch()
    monkeypatch.setenv(NAMED, str(file / below))
    with pytest.raises(NotAFolderError, match=f"SDG_REHEARSAL is {file / below}, and {file} is a file"):
        rehearsal_state()
    ran = CliRunner().invoke(app, ["rehearsal", "start"])
    assert isinstance(ran.exception, EXPECTED), "it is said in one sentence"


def test_a_folder_that_is_still_to_be_made_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMED, str(tmp_path / "to" / "be" / "made"))
    assert rehearsal_state() == tmp_path / "to" / "be" / "made"
