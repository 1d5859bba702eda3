"""The stand-in charts, rendered by the real helm."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.services.packages import contents
from rehearsal.tools import Tools

ROOT = Path(__file__).parents[3]
CHARTS = ROOT / "rehearsal" / "charts"
VALUES = ROOT / "tests" / "data" / "charts"
RELEASES = {"service": "osmo-minimal", "backend-operator": "osmo-operator"}
FILES: Mapping[str, tuple[str, str | None, Sequence[str]]] = {
    "in-cluster": ("service", None, ["service-in-cluster"]),
    "external": ("service", None, ["service-in-cluster", "service-external"]),
    "operator": ("backend-operator", None, ["backend-operator"]),
    "in-cluster 6.4": ("service", "1.4.0", ["service-in-cluster", "service-6.4"]),
    "external 6.4": ("service", "1.4.0", ["service-in-cluster", "service-external", "service-6.4"]),
    "operator 6.4": ("backend-operator", "1.4.0", ["backend-operator", "backend-operator-6.4"]),
}
"""Variant of an installation → its chart, the chart's version when not the first, and its values files, the later over the earlier."""

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of a release, with the questions that tests ask of them."""

    objects: Sequence[Object]

    def inventory(self) -> dict[str, set[str]]:
        """Names by kind."""
        return {kind: self.names(kind) for kind in {item["kind"] for item in self.objects}}

    def of(self, kind: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.of(kind)}

    def one(self, kind: str, name: str) -> Object:
        (found,) = [item for item in self.of(kind) if item["metadata"]["name"] == name]
        return found

    def pods(self) -> dict[str, Object]:
        """Pod specs by their Deployment's name."""
        return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in self.of("Deployment")}

    def container(self, deployment: str) -> Object:
        (found,) = self.pods()[deployment]["containers"]
        return found

    def environment(self, deployment: str) -> dict[str, Object]:
        return {variable["name"]: variable for variable in self.container(deployment).get("env", [])}

    def who_needs(self, kind: str, name: str) -> set[str]:
        """Deployments that mount this Secret or ConfigMap or take a variable from it."""
        return {deployment for deployment, pod in self.pods().items() if (kind, name) in set(_references(pod))}

    def config(self) -> Object:
        """What the service reads."""
        return dict(yaml.safe_load(self.one("ConfigMap", "osmo-service-configs")["data"]["config.yaml"]))


def _references(pod: Object) -> Iterator[tuple[str, str]]:
    for volume in pod.get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
    for variable in (variable for container in pod["containers"] for variable in container.get("env", [])):
        if "valueFrom" in variable:
            yield "Secret", variable["valueFrom"]["secretKeyRef"]["name"]


class Helm:
    """Asks helm for a variant of an installation."""

    def __init__(self, binary: Path, work: Path) -> None:
        self._binary, self._work = binary, work
        self._asked, self._parsed, self._unpacked = cache(self._ask), cache(_parse), cache(self._unpack)

    def render(self, variant: str, more: Mapping[str, Any] | None = None, *, without: Sequence[str] = ()) -> Rendered:
        """The variant with more values over its own, and without some of its own (dotted paths)."""
        found = self._asked(variant, json.dumps(more or {}), tuple(without))
        assert found.returncode == 0, found.stderr
        return self._parsed(found.stdout)

    def refusal(self, variant: str, *more: Mapping[str, Any]) -> str:
        """What helm says to the variant with all these values over its own."""
        found = self._asked(variant, *(json.dumps(values) for values in more), ())
        assert found.returncode != 0, "helm accepted the values"
        return found.stderr

    def lint(self, variant: str) -> subprocess.CompletedProcess[str]:
        chart, version, files = FILES[variant]
        flags = [flag for file in files for flag in ("-f", str(VALUES / f"{file}.yaml"))]
        return self._run("lint", "--strict", str(self._unpacked(chart, version)), *flags)

    def _ask(self, variant: str, *more: Any) -> subprocess.CompletedProcess[str]:
        chart, version, files = FILES[variant]
        *layers, without = more
        own = [_without(yaml.safe_load((VALUES / f"{file}.yaml").read_text()), without) for file in files]
        flags: list[str] = []
        for number, values in enumerate([*own, *map(json.loads, layers)]):
            path = self._work / f"{number}.json"
            path.write_text(json.dumps(values))
            flags += ["-f", str(path)]
        return self._run("template", RELEASES[chart], str(self._unpacked(chart, version)), "-n", RELEASES[chart], *flags)

    def _unpack(self, chart: str, version: str | None) -> Path:
        folder = self._work / f"{chart}-{version}" / chart
        for path, content in contents(CHARTS / chart, version).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._binary, *arguments], capture_output=True, text=True, check=False, timeout=60)


def _parse(manifests: str) -> Rendered:
    return Rendered([item for item in yaml.load_all(manifests, yaml.CSafeLoader) if item])


def _without(values: Object, paths: Sequence[str]) -> Object:
    for path in paths:
        *above, last = path.split(".")
        section = values
        for key in above:
            section = section.get(key, {})
        section.pop(last, None)
    return values


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(Tools.locate().path("helm"), tmp_path_factory.mktemp("values"))
