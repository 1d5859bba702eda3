"""A stack whose charts were fetched before: installed from the folder alone, and only while they are what was recorded."""

from __future__ import annotations

import pytest
import yaml


@pytest.fixture
def folder(stack, tmp_path):
    """The stack's charts, fetched from the rehearsal's repository, which no longer answers."""
    charts = tmp_path / "charts"
    pulled = stack.sdg("charts", "pull", "--stack", "rehearsal", "--folder", str(charts))
    assert pulled, pulled.output
    before = stack.config("mirror")
    stack.configure(mirror={**before, "folder": str(charts)})
    stack.fault("charts.http", status=503)
    yield charts
    stack.clear_faults()
    stack.configure(mirror=before)


def test_charts_of_the_folder_are_installed_while_they_are_what_was_recorded(stack, folder):
    recorded = yaml.safe_load((folder / "digests.yaml").read_text())["files"]
    up = stack.up(timeout=240)
    assert up, up.output
    releases = {r["outputs"]["name"]: r["outputs"] for r in stack.resources() if r["type"].endswith("helm.sh/v3:Release")}
    assert {release["chart"] for release in releases.values()} == {str(folder / name) for name in recorded}
    assert stack.pulumi("preview", "--expect-no-changes")

    changed = next(iter(recorded))
    (folder / changed).write_bytes(b"edited")
    refused = stack.pulumi("preview")
    assert refused.code != 0
    assert f"{folder / changed} is not the file that was recorded" in refused.output
    pulled = stack.sdg("charts", "pull", "--stack", "rehearsal", "--folder", str(folder))
    assert pulled.code == 1
    assert recorded[changed]["sha256"] in pulled.output
