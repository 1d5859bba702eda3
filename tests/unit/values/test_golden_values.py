"""Every combination's values are those of the golden files, and a choice changes what it is about and nothing else.

`pytest tests/unit/values --update-golden` writes the files anew; read what changed before it is committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

IDENTITY_SERVICES = "(worker|agent|logger|service|delayedJobMonitor)"
ALLOWED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "service": {
        "profile": (
            "global.osmoImageTag",
            "services.backendApiTokens.*",
            "services.migration.*",
            "services.configs.workflow.backend_images.(init|client)",
        ),
        "migrate": ("services.migration.*",),
        "database": ("services.postgres.*", f"services.{IDENTITY_SERVICES}.extraEnv"),
        "redis": ("services.redis.*", f"services.{IDENTITY_SERVICES}.extraEnv"),
        "credentials": (
            "global.imagePullSecret",
            "services.configs.secretRefs",
            "services.configs.workflow.backend_images.credential.*",
        ),
        "storage": (
            "serviceAccount.*",
            f"services.{IDENTITY_SERVICES}.extraPodLabels.*",
            "services.configs.secretRefs",
            "services.configs.workflow.workflow_(data|log|app).*",
        ),
        "gpus": ("services.configs.podTemplates.*", "services.configs.pools.*"),
        "optix": ("services.configs.podTemplates.(default_user|gpu_toleration).spec.*",),
    },
    "backend-operator": {
        "profile": ("global.osmoImageTag",),
        "migrate": (),
        "database": (),
        "redis": (),
        "credentials": ("global.imagePullSecret",),
        "storage": (),
        "gpus": (),
        "optix": (),
    },
}
"""Chart → choice → paths of the values that it may change, as regular expressions in which a dot is a dot."""

AXES = list(ALLOWED["service"])


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Paths and values of everything that is no map with something in it; lists count as one value, as Helm replaces them whole."""
    for key, value in values.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    before, after = dict(leaves(one)), dict(leaves(other))
    return {path for path in before.keys() | after.keys() if path not in before or path not in after or before[path] != after[path]}


def allowed(chart: str, axis: str) -> re.Pattern[str]:
    patterns = [pattern.replace(".", r"\.").replace("*", ".+") for pattern in ALLOWED[chart][axis]]
    return re.compile("|".join(patterns) or "$^")


def test_every_combination_has_its_golden_values(chart, space):
    golden = chart.golden
    wrong = {space.name(choice): golden.of(choice) for choice in space.combinations if chart.values(choice) != golden.of(choice)}
    assert not wrong, f"run pytest tests/unit/values --update-golden, and read what changed for {', '.join(wrong)}"


def test_no_golden_file_is_left_over(chart, space):
    parts = {space.name(choice) for choice in space.combinations}
    assert set(chart.golden.files) <= parts


@pytest.mark.parametrize("axis", AXES)
def test_a_choice_changes_only_what_it_is_about(chart, space, axis):
    pattern = allowed(chart.name, axis)
    for one, other in space.pairs(axis):
        stray = [path for path in changed(chart.values(one), chart.values(other)) if not pattern.fullmatch(path)]
        assert not stray, f"{space.name(one)} and {space.name(other)}"


def test_what_a_choice_may_change_it_does_change_somewhere(chart, space):
    for axis in AXES:
        seen = set().union(*(changed(chart.values(one), chart.values(other)) for one, other in space.pairs(axis)))
        idle = [path for path in ALLOWED[chart.name][axis] if not any(allowed_path(path).fullmatch(found) for found in seen)]
        assert not idle, axis


def allowed_path(path: str) -> re.Pattern[str]:
    return re.compile(path.replace(".", r"\.").replace("*", ".+"))


def test_every_choice_that_a_stack_has_is_an_axis_here(space):
    assert list(space.axes) == AXES


def test_nothing_is_null(chart, space):
    """A null deletes a chart's default."""
    for choice in space.combinations:
        assert not [path for path, value in leaves(chart.values(choice)) if value is None], space.name(choice)


def containers(value: object) -> Iterator[int]:
    if isinstance(value, (dict, list)):
        yield id(value)
        for below in value.values() if isinstance(value, dict) else value:
            yield from containers(below)


def test_nothing_in_the_values_is_in_two_places(chart, space):
    """A change to one of them would change the other."""
    for choice in space.combinations:
        values = chart.values(choice)
        found = list(containers(values))
        assert len(found) == len(set(found)), space.name(choice)
