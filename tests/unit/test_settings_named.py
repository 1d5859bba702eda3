"""Settings that sentences name are settings: in errors and remedies, in the catalog and in the documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdg.settings.base import Settings
from sdg.settings.model import StackSettings
from sdg.settings.schema import holder, members
from sdg.settings.secrets import SECRET_KEYS

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(?<![\w-])sdg:([a-z][A-Za-z]*(?:[.\[][A-Za-z0-9\]-]+)*)")
FOLDERS = ("sdg", "components", "policy", "cli", "docs")
FILES = sorted(path for folder in FOLDERS for kind in ("py", "yaml", "md") for path in (ROOT / folder).rglob(f"*.{kind}"))
# types of components are `sdg:module:Type`
TYPE = re.compile(r"sdg:[a-z]+:")


def known(path: str) -> bool:
    """Whether a path leads through the settings models: a union leads through any of its kinds, a mapping or list through any key."""
    first, *steps = path.replace("[", ".").replace("]", "").split(".")
    if not steps and first in SECRET_KEYS:
        return True
    return _leads((StackSettings,), [first, *steps])


def _leads(models: tuple[type[Settings], ...], steps: list[str]) -> bool:
    if not steps:
        return True
    for model in models:
        for name, field in model.model_fields.items():
            if (field.alias or name) != steps[0]:
                continue
            inside, held = members(field.annotation), holder(field.annotation)
            rest = steps[2:] if held else steps[1:]
            if not rest or (inside and _leads(inside, rest)):
                return len(steps) == 1 or bool(held or inside)
    return False


def named(text: str) -> Iterator[str]:
    for found in NAMED.finditer(text):
        if not TYPE.match(text, found.start()):
            yield found[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_that_a_file_names_exist(path):
    text = path.read_text(encoding="utf-8")
    assert [each for each in dict.fromkeys(named(text)) if not known(each)] == []


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("mirror.images", True),
        ("mirror.registries", False),
        ("inference.endpoints.text.url", True),
        ("inference.endpoints.text.uri", False),
        ("inference.also", True),
        ("hfToken", True),
        ("hfToken.more", False),
        ("cluster.gpuPools", True),
        ("inference.deadline.more", False),
    ],
)
def test_what_is_a_setting(path, is_one):
    assert known(path) is is_one
