"""Names that all of Azure shares, and names that deleted resources keep for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key

CONFLICT = 409
DAY = 86400.0


@dataclass(frozen=True)
class Gone:
    """A resource that was deleted and can be brought back.

    Attributes:
        deleted, purged: seconds since the epoch, of its deletion and of its end for good.
        protected: nobody can end it earlier.
    """

    type: str
    id: str
    location: str
    deleted: float
    purged: float
    protected: bool = False

    @property
    def name(self) -> str:
        """Its name, which it keeps."""
        return self.id.rpartition("/")[2]


class Names:
    """Deleted resources that keep their names. Not safe for threads by itself: the world's lock protects it."""

    def __init__(self) -> None:
        self._gone: dict[str, Gone] = {}

    def all(self, now: float) -> list[Gone]:
        """What is kept now."""
        return [one for one in self._gone.values() if one.purged > now]

    def find(self, type: str, name: str, now: float) -> Gone | None:  # noqa: A002 -- it is called type everywhere
        """The deleted resource that keeps a name."""
        found = self._gone.get(f"{type}/{name}".lower())
        return found if found and found.purged > now else None

    def keep(self, gone: Gone) -> None:
        """Keep a deleted resource."""
        self._gone[f"{gone.type}/{gone.name}".lower()] = gone

    def drop(self, type: str, name: str) -> Gone | None:  # noqa: A002
        """Forget one that was brought back or purged."""
        return self._gone.pop(f"{type}/{name}".lower(), None)

    def dump(self) -> list[dict[str, Any]]:
        """For the file."""
        return [asdict(one) for one in self._gone.values()]

    def load(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """From the file."""
        for entry in entries:
            self.keep(Gone(**entry))


def refuse_kept(gone: Gone, id: str, inputs: Mapping[str, Any]) -> None:  # noqa: A002
    """Refuse a creation whose name a deleted resource keeps, unless it asks for that one back, in the way of its service.

    Raises:
        ArmError: as the service refuses.
    """
    properties = inputs.get("properties") or {}
    kind = gone.type.lower()
    if kind == "microsoft.keyvault/vaults":
        if str(properties.get("createMode", "")).lower() != "recover":
            words = "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."
            raise ArmError(CONFLICT, "ConflictError", f"{words} Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more.")
    elif kind == "microsoft.cognitiveservices/accounts":
        if not properties.get("restore"):
            words = (
                "To restore the resource, you must specify 'restore' to be 'true' in the property. If you don't want to restore existing"
            )
            sentence = f"An existing resource with ID '{gone.id}' has been soft-deleted. {words} resource, please purge it first."
            raise ArmError(CONFLICT, "FlagMustBeSetForRestore", sentence)
    elif key(gone.id) != key(id):
        parsed = ResourceId.parse(gone.id)
        where = parsed.group if parsed else "another group"
        sentence = (
            f"The name '{gone.name}' is kept by a workspace that was deleted from '{where}': recover it there, or choose another name."
        )
        raise ArmError(CONFLICT, "Conflict", sentence)
