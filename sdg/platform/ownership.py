"""Whose a namespace is: the program marks what it makes, so that it neither takes over nor deletes what somebody else made."""

from __future__ import annotations

from typing import Final

from sdg.kube.api import Json
from sdg.platform.layout import OURS

OWNER: Final = "sdg/stack"
"""Annotation of a namespace: project and stack that made it, and that may delete it."""

_PROVIDER: Final = "pulumi-kubernetes"  # how its field managers begin


def is_owned(namespace: Json, owner: str) -> bool:
    """Whether a namespace is this stack's.

    One without an owner is anybody's who finds it if it bears the program's label, as restored keys have it, or if the engine's provider
    made it: the program did not always name the owner.
    """
    metadata = namespace["metadata"]
    named = owner_of(namespace)
    if named:
        return named == owner
    labelled = OURS.items() <= (metadata.get("labels") or {}).items()
    managers = [str(entry.get("manager", "")) for entry in metadata.get("managedFields") or []]
    return labelled or any(manager.startswith(_PROVIDER) for manager in managers)


def owner_of(namespace: Json) -> str:
    """The stack that a namespace names; empty when it names none."""
    return str((namespace["metadata"].get("annotations") or {}).get(OWNER) or "")
