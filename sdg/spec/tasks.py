"""The tasks of a rendered spec and what each of them asks for; takes any document, since judging it is the validator's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

# what a pool gives where a profile says nothing (the service chart's `common_default_variables`)
DEFAULT_CPU: Final = 1
DEFAULT_GPU: Final = 0
DEFAULT_MEMORY: Final = "1Gi"
DEFAULT_STORAGE: Final = "1Gi"
DEFAULT_PROFILE: Final = "default"

_QUANTITY: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]i?|B)?")
# the platform takes a unit without its `i` for the binary one
_POWERS: Final = {"": 0, "B": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LARGEST: Final = 10**9  # of a count: beyond it, no number that anybody means
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a task, or several together, ask for.

    Attributes:
        memory: bytes.
        storage: bytes of the node's disk.
    """

    cpu: int = 0
    gpu: int = 0
    memory: int = 0
    storage: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.cpu + other.cpu, self.gpu + other.gpu, self.memory + other.memory, self.storage + other.storage)


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a rendered spec.

    Attributes:
        name: empty where it has none.
        group: that it runs in; a task outside groups gets one of its own, `<task>-group`.
        place: path to it in the document.
        group_index: position of its group among all groups.
        body: everything that the spec says of it.
        cpu: cores.
        gpu: devices.
        memory: as the spec writes it.
        storage: as the spec writes it.
        platform: of the pool; None for the pool's default.
    """

    name: str
    group: str
    place: tuple[str | int, ...]
    group_index: int
    body: Mapping[str, Any]
    cpu: int = DEFAULT_CPU
    gpu: int = DEFAULT_GPU
    memory: str = DEFAULT_MEMORY
    storage: str = DEFAULT_STORAGE
    platform: str | None = None

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.cpu, self.gpu, quantity(self.memory), quantity(self.storage))

    @property
    def environment(self) -> Mapping[str, str]:
        """Its variables, as text; without those that no container could get."""
        return {str(name): scalar(value) for name, value in mapping(self.body.get("environment")).items() if is_scalar(value)}


def tasks_of(document: object) -> tuple[Task, ...]:
    """Every task, in the spec's order; what is no task is left out."""
    workflow = mapping(mapping(document).get("workflow"))
    profiles = mapping(workflow.get("resources"))
    return tuple(_task(place, group, index, body, profiles) for place, group, index, body in _bodies(workflow))


def _bodies(workflow: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, int, Mapping[str, Any]]]:
    loose = items(workflow.get("tasks"))
    for index, body in enumerate(loose):
        if isinstance(body, Mapping):
            yield ("workflow", "tasks", index), f"{scalar(body.get('name'))}-group", index, body
    for index, group in enumerate(items(workflow.get("groups"))):
        name = scalar(mapping(group).get("name"))
        for number, body in enumerate(items(mapping(group).get("tasks"))):
            if isinstance(body, Mapping):
                yield ("workflow", "groups", index, "tasks", number), name, len(loose) + index, body


def _task(place: tuple[str | int, ...], group: str, index: int, body: Mapping[str, Any], profiles: Mapping[str, Any]) -> Task:
    profile = mapping(profiles.get(scalar(body.get("resource", DEFAULT_PROFILE))))
    platform = scalar(profile.get("platform"))
    return Task(
        scalar(body.get("name")),
        group,
        place,
        index,
        body,
        cpu=_count(profile.get("cpu"), DEFAULT_CPU),
        gpu=_count(profile.get("gpu"), DEFAULT_GPU),
        memory=scalar(profile.get("memory")) or DEFAULT_MEMORY,
        storage=scalar(profile.get("storage")) or DEFAULT_STORAGE,
        platform=platform or None,
    )


def quantity(text: str) -> int:
    """Bytes of a size such as `32Gi`; 0 for what is none, which the validator names."""
    found = _QUANTITY.fullmatch(text.strip())
    if not found:
        return 0
    return int(Decimal(found[1]) * 1024 ** _POWERS[(found[2] or "").removesuffix("i")])


def _count(value: object, default: int) -> int:
    """A number of cores or devices, which may be quoted; 0 for what is none, which the validator names."""
    if value is None or value == "":
        return default
    try:
        return min(max(0, int(scalar(value))), _LARGEST)
    except ValueError:
        return 0


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def is_scalar(value: object) -> bool:
    """Whether a value can be a variable's: text, a number, a truth value."""
    return isinstance(value, str | int | float)


def scalar(value: object) -> str:
    """A scalar as text; empty for anything else."""
    return str(value) if is_scalar(value) else ""
