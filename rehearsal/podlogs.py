"""Logs of virtual pods: what is registered here, `kubectl logs` prints."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from rehearsal.api import LOGS, PODS, Api, Object


class PodLogs:
    """Log files of containers, told to the kubelet. May be used from several threads.

    Args:
        directory: private directory of the files.
    """

    def __init__(self, api: Api, directory: Path) -> None:
        self._api, self._directory = api, directory
        self._lock = threading.Lock()
        self._containers: dict[str, set[str]] = {}

    def append(self, namespace: str, pod: str, container: str, lines: Iterable[str]) -> None:
        """Adds lines to a container's log. A pod that is gone has no log."""
        with self._lock:
            found = self._api.get(PODS, pod, namespace)
            if found is None:
                return
            uid = found["metadata"]["uid"]
            file = self._file(uid, container)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a") as log:
                log.writelines(_cri(line) for line in lines)
            known = self._containers.setdefault(uid, set())
            if container not in known:
                known.add(container)
                self._api.apply(LOGS, self._registration(found, sorted(known)))

    def forget(self, uid: str) -> None:
        """Removes the logs of a pod that is gone."""
        with self._lock:
            if self._containers.pop(uid, None) is not None:
                shutil.rmtree(self._directory / uid, ignore_errors=True)

    def _file(self, uid: str, container: str) -> Path:
        return self._directory / uid / f"{container}.log"

    def _registration(self, pod: Object, containers: list[str]) -> Object:
        metadata = pod["metadata"]
        empty = str(self._directory / "empty.log")
        files = [(container, str(self._file(metadata["uid"], container))) for container in containers]
        return {
            "apiVersion": LOGS.group_version,
            "kind": "Logs",
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}],
            },
            "spec": {
                "logs": [
                    *({"containers": [name], "logsFile": file, "previousLogsFile": file} for name, file in files),
                    {"logsFile": empty, "previousLogsFile": empty},
                ]
            },
        }


def _cri(line: str) -> str:
    """One line as a container runtime writes it; kwok reads nothing else."""
    return f"{dt.datetime.now(dt.UTC).isoformat(timespec='microseconds').replace('+00:00', 'Z')} stdout F {line.rstrip()}\n"
