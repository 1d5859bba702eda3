"""Data that a spec reads and writes: inputs, outputs and checkpoints of its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sdg.spec.tasks import Task, items, mapping, scalar

Kind = Literal["input", "output", "checkpoint"]


@dataclass(frozen=True, slots=True)
class DataUrl:
    """One place in an object store.

    Attributes:
        url: `s3://bucket/path` and the like; may hold tokens of the platform such as `{{workflow_id}}`.
        task: that reads or writes it.
        place: path to it in the document.
    """

    kind: Kind
    url: str
    task: str
    place: tuple[str | int, ...]


def data_urls_of(tasks: Iterable[Task]) -> tuple[DataUrl, ...]:
    """Every URL, empty ones too, in the spec's order; results of other tasks and datasets have none."""
    return tuple(found for task in tasks for found in _of(task))


def _of(task: Task) -> Iterator[DataUrl]:
    kinds: tuple[tuple[str, Kind], ...] = (("inputs", "input"), ("outputs", "output"), ("checkpoint", "checkpoint"))
    for key, kind in kinds:
        for index, entry in enumerate(items(task.body.get(key))):
            if "url" in mapping(entry):
                yield DataUrl(kind, scalar(mapping(entry)["url"]).strip(), task.name, (*task.place, key, index, "url"))
