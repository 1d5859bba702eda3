"""Port-forwards into local services: `kubectl port-forward` to a pod that stands for one of them reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rehearsal.api import PORT_FORWARDS, Api, ApiError, Object
from rehearsal.state import HOST
from rehearsal.watching import key_of

CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Served:
    """Pods that stand for a local service.

    Attributes:
        label: `key=value` that the pods carry.
        port: the pods' port; a forward to any other port fails, as it does where nothing listens.
        service: name of the local service.
    """

    label: str
    port: int
    service: str

    def is_served_by(self, pod: Object) -> bool:
        """Whether the pod stands for the service and is ready to answer."""
        key, _, value = self.label.partition("=")
        conditions = pod.get("status", {}).get("conditions") or []
        ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
        return ready and not pod["metadata"].get("deletionTimestamp") and (pod["metadata"].get("labels") or {}).get(key) == value


SERVED: tuple[Served, ...] = (
    Served("app.kubernetes.io/name=osmo-gateway", 8080, "osmo"),
    Served("app=osmo-ui", 8000, "osmo"),
)


Own = Callable[[Object], Mapping[int, int]]
"""Of a pod that has local servers of its own: its ports, and theirs."""


def _none(_pod: Object) -> Mapping[int, int]:
    return {}


def forward(pod: Object, ports: Mapping[str, int], own: Own = _none) -> Object | None:
    """The PortForward of a pod, named like it; None when nothing answers behind the pod.

    Args:
        ports: local port of each service.
    """
    leads = {served.port: ports[served.service] for served in SERVED if served.is_served_by(pod)} | dict(own(pod))
    targets = [{"ports": [port], "target": {"address": HOST, "port": local}} for port, local in leads.items()]
    if not targets:
        return None
    metadata = pod["metadata"]
    return {
        "apiVersion": PORT_FORWARDS.group_version,
        "kind": "PortForward",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}],
        },
        "spec": {"forwards": targets},
    }


class Forwards:
    """Keeps one PortForward per pod that answers, and none for others."""

    def __init__(self, api: Api, ports: Mapping[str, int], own: Own = _none) -> None:
        self._api, self._ports, self._own = api, ports, own
        self._made: dict[tuple[str, str], str] = {}

    def on_pod(self, change: str, pod: Object) -> None:
        """Takes over a change of a pod."""
        key, uid = key_of(pod), pod["metadata"]["uid"]
        wanted = None if change == "DELETED" else forward(pod, self._ports, self._own)
        if wanted is not None and self._made.get(key) != uid:
            self._create(wanted)
            self._made[key] = uid
        elif wanted is None and self._made.get(key) == uid:
            self._api.delete(PORT_FORWARDS, key[1], key[0])
            del self._made[key]

    def _create(self, wanted: Object) -> None:
        try:
            self._api.create(PORT_FORWARDS, wanted)
        except ApiError as error:
            if error.code != CONFLICT:
                raise
            # left by an earlier pod of the same name, or by an earlier daemon with other ports
            self._api.delete(PORT_FORWARDS, wanted["metadata"]["name"], wanted["metadata"]["namespace"])
            self._api.create(PORT_FORWARDS, wanted)
