"""Which operations exclude each other, as in Azure: two subnets of one network, two settings of one database server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.kinds import Busy


class Locks:
    """The trees that somebody changes now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def holding(self, busy: Busy | None, id: str) -> Iterator[None]:  # noqa: A002 -- it is called id everywhere
        """Hold the tree that a resource belongs to while it is changed.

        Raises:
            ArmError: somebody else holds it.
        """
        root = key(_root(id, busy.below)) if busy else ""
        if busy is None:
            yield
            return
        with self._lock:
            if root in self._held:
                raise ArmError(busy.status, busy.code, busy.message.format(name=root.rpartition("/")[2], id=root))
            self._held.add(root)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(root)


def _root(id: str, below: str) -> str:  # noqa: A002
    """The ancestor of a type; the resource itself where it is of that type."""
    parsed = ResourceId.parse(id)
    while parsed and parsed.type.lower() != below.lower() and parsed.parent:
        parsed = ResourceId.parse(parsed.parent)
    return parsed.text if parsed else id
