"""What the simulated Azure remembers between two lives of its process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rehearsal.state import read_json, write_private


class Store:
    """One private file, written whole after each change.

    Args:
        file: where; nowhere when None, which tests use.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def load(self) -> dict[str, Any]:
        """What was saved last; empty the first time."""
        return dict(read_json(self._file)) if self._file else {}

    def save(self, resources: Iterable[dict[str, Any]], gone: list[dict[str, Any]]) -> None:
        """Keep everything."""
        if self._file:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._file, json.dumps({"resources": list(resources), "gone": gone}))
