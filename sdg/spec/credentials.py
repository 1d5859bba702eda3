"""Which of OSMO's credentials a spec takes, and how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdg.spec.tasks import Task, mapping, scalar

Use = Literal["env", "mount"]


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential in one way of use, over all tasks. Names and keys are exact: `hf_token` is not `hf-token`.

    Attributes:
        use: `env` gives keys of its payload to variables, `mount` puts it as a folder into the task.
        payload_keys: that it must have; none for a mounted one, of which a spec doesn't say what is read.
        env_vars: that take its keys.
        mount_paths: where it is put.
        tasks: that use it so.
    """

    name: str
    use: Use
    payload_keys: tuple[str, ...] = ()
    env_vars: tuple[str, ...] = ()
    mount_paths: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    keys: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)


def credentials_of(tasks: Iterable[Task]) -> tuple[Credential, ...]:
    """Every credential, by name and use."""
    gathered: defaultdict[tuple[str, Use], _Gathered] = defaultdict(_Gathered)
    for task in tasks:
        for name, how in mapping(task.body.get("credentials")).items():
            if isinstance(how, Mapping):
                found = gathered[scalar(name), "env"]
                found.variables.update(map(scalar, how))
                found.keys.update(filter(None, map(scalar, how.values())))
            elif isinstance(how, str):
                found = gathered[scalar(name), "mount"]
                found.paths.add(how)
            else:
                continue
            found.tasks.add(task.name)
    return tuple(
        Credential(name, use, *(tuple(sorted(names)) for names in (found.keys, found.variables, found.paths, found.tasks)))
        for (name, use), found in sorted(gathered.items())
    )
