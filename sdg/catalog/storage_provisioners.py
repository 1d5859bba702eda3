"""Access modes that known provisioners can give their volumes (`storage_provisioners.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from pydantic import RootModel

from sdg.catalog.documents import CatalogModel, read

AccessMode = Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]
MANY: Final[AccessMode] = "ReadWriteMany"


class StorageProvisioner(CatalogModel):
    """One provisioner.

    Attributes:
        shows: what its volumes are.
        modes: that they can have.
        unless: what of its configuration makes other modes possible, as half a sentence; None for nothing.
        instead: what gives the modes that it cannot.
    """

    shows: str
    modes: tuple[AccessMode, ...]
    unless: str | None = None
    instead: str = "a class of a network file system"


class _StorageProvisioners(RootModel[Mapping[str, StorageProvisioner]]):
    """All of `storage_provisioners.yaml`."""


@cache
def storage_provisioners() -> Mapping[str, StorageProvisioner]:
    """Every known provisioner by its name.

    Raises:
        pydantic.ValidationError: `storage_provisioners.yaml` breaks its schema.
    """
    return read("storage_provisioners.yaml", _StorageProvisioners).root


def refusal(storage_class: str, provisioner: str, mode: AccessMode = MANY) -> str | None:
    """Why volumes of a StorageClass cannot have an access mode and what can, in two sentences.

    Returns:
        None when they can, and when that is not known: then a claim shows it.
    """
    known = storage_provisioners().get(provisioner)
    if known is None or known.unless or mode in known.modes:
        return None
    can = ", ".join(known.modes)
    return f"StorageClass {storage_class} ({provisioner}) gives {known.shows}, which can be {can} and not {mode}. Use {known.instead}."
