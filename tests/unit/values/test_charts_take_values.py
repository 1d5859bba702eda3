"""The stand-in charts take the values of every combination: their schemas are closed, so an unknown or a misspelt key is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.services.packages import contents
from rehearsal.tools import Tools
from sdg.catalog.versions import versions

CHARTS = Path(__file__).parents[3] / "rehearsal" / "charts"
RELEASES = {"service": "osmo-minimal", "backend-operator": "osmo-operator"}
PROFILES = list(versions().profiles)


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([Tools.locate().path("helm"), *arguments], capture_output=True, text=True, check=False, timeout=120)


def files_of(chart: str, profile: str) -> Mapping[str, bytes]:
    """The chart in the version that the profile installs."""
    version = versions().profiles[profile].releases[0].chart
    own = contents(CHARTS / chart)
    return own if yaml.safe_load(own["Chart.yaml"])["version"] == version else contents(CHARTS / chart, version)


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def schema_alone(files: Mapping[str, bytes], name: str) -> Mapping[str, bytes]:
    """The chart without its objects, under another name."""
    metadata = json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0"})
    return {"Chart.yaml": metadata.encode()} | {path: files[path] for path in ("values.yaml", "values.schema.json")}


def judged(folder: Path, files: Mapping[str, bytes], values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """All of these values at once, each against the chart's schema: as charts of one chart."""
    for name in values:
        write(folder / "charts" / name, schema_alone(files, name))
    umbrella = {"Chart.yaml": {"apiVersion": "v2", "name": "all", "version": "1.0.0"}, "values.yaml": dict(values)}
    write(folder, {path: json.dumps(content).encode() for path, content in umbrella.items()})
    return helm("template", "all", folder)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_schema_takes_every_combination(chart, space, profile, tmp_path):
    mine = [choice for choice in space.combinations if choice["profile"] == profile]
    found = judged(tmp_path, files_of(chart.name, profile), {f"c{number}": chart.values(choice) for number, choice in enumerate(mine)})
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("profile", PROFILES)
def test_the_schema_refuses_one_wrong_combination_among_right_ones(chart, space, profile, tmp_path):
    right = chart.values({**space.combinations[0], "profile": profile})
    found = judged(tmp_path, files_of(chart.name, profile), {"right": right, "wrong": {**right, "stray": True}})
    assert "wrong:" in found.stderr
    assert "additional properties 'stray' not allowed" in found.stderr


@pytest.mark.parametrize("profile", PROFILES)
def test_the_chart_renders_each_choice(chart, space, profile, tmp_path):
    """References between values are looked at only when the chart is rendered."""
    folder = write(tmp_path / chart.name, files_of(chart.name, profile))
    base = {**space.combinations[0], "profile": profile}
    alone = ({**base, axis: choice} for axis, choices in space.axes.items() if axis != "profile" for choice in choices)
    different = {json.dumps(chart.values(choice)): choice for choice in alone}
    for text, choice in different.items():
        values = tmp_path / "values.json"
        values.write_text(text)
        found = helm("template", RELEASES[chart.name], folder, "-n", RELEASES[chart.name], "-f", values)
        assert found.returncode == 0, f"{space.name(choice)}: {found.stderr}"


def test_values_of_the_newer_generation_are_refused_by_the_older_chart(space, chart, tmp_path):
    newest = {**space.combinations[0], "profile": PROFILES[-1]}
    found = judged(tmp_path, files_of(chart.name, PROFILES[0]), {"newest": chart.values(newest)})
    refused = "additional properties 'backendApiTokens' not allowed" in found.stderr
    assert refused == (chart.name == "service")  # the operator's values know no difference but the images' tag
