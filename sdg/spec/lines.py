"""Where in the original file each part of a rendered document stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the original file, from 1, by path."""

    by_path: Mapping[Path, int] = field(default_factory=dict)

    def of(self, path: Path) -> int | None:
        """The line of a path, else of its nearest ancestor."""
        for length in range(len(path), 0, -1):
            line = self.by_path.get(path[:length])
            if line is not None:
                return line
        return None
