"""Every combination of a stack's choices, the values that both charts get for it, and the golden files that say what they must be."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdg.osmo.values import Images, operator_values, service_values, storage_choice
from sdg.settings.osmo import Osmo

GOLDEN = Path(__file__).parents[2] / "data" / "values"

Choice = Mapping[str, str]
Values = dict[str, Any]

AXES: Mapping[str, tuple[str, ...]] = {
    "profile": ("6.3", "6.4"),
    "migrate": ("no", "yes"),
    "database": ("in-cluster", "external"),
    "redis": ("in-cluster", "external"),
    "credentials": ("none", "ngc"),
    "storage": ("minio", "s3", "azure-key", "azure-identity"),
    "gpus": ("none", "shared", "dedicated"),
    "optix": ("no", "yes"),
}
"""What a stack chooses → its values, the first of which is the base's. Differences are applied in this order."""

SERVERS: Mapping[str, Mapping[str, Values]] = {
    "database": {"in-cluster": {"kind": "in-cluster"}, "external": {"kind": "external", "host": "db.example.com", "user": "osmo"}},
    "redis": {"in-cluster": {"kind": "in-cluster"}, "external": {"kind": "external", "host": "redis.example.com", "port": 10000}},
}
STORES: Mapping[str, tuple[str, str | None]] = {
    "minio": ("s3://osmo-workflows", None),
    "s3": ("s3://datasets", None),
    "azure-key": ("azure://account/osmo-workflows", None),
    "azure-identity": ("azure://account/osmo-workflows", "CLIENT-ID"),
}

BASE: Choice = {axis: values[0] for axis, values in AXES.items()}
COMBINATIONS: tuple[Choice, ...] = tuple(dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values()))


def _settings(choice: Choice) -> Osmo:
    return Osmo.model_validate(
        {
            "profile": choice["profile"],
            "migrate": choice["migrate"] == "yes",
            "database": SERVERS["database"][choice["database"]],
            "redis": SERVERS["redis"][choice["redis"]],
            "images": {"credentials": choice["credentials"]},
        }
    )


def _service(choice: Choice) -> Values:
    return service_values(
        _settings(choice),
        images=_images(choice),
        storage=storage_choice(*STORES[choice["storage"]]),
        gpus=choice["gpus"],
        optix=choice["optix"] == "yes",
        storage_class="STORAGE-CLASS",
        database_password="DATABASE-PASSWORD",
        secrets_fingerprint="SECRETS-FINGERPRINT",
    )


def _operator(choice: Choice) -> Values:
    return operator_values(_settings(choice), images=_images(choice), token_fingerprint="TOKEN-FINGERPRINT")


def _images(choice: Choice) -> Images:
    return Images("registry.example.com/osmo", f"{choice['profile']}.x")


CHARTS = {"service": _service, "backend-operator": _operator}


def chosen(choice: Choice) -> str:
    """A choice by what it has that the base has not: `redis=external,gpus=shared`; `base` for the base itself."""
    return ",".join(f"{axis}={value}" for axis, value in choice.items() if value != BASE[axis]) or "base"


def merged(values: Values, patch: Values) -> Values:
    """The values with a JSON merge patch (RFC 7386) applied: maps merge, null removes, all else replaces."""
    result = dict(values)
    for key, change in patch.items():
        if change is None:
            result.pop(key, None)
        elif isinstance(change, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, change)
        else:
            result[key] = change
    return result


def difference(old: Values, new: Values) -> Values:
    """The JSON merge patch that makes new values of old ones."""
    patch: Values = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if below := difference(before, value):
                patch[key] = below
        elif key not in old or before != value:
            patch[key] = value
    return patch


@dataclass(frozen=True)
class Golden:
    """The golden files of one chart: `base.yaml`, and what each choice changes in it.

    `AXIS=VALUE.yaml` is a JSON merge patch on the base; `AXIS=VALUE,AXIS=VALUE.yaml` is another one, for two choices that mean more, or
    less, together than each alone.
    """

    files: Mapping[str, Values]

    def of(self, choice: Choice) -> Values:
        values = copy.deepcopy(self.files["base"])
        for name in _parts(choice):
            values = merged(values, self.files.get(name, {}))
        return values


def _parts(choice: Choice) -> Iterator[str]:
    """The files that a choice is put together from, in the order in which they are applied."""
    other = [f"{axis}={value}" for axis, value in choice.items() if value != BASE[axis]]
    yield from other
    yield from (",".join(pair) for pair in itertools.combinations(other, 2))


@dataclass(frozen=True)
class Chart:
    """One chart's values, as the program gives them and as the golden files have them."""

    name: str

    def values(self, choice: Choice) -> Values:
        return CHARTS[self.name](choice)

    @property
    def golden(self) -> Golden:
        return Golden({path.stem: dict(yaml.safe_load(path.read_text())) for path in self._folder.glob("*.yaml")})

    def write(self) -> None:
        """Writes the golden files from what the program gives now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("*.yaml"):
            old.unlink()
        files: dict[str, Values] = {"base": self.values(BASE)}
        for choice in sorted((choice for choice in COMBINATIONS if 1 <= _changes(choice) <= 2), key=_changes):
            if patch := difference(Golden(files).of(choice), self.values(choice)):
                files[chosen(choice)] = patch
        for name, values in files.items():
            (self._folder / f"{name}.yaml").write_text(yaml.safe_dump(values, width=120, sort_keys=False))

    @property
    def _folder(self) -> Path:
        return GOLDEN / self.name


def _changes(choice: Choice) -> int:
    return sum(value != BASE[axis] for axis, value in choice.items())


@dataclass(frozen=True)
class Space:
    """All that a stack can choose."""

    axes: Mapping[str, tuple[str, ...]]
    combinations: tuple[Choice, ...]

    def pairs(self, axis: str) -> Iterator[tuple[Choice, Choice]]:
        """Every two combinations that differ in this axis alone."""
        for choice in self.combinations:
            here = self.axes[axis].index(choice[axis])
            yield from ((choice, {**choice, axis: value}) for value in self.axes[axis][here + 1 :])

    def name(self, choice: Choice) -> str:
        return chosen(choice)


@pytest.fixture(scope="session")
def space() -> Space:
    return Space(AXES, COMBINATIONS)


@pytest.fixture(scope="session", params=list(CHARTS))
def chart(request: pytest.FixtureRequest) -> Chart:
    found = Chart(str(request.param))
    if request.config.getoption("--update-golden"):
        found.write()
    return found
