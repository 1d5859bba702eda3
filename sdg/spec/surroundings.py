"""What is known about the place where a spec will run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The place where a spec will run; what is None is not judged.

    Attributes:
        platforms: of the pool.
        gpu_platforms: those among them whose nodes have GPUs.
        credentials: payload keys by name of each credential that is set; None for keys that are not known.
        folder: of the spec's file, for files that the client reads.
        most_tasks: that a workflow may have.
    """

    platforms: Collection[str] | None = None
    gpu_platforms: Collection[str] | None = None
    credentials: Mapping[str, Collection[str] | None] | None = None
    folder: Path | None = None
    most_tasks: int = 20
