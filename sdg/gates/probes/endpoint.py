"""An endpoint as the inference gate is asked about it; `sdg.gates.inference` says what each input means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

from sdg.inference.model import RequestKind
from sdg.kube.portforward import Target


@dataclass(frozen=True, slots=True)
class Function:
    """A function of NVCF: where its API answers, and which version has to be active; an empty version is any."""

    api: str
    id: str
    version: str = ""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads the `function` of an endpoint."""
        return cls(str(properties["api"]), str(properties["id"]), str(properties.get("version") or ""))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry of the input `endpoints`.

    Attributes:
        target: the Service behind it in the cluster; None for one that is reached by `root`.
        root: origin of its URL as the gate reaches it; empty where a forward gives it.
        base_path: path of its base URL ("/v1").
        models: whether its list of models is there and names the model.
        path: where its request goes.
        nim: name of the NIMService in the target's namespace; empty for none.
    """

    name: str
    provider: str
    model: str
    ready: str
    request: RequestKind
    auth: str
    minutes: float
    target: Target | None
    root: str
    base_path: str
    models: bool
    path: str
    nim: str
    function: Function | None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads an entry; raises KeyError, TypeError or ValueError for one that is none."""
        address, expect = properties["address"], properties.get("expect") or {}
        said = urlsplit(str(properties["url"])).path.rstrip("/")
        in_cluster = "service" in address
        reached = "" if in_cluster else str(address["url"]).rstrip("/")
        # a mirror puts something before the path that clients know, or something else in its place
        kept = in_cluster or reached.endswith(said)
        gone, base_path = ("", said) if kept else (said, "")
        return cls(
            name=str(properties["name"]),
            provider=str(properties["provider"]),
            model=str(properties["model"]),
            ready=str(properties.get("ready") or "").removeprefix(gone),
            request=cast("RequestKind", str(properties.get("request") or "none")),
            auth=str(properties.get("auth") or ""),
            minutes=float(properties.get("minutes") or 0),
            target=Target(str(address["namespace"]), str(address["service"]), int(address["port"])) if in_cluster else None,
            root=reached.removesuffix(base_path),
            base_path=base_path,
            models=bool(expect.get("models", True)),
            path=str(expect.get("path") or f"{said}/chat/completions").removeprefix(gone),
            nim=str((properties.get("nim") or {}).get("name") or ""),
            function=Function.of(properties["function"]) if properties.get("function") else None,
        )

    @property
    def subject(self) -> str:
        """How checks call it."""
        return f"endpoint/{self.name}"

    def headers(self, key: str) -> dict[str, str]:
        """What carries the key."""
        if not key or not self.auth:
            return {}
        return {"api-key": key} if self.auth == "api-key" else {"Authorization": f"Bearer {key}"}
