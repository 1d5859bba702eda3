"""The guide to inference: its commands make settings, and it names everything that the gate finds."""

from __future__ import annotations

import re
import shlex
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from sdg.catalog.endpoint_causes import endpoint_causes
from sdg.settings.model import StackSettings
from sdg.settings.secrets import SECRET_KEYS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "inference.md").read_text(encoding="utf-8")
PARTS = ("inference", "probes/nims", "probes/served", "probes/endpoints", "probes/downloads", "probes/model_volume")
GATE = "\n".join((ROOT / "sdg" / "gates" / f"{part}.py").read_text(encoding="utf-8") for part in PARTS)
# commands that stand together; a page's indented lines
BLOCKS = [
    [line.strip() for line in lines] for is_code, lines in groupby(PAGE.splitlines(), lambda line: line.startswith("    ")) if is_code
]
INFERENCE: TypeAdapter[Any] = TypeAdapter(StackSettings.model_fields["inference"].rebuild_annotation())


def put(into: Any, path: list[str], value: object) -> None:
    """Sets a value as `pulumi config set --path` does: a number after a name is the index of a list."""
    first, *rest = path
    key = int(first) if isinstance(into, list) else first
    if isinstance(into, list) and key == len(into):
        into.append(None)
    if not rest:
        into[key] = value
        return
    if isinstance(into, dict):
        into.setdefault(key, [] if rest[0].isdigit() else {})
    elif into[key] is None:
        into[key] = [] if rest[0].isdigit() else {}
    put(into[key], rest, value)


def made(block: list[str]) -> dict[str, Any]:
    """What the commands of a block set below `sdg:inference`."""
    found: dict[str, Any] = {}
    for words in map(shlex.split, block):
        if "--path" in words:
            key, value = words[-2:]
            steps = [step for step in re.split(r"[.\[\]]+", key.removeprefix("sdg:")) if step]
            put(found, steps, int(value) if value.isdigit() else value)
    return dict(found["inference"])


def test_there_are_commands_for_every_provider():
    providers = {made(block)["provider"] for block in BLOCKS}
    assert providers == {"nim-operator", "nvcf", "foundry", "external"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[0].rpartition(" ")[2])
def test_commands_make_settings(block):
    INFERENCE.validate_python(made(block))
    assert all(words[-1].removeprefix("sdg:") in SECRET_KEYS for words in map(shlex.split, block) if "--secret" in words)


def table(heading: str) -> list[str]:
    below = PAGE.partition(f"\n### {heading}\n")[2]
    found = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert found
    return [name for line in found.group().splitlines()[2:] for name in re.findall(r"`([A-Za-z]+)`", line.split("|")[1])]


def test_everything_that_has_a_name_is_in_the_guide_once():
    document = endpoint_causes()
    causes = {cause.name for found in (*document.said.values(), *document.answered.values(), document.anywhere) for cause in found}
    listed = table("What it finds")
    assert sorted(set(listed)) == sorted(listed)
    assert causes - set(listed) == set()
    assert [name for name in set(listed) - causes if not re.search(rf"\b{name}\b", GATE)] == []


def test_names_that_the_gate_gives_by_itself_are_in_the_guide():
    given = set(re.findall(r"\"([A-Z][a-z]+(?:[A-Z][a-z]+)+): [^\"]*\"", GATE))
    assert len(given) > 5
    assert given - set(table("What it finds")) == set()
