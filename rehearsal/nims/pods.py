"""Questions about pods of NIM services and of Jobs that fetch models. Pure functions on objects."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final

from rehearsal.api import Object
from rehearsal.nodes import GPU

MANAGER: Final = "k8s-nim-operator"
NAME, MANAGED_BY, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/managed-by", "app.kubernetes.io/part-of"
APP: Final = "app"
PORT: Final = 8000
_PORT_VARIABLES = ("NIM_HTTP_API_PORT", "NIM_SERVER_PORT")
_BYTES = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4, "KI": 1024, "MI": 1024**2, "GI": 1024**3, "TI": 1024**4}
_QUANTITY = re.compile(r"([0-9.]+)([KMGTkmgt]?i?)[bB]?")


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a container that lies on a claim.

    Attributes:
        claim: its name.
        path: below the root of the volume; empty for the root itself.
    """

    claim: str
    path: str

    def below(self, *parts: str) -> str:
        """A path further down, as it is on the volume."""
        return posixpath.join(self.path, *parts)


def is_nim(pod: Object) -> bool:
    """Whether the operator made the pod for a NIMService."""
    labels = pod["metadata"].get("labels") or {}
    return labels.get(PART_OF) == "nim-service" and labels.get(MANAGED_BY) == MANAGER


def service_of(pod: Object) -> str:
    """Name of the pod's NIMService: its selector's label, since users may overwrite the others' values."""
    return str((pod["metadata"].get("labels") or {}).get(APP, ""))


def container(pod: Object) -> Object:
    """The pod's own program."""
    found: Object = pod["spec"]["containers"][0]
    return found


def variables(item: Object) -> dict[str, str]:
    """A container's plain variables, the last of a name."""
    return {found["name"]: str(found.get("value", "")) for found in item.get("env") or [] if "valueFrom" not in found}


def secret_key(item: Object, name: str) -> tuple[str, str] | None:
    """Secret and key that a variable comes from; None when it comes from none."""
    for found in item.get("env") or []:
        if found["name"] == name and (reference := (found.get("valueFrom") or {}).get("secretKeyRef")):
            return str(reference["name"]), str(reference["key"])
    return None


def words(item: Object) -> list[str]:
    """Command and arguments of a container."""
    return [str(word) for word in (*(item.get("command") or []), *(item.get("args") or []))]


def listens_on(item: Object) -> int:
    """Port that the program listens on: as a variable or an argument says."""
    given = words(item)
    if "--port" in given[:-1]:
        return _number(given[given.index("--port") + 1])
    found = variables(item)
    return next((_number(found[name]) for name in _PORT_VARIABLES if found.get(name)), PORT)


def probe_port(item: Object, probe: Object) -> int | None:
    """Port that a probe asks; None where it asks none."""
    port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
    if isinstance(port, str) and not port.isdigit():
        return next((int(one["containerPort"]) for one in item.get("ports") or [] if one.get("name") == port), None)
    return None if port is None else int(port)


def place(pod: Object, path: str) -> Place | None:
    """Where a path of the pod's program lies; None when it is on no claim."""
    item = container(pod)
    mounts = sorted(item.get("volumeMounts") or [], key=lambda mount: len(mount["mountPath"]), reverse=True)
    for mount in mounts:
        inside = _inside(path, mount["mountPath"])
        if inside is not None:
            claim, inner = _claim(pod, mount["name"]), posixpath.normpath(posixpath.join(mount.get("subPath", ""), inside))
            return Place(claim, "" if inner == "." else inner) if claim else None
    return None


def mount_of(pod: Object, path: str) -> Object | None:
    """The mount that a path is the root of."""
    mounts = container(pod).get("volumeMounts") or []
    return next((mount for mount in mounts if mount["mountPath"].rstrip("/") == path.rstrip("/")), None)


def volume(pod: Object, name: str) -> Object:
    """A volume of the pod; empty when there is none of the name."""
    return next((dict(found) for found in pod["spec"].get("volumes") or [] if found["name"] == name), {})


def gpus(item: Object) -> int:
    """GPUs that a container asks for."""
    asked = (item.get("resources") or {}).get("limits") or (item.get("resources") or {}).get("requests") or {}
    return _number(str(asked.get(GPU, 0)))


def memory_limit(item: Object) -> float:
    """Bytes of memory at which a container is killed; infinite without a limit."""
    limit = ((item.get("resources") or {}).get("limits") or {}).get("memory")
    return quantity(str(limit)) if limit is not None else float("inf")


def quantity(text: str) -> float:
    """A quantity of Kubernetes', or of nginx' (`500M`), in bytes; 0 for what is none."""
    found = _QUANTITY.fullmatch(text.strip())
    return float(found[1]) * _BYTES[found[2].upper()] if found else 0.0


def _inside(path: str, mount: str) -> str | None:
    whole, root = posixpath.normpath(path), posixpath.normpath(mount)
    if whole == root:
        return ""
    return whole[len(root) + 1 :] if whole.startswith(f"{root}/") else None


def _claim(pod: Object, name: str) -> str:
    return str((volume(pod, name).get("persistentVolumeClaim") or {}).get("claimName", ""))


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
