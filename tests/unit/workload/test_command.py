"""`sdg workload`: what it prints, and how it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import workload as command
from cli.main import app, main
from sdg.catalog.workloads import Workload
from sdg.workload.clone import FOLDER
from tests.unit.workload.published import PUBLISHED, Published, published

__all__ = ["published"]  # the fixture


@pytest.fixture
def known(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The catalog has one workload, which the repository publishes, and every clone is kept below the test's folder."""
    flows = {"e2e": {"shows": "all of it", "path": "configs/e2e.yaml", "endpoints": {}}}
    said = {"shows": "does", "repository": PUBLISHED, "commit": published.first, "folder": "assets", "default_flow": "e2e", "flows": flows}
    entry = Workload.model_validate(said)
    monkeypatch.setattr(command, "workload", lambda _name: entry)
    monkeypatch.setattr(command, "workloads", lambda: {"mine": entry})
    monkeypatch.setattr(command, "Mirror", lambda: published.mirror)
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    return published


def test_fetching_says_where_the_specs_are_and_the_second_time_that_they_were_there(known: Published, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["workload", "fetch", "mine"])
    assert run.exit_code == 0
    assert f"mine: {tmp_path / 'kept'}/github.com-example-workloads@{known.first}/assets" in run.output
    assert run.output.rstrip().endswith("fetched)")
    again = CliRunner().invoke(app, ["workload", "fetch", "mine"])
    assert "as fetched before" in again.output


def test_the_list_says_what_is_on_this_host_and_what_runs_elsewhere(known: Published) -> None:
    before = CliRunner().invoke(app, ["workload", "list"]).output
    assert "no: sdg workload fetch mine" in before
    assert "e2e (usual)" in before
    assert "not on OSMO; follow NVIDIA's recipe for NRE" in " ".join(before.split())
    CliRunner().invoke(app, ["workload", "fetch", "mine"])
    assert "no: sdg workload fetch mine" not in CliRunner().invoke(app, ["workload", "list"]).output


def test_a_repository_without_the_catalogs_specs_is_an_error_that_names_them(known: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = command.workload("mine")
    moved = entry.model_copy(update={"folder": "elsewhere"})
    monkeypatch.setattr(command, "workload", lambda _name: moved)
    with pytest.raises(command.SpecMissingError, match=r"has no spec at its commit .* for e2e of mine: .* is missing"):
        command.fetch("mine", None)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nre", "error: nre (neural reconstruction (NuRec)) runs"),
        ("vdaa", "error: vdaa is not a known workload. Did you mean vda?"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(
    name: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sdg", "workload", "fetch", name])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(sentence)
