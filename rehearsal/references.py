"""What exists of the objects that pods refer to. Names and keys only: contents of Secrets are never kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rehearsal.api import ACCOUNTS, CLAIMS, CONFIG_MAPS, NODES, RUNTIME_CLASSES, SECRETS, Object, Resource
from rehearsal.nodes import FILES
from rehearsal.watching import Handler, Key, key_of

Fact = TypeVar("Fact")
DEFAULT_HANDLERS = frozenset({"", "runc"})


@dataclass
class References:
    """What exists now, as the watches tell it.

    Attributes:
        secrets: namespace and name → keys.
        config_maps: namespace and name → keys.
        claims: namespace and name → phase.
        accounts: namespace and name of service accounts.
        runtime_classes: name → handler.
        node_handlers: node → runtime handlers that its container runtime has.
        node_files: node → files of it that pods can mount.
    """

    secrets: dict[Key, frozenset[str]] = field(default_factory=dict)
    config_maps: dict[Key, frozenset[str]] = field(default_factory=dict)
    claims: dict[Key, str] = field(default_factory=dict)
    accounts: dict[Key, bool] = field(default_factory=dict)
    runtime_classes: dict[Key, str] = field(default_factory=dict)
    node_handlers: dict[Key, frozenset[str]] = field(default_factory=dict)
    node_files: dict[Key, frozenset[str]] = field(default_factory=dict)

    def handlers(self) -> Mapping[Resource, Handler]:
        """For each kind, what takes a watch's changes over into this."""
        return {
            SECRETS: _into(self.secrets, lambda item: _keys(item, "data")),
            CONFIG_MAPS: _into(self.config_maps, lambda item: _keys(item, "data", "binaryData")),
            CLAIMS: _into(self.claims, lambda item: str(item.get("status", {}).get("phase", "Pending"))),
            ACCOUNTS: _into(self.accounts, lambda _item: True),
            RUNTIME_CLASSES: _into(self.runtime_classes, lambda item: str(item["handler"])),
            NODES: _both(_into(self.node_handlers, _node_handlers), _into(self.node_files, _node_files)),
        }


def _into(facts: dict[Key, Fact], read: Callable[[Object], Fact]) -> Handler:
    def handle(change: str, item: Object) -> None:
        if change == "DELETED":
            facts.pop(key_of(item), None)
        else:
            facts[key_of(item)] = read(item)

    return handle


def _both(one: Handler, other: Handler) -> Handler:
    def handle(change: str, item: Object) -> None:
        one(change, item)
        other(change, item)

    return handle


def _keys(item: Object, *fields: str) -> frozenset[str]:
    return frozenset(key for name in fields for key in item.get(name) or {})


def _node_handlers(item: Object) -> frozenset[str]:
    listed = item.get("status", {}).get("runtimeHandlers") or []
    return frozenset(handler["name"] for handler in listed) or DEFAULT_HANDLERS


def _node_files(item: Object) -> frozenset[str]:
    return frozenset((item["metadata"].get("annotations") or {}).get(FILES, "").split(",")) - {""}
