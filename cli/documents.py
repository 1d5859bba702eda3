"""Writes what is generated from the settings models and the catalog."""

from __future__ import annotations

import json
from pathlib import Path

from cli.project import ROOT
from sdg.preflight.document import preflight_markdown
from sdg.settings.document import config_schema, stacks_markdown


def contents() -> dict[Path, str]:
    """The generated files and what belongs into them."""
    folder = ROOT / "docs"
    return {
        folder / "stacks.md": stacks_markdown(),
        folder / "preflight.md": preflight_markdown(),
        folder / "stack.schema.json": json.dumps(config_schema(), indent=2) + "\n",
    }


def write() -> list[Path]:
    """Writes the generated files; returns their paths."""
    for path, text in contents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(contents())
