"""Recorded calls of the official plugins: reading them, asking a stand-in the same, and comparing the answers.

What differs from run to run (times, uids, ports, random names) is masked on both sides; everything else has to be the same. Differences
that are meant are listed with their reason beside the recordings and left out on both sides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from rehearsal.plugins.protocol import GRPC_OPTIONS, provider_pb2, provider_pb2_grpc, status_pb2

_MASKED = {"clusterIP", "clusterIPs", "creationTimestamp", "lastTransitionTime", "lastUpdateTime", "resourceVersion", "time", "uid"}
_UNORDERED = {"diffs", "replaces"}
_PATTERNS = (
    (re.compile(r"127\.0\.0\.1:(?:\d+|<port>)"), "127.0.0.1:<port>"),
    (re.compile(r"pulumi-kubernetes-[0-9a-f]{8}"), "pulumi-kubernetes-<random>"),
    (re.compile(r"\bauto-[0-9a-f]{8}\b"), "auto-<random>"),
)


@dataclass(frozen=True)
class Call:
    """One recorded call: what was asked, and what was answered or refused."""

    method: str
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None
    error: str | None

    @property
    def name(self) -> str:
        """The call in few words: its method and the resource's name."""
        return f"{self.method.partition('/')[2]} {self.request.get('name', '')}".strip()

    def matches(self, method: str, name: str = "") -> bool:
        """Whether this is a call of the method, about the resource of that name."""
        return self.method.endswith(f"/{method}") and self.request.get("name", "") == name


@dataclass(frozen=True)
class Divergence:
    """A difference that is meant. `at` is the place in the answer, with `*` for any key; `method` is the one it is seen in."""

    method: str
    at: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Recordings:
    """Recorded runs of an engine, each a list of calls in order."""

    runs: Mapping[str, Sequence[Call]]
    divergences: Sequence[Divergence]

    @classmethod
    def load(cls, directory: Path) -> Recordings:
        """Read `calls.jsonl`, `runs.json` and `divergences.json`."""
        lines = (directory / "calls.jsonl").read_text(encoding="utf-8").splitlines()
        calls = [_call(json.loads(line)) for line in lines]
        runs = json.loads((directory / "runs.json").read_text(encoding="utf-8"))
        listed = json.loads((directory / "divergences.json").read_text(encoding="utf-8"))
        divergences = [Divergence(entry["method"], tuple(entry["at"]), entry["reason"]) for entry in listed]
        return cls({name: [calls[index] for index in indices] for name, indices in runs.items()}, divergences)

    def expected(self, call: Call) -> object:
        """Return what was recorded as the answer, comparable with `answered`."""
        return self._comparable(call, {"error": call.error} if call.error else dict(call.response or {}))

    def answered(self, call: Call, answer: Mapping[str, Any]) -> object:
        """Return a stand-in's answer, comparable with `expected`. Details of an error were not recorded."""
        return self._comparable(call, {key: value for key, value in answer.items() if key != "detail"})

    def _comparable(self, call: Call, answer: object) -> object:
        value = masked(answer)
        for divergence in self.divergences:
            if call.method.endswith(f"/{divergence.method}"):
                value = _without(value, divergence.at)
        return value


def ask(stub: provider_pb2_grpc.ResourceProviderStub, call: Call, change: Callable[[str], str] = str) -> dict[str, Any]:
    """Ask a provider what was asked in a recorded call.

    Args:
        stub: The provider.
        call: What to ask.
        change: Puts what belongs to this test, such as ports, into the request's text.

    Returns:
        The answer as JSON; `{"error": ...}` when the provider refused, with the resource as it exists all the same under `detail`.
    """
    method = call.method.partition("/")[2]
    request = ParseDict(json.loads(change(json.dumps(call.request))), _request(method), ignore_unknown_fields=True)
    try:
        answer: dict[str, Any] = MessageToDict(getattr(stub, method)(request))
    except grpc.RpcError as error:
        return _refused(cast("grpc.Call", error))  # what a failed call raises is the call itself
    return answer


@contextmanager
def serving(servicer: provider_pb2_grpc.ResourceProviderServicer) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Serve a provider within this process and yield a client of it."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=GRPC_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=GRPC_OPTIONS) as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        server.stop(0).wait()


def masked(value: object) -> object:
    """Return a value without what differs from run to run."""
    if isinstance(value, Mapping):
        return {key: _masked_entry(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in _PATTERNS:
            value = pattern.sub(replacement, value)
    return value


def _masked_entry(key: str, value: object) -> object:
    if key in _MASKED and value:
        return f"<{key}>"
    if not isinstance(value, list):
        return masked(value)
    if key == "managedFields":
        return sorted(_manager(entry) for entry in value)
    if key == "conditions":
        return sorted((masked(entry) for entry in value), key=lambda entry: str(entry["type"]) if isinstance(entry, dict) else "")
    return sorted(value) if key in _UNORDERED else masked(value)


def _manager(entry: object) -> str:
    if isinstance(entry, Mapping):
        entry = " ".join(str(entry[name]) for name in ("manager", "operation", "subresource") if entry.get(name))
    return str(masked(entry))


def _without(value: object, path: tuple[str, ...]) -> object:
    if not isinstance(value, Mapping) or not path:
        return value
    step, rest = path[0], path[1:]
    kept = {}
    for key, item in value.items():
        if step not in {key, "*"}:
            kept[key] = item
        elif rest:
            kept[key] = _without(item, rest)
    return kept


def _call(line: Mapping[str, Any]) -> Call:
    errors = line.get("errors")
    return Call(line["method"], line["request"], line.get("response"), errors[0] if errors else None)


def _request(method: str) -> Message:
    plain = {"GetPluginInfo", "Cancel"}
    name = {"CheckConfig": "Check", "DiffConfig": "Diff", "Handshake": "ProviderHandshake"}.get(method, method)
    if method in plain:
        from google.protobuf import empty_pb2  # noqa: PLC0415 -- the only use

        return empty_pb2.Empty()
    message: Message = getattr(provider_pb2, f"{name}Request")()
    return message


def _refused(error: grpc.Call) -> dict[str, Any]:
    refused = {"error": f"rpc error: code = {_code(error.code())} desc = {error.details()}"}
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if packed is None:
        return refused
    failed = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(packed).details[0].Unpack(failed)
    return {**refused, "detail": MessageToDict(failed)}


def _code(code: grpc.StatusCode) -> str:
    return "".join(word.capitalize() for word in code.name.split("_"))
