"""The last lines that a container wrote: what it is at, or why it ended."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from sdg.kube.api import Json, KubernetesReader
from sdg.kube.errors import KubeError

_EVERY: Final = 5.0  # seconds between two looks at one log
_LINES: Final = 20
_BYTES: Final = 1 << 16
_LINE: Final = 200  # characters of a line
# a bar of a download draws itself over: the last drawing counts
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PERCENT: Final = re.compile(r"(?<![\d.])(100|\d{1,2})(?:\.\d+)?%")
_BYTES_OF: Final = re.compile(r"(\d+(?:\.\d+)?\s?[kKMGT]i?B?)\s?(?:/|of)\s?(\d+(?:\.\d+)?\s?[kKMGT]i?B?)")


class KubernetesLogs(KubernetesReader, Protocol):
    """Where probes read objects and logs."""

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """What is no JSON; raises as `get` does."""
        ...


class PodLogs:
    """Reads logs now and then, and remembers them meanwhile. What cannot be read is no lines: a log only explains."""

    def __init__(self, api: KubernetesLogs, every: float = _EVERY) -> None:
        self._api, self._every = api, every
        self._read: dict[tuple[str, str, str, bool], tuple[float, list[str]]] = {}

    def last(self, pod: Json, *, ended: bool = False) -> list[str]:
        """The last lines of a pod's first container; with `ended`, those of its last try that ended."""
        metadata = pod["metadata"]
        container = str(next((each["name"] for each in (pod.get("spec") or {}).get("containers") or []), ""))
        key = (str(metadata["namespace"]), str(metadata["name"]), container, ended)
        at, lines = self._read.get(key, (float("-inf"), []))
        if time.monotonic() - at >= self._every:
            lines = self._ask(*key)
            self._read[key] = (time.monotonic(), lines)
        return lines

    def _ask(self, namespace: str, name: str, container: str, ended: bool) -> list[str]:
        query = {"tailLines": str(_LINES), "limitBytes": str(_BYTES), **({"container": container} if container else {})}
        if ended:
            query["previous"] = "true"
        try:
            text = self._api.text(f"/api/v1/namespaces/{namespace}/pods/{name}/log", query)
        except KubeError:
            return []
        return [line for raw in text.splitlines() if (line := _readable(raw))]


def progress(lines: list[str]) -> str:
    """How far a download is, as its last lines show it; empty where they show nothing."""
    for line in reversed(lines):
        percent, size = _PERCENT.search(line), _BYTES_OF.search(line)
        parts = ([percent[0]] if percent else []) + ([f"{size[1]} of {size[2]}"] if size else [])
        if parts:
            return ", ".join(parts)
    return ""


def _readable(raw: str) -> str:
    """One line of a log without colours; of a structured one, its message."""
    line = _COLOUR.sub("", raw.rsplit("\r", 1)[-1]).strip()
    if line.startswith("{"):
        line = _message(line)
    return line[:_LINE]


def _message(line: str) -> str:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError):
        return line
    said = next((entry[key] for key in ("message", "msg") if isinstance(entry.get(key), str)), "") if isinstance(entry, dict) else ""
    return said.strip() or line
