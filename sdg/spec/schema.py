"""The keys of a rendered spec: which object has which, what each holds, and in which of the platform's versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Profile = Literal["6.3", "6.4"]
PROFILES: Final[tuple[Profile, ...]] = ("6.3", "6.4")


@dataclass(frozen=True, slots=True)
class Field:
    """What a key holds.

    Attributes:
        form: name of a check in `forms`, or of an object here after `object:`, `list:` or `map:`.
        required: whether the key must be there.
        nullable: whether nothing may stand behind the key.
        profiles: versions of the platform that know the key.
        legal: the values, where they are few.
    """

    form: str
    required: bool = False
    nullable: bool = False
    profiles: tuple[Profile, ...] = PROFILES
    legal: tuple[str, ...] = ()


_TASK: Final = {
    "name": Field("name", required=True),
    "image": Field("image", required=True),
    "command": Field("command", required=True),
    "args": Field("texts"),
    "environment": Field("environment"),
    "files": Field("list:file"),
    "inputs": Field("list:input"),
    "outputs": Field("list:output"),
    "credentials": Field("credentials"),
    "resource": Field("text"),
    "lead": Field("boolean"),
    "exitActions": Field("exit_actions"),
    "checkpoint": Field("list:checkpoint"),
    "privileged": Field("boolean"),
    "hostNetwork": Field("boolean"),
    "volumeMounts": Field("volume_mounts"),
    "downloadType": Field("text", nullable=True),
    "cacheSize": Field("text", nullable=True),
    "kpis": Field("list:kpi"),
    "backend": Field("text"),
}

OBJECTS: Final[Mapping[str, Mapping[str, Field]]] = {
    "spec": {"version": Field("version"), "workflow": Field("object:workflow", required=True)},
    "workflow": {
        "name": Field("name", required=True),
        "pool": Field("text", nullable=True),
        "backend": Field("text", nullable=True),
        "tasks": Field("list:task"),
        "groups": Field("list:group"),
        "resources": Field("map:resource"),
        "timeout": Field("object:timeout"),
        "labels": Field("labels", profiles=("6.4",)),
    },
    "timeout": {"exec_timeout": Field("duration", nullable=True), "queue_timeout": Field("duration", nullable=True)},
    "resource": {
        "cpu": Field("integer", nullable=True),
        "gpu": Field("integer", nullable=True),
        "memory": Field("quantity", nullable=True),
        "storage": Field("quantity", nullable=True),
        "platform": Field("text", nullable=True),
        "nodesExcluded": Field("texts"),
        "topology": Field("list:topology"),
    },
    "topology": {
        "key": Field("text", required=True),
        "group": Field("text"),
        "requirementType": Field("text", legal=("required", "preferred")),
    },
    "group": {
        "name": Field("name", required=True),
        "tasks": Field("list:task", required=True),
        "barrier": Field("boolean"),
        "ignoreNonleadStatus": Field("boolean"),
    },
    "task": _TASK,
    "file": {
        "path": Field("path", required=True),
        "contents": Field("text"),
        "localpath": Field("text"),
        "base64": Field("boolean"),
    },
    "input": {
        "task": Field("text"),
        "url": Field("url"),
        "dataset": Field("object:dataset", profiles=("6.3",)),
        "regex": Field("regex"),
    },
    "output": {
        "url": Field("url"),
        "dataset": Field("object:dataset", profiles=("6.3",)),
        "update_dataset": Field("object:update_dataset", profiles=("6.3",)),
        "regex": Field("regex"),
    },
    "dataset": {
        "name": Field("text", required=True),
        "path": Field("text"),
        "metadata": Field("texts"),
        "labels": Field("texts"),
        "regex": Field("regex"),
        "localpath": Field("text"),
    },
    "update_dataset": {"name": Field("text", required=True), "paths": Field("texts"), "metadata": Field("texts"), "labels": Field("texts")},
    "checkpoint": {
        "path": Field("text", required=True),
        "url": Field("url", required=True),
        "frequency": Field("duration", required=True),
        "regex": Field("regex"),
    },
    "kpi": {"index": Field("text", required=True), "path": Field("text", required=True)},
}

ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow": ("tasks", "groups"),
    "file": ("contents", "localpath"),
    "input": ("task", "url", "dataset"),
    "output": ("url", "dataset", "update_dataset"),
}
"""Objects that have exactly one of these keys; a list that is empty counts as none."""
