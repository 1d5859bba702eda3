"""ARM ids: where a resource is, of which type, below what. ARM compares them without regard to case."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "Microsoft.Resources/resourceGroups"
_PROVIDERS = "providers"


@dataclass(frozen=True)
class ResourceId:
    """A parsed id.

    Attributes:
        text: as given.
        subscription: its id; empty for what lies outside of subscriptions.
        group: name of the resource group; empty for what lies outside of groups.
        type: `Microsoft.Network/virtualNetworks/subnets`.
        names: from the outermost resource of the type inwards.
        parent: id of what it is nested in or extends; empty for what is at the top of a group.
    """

    text: str
    subscription: str
    group: str
    type: str
    names: tuple[str, ...]
    parent: str

    @classmethod
    def parse(cls, text: str) -> ResourceId | None:
        """Read an id; None for what is none."""
        parts = text.strip("/").split("/")
        if not text.startswith("/") or len(parts) < 2 or parts[0].lower() != "subscriptions":  # noqa: PLR2004 -- a key and a value
            return None
        subscription, rest, group = parts[1], parts[2:], ""
        if rest and rest[0].lower() == "resourcegroups":
            group, rest = (rest[1] if len(rest) > 1 else ""), rest[2:]
            if not rest:
                return cls(text, subscription, group, GROUP, (group,), "")
        start = _last_provider(rest)
        if start is None:
            return None
        namespace, tail = rest[start + 1], rest[start + 2 :]
        kinds, names = tail[::2], tuple(tail[1::2])
        if len(kinds) != len(names) or not names:
            return None
        parent = _parent(parts, len(parts) - len(rest) + start, tail)
        return cls(text, subscription, group, "/".join([namespace, *kinds]), names, parent)

    @property
    def name(self) -> str:
        """The innermost name."""
        return self.names[-1]

    @property
    def group_id(self) -> str:
        """Id of the resource group; empty outside of groups."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}" if self.group else ""


def key(id: str) -> str:  # noqa: A002 -- it is called id everywhere
    """What two spellings of one id have in common."""
    return "/" + id.strip("/").lower()


def _last_provider(parts: list[str]) -> int | None:
    found = [index for index, part in enumerate(parts) if part.lower() == _PROVIDERS]
    return found[-1] if found and len(parts) > found[-1] + 2 else None


def _parent(parts: list[str], provider: int, tail: list[str]) -> str:
    if len(tail) > 2:  # noqa: PLR2004 -- nested: one pair of type and name is the resource itself
        return "/" + "/".join(parts[:-2])
    scope = parts[:provider]
    # an extension (a role assignment on a storage account) lies on another resource
    return "/" + "/".join(scope) if _PROVIDERS in [part.lower() for part in scope] else ""
