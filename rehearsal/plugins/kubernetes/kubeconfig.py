"""Reading a kubeconfig: where the API server is and how to prove who one is."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.plugins.kubernetes import credentials, documents
from rehearsal.plugins.provider import ProviderError


@dataclass(frozen=True)
class Connection:
    """One context of a kubeconfig, resolved. Secrets are kept out of its repr."""

    server: str
    namespace: str = "default"
    authority: bytes | None = field(default=None, repr=False)
    insecure: bool = False
    server_name: str | None = None
    token: str | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


def content(kubeconfig: str | None, env: Mapping[str, str] = os.environ) -> str:
    """Return the text of a kubeconfig given by path or content; without one, of the ambient file.

    Raises:
        OSError: the file cannot be read.
    """
    if kubeconfig is None:
        ambient = env.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(ambient or Path.home() / ".kube" / "config").read_text(encoding="utf-8")
    return path.read_text(encoding="utf-8") if (path := as_path(kubeconfig)) else kubeconfig


def as_path(kubeconfig: str) -> Path | None:
    """Return the path that a kubeconfig setting is; None when it is the content itself."""
    if "\n" in kubeconfig or kubeconfig.lstrip().startswith("{"):
        return None
    path = Path(kubeconfig).expanduser()
    return path if path.exists() else None


def parse(text: str) -> dict[str, Any]:
    """Return a kubeconfig as data.

    Raises:
        ProviderError: it is not one.
    """
    try:
        config = documents.load(text)
    except documents.YAMLError as error:
        raise ProviderError(f"failed to parse kubeconfig: {getattr(error, 'problem', 'not YAML')}") from None
    if not isinstance(config, dict):
        raise ProviderError("failed to parse kubeconfig: it holds no mapping")
    return config


def active_cluster(config: Mapping[str, Any], context: str | None = None, cluster: str | None = None) -> Mapping[str, Any] | None:
    """Return the cluster entry that is in use; None when there is none."""
    chosen = _named(config, "contexts", "context", context or config.get("current-context"))
    return _named(config, "clusters", "cluster", cluster or (chosen or {}).get("cluster"))


def connect(config: Mapping[str, Any], context: str | None = None, cluster: str | None = None) -> Connection:
    """Resolve the context in use.

    Raises:
        ProviderError: the context, its cluster or its user is missing, or the user's credentials come from a program that is not the
            rehearsal's own, or that gives none.
    """
    name = context or config.get("current-context")
    chosen = _named(config, "contexts", "context", name)
    if chosen is None:
        raise ProviderError(f"invalid configuration: context was not found for specified context: {name}")
    target = active_cluster(config, context, cluster)
    if target is None or not target.get("server"):
        raise ProviderError("invalid configuration: no server found for the cluster in use")
    user = _named(config, "users", "user", chosen.get("user")) or {}
    if user.get("auth-provider"):
        raise ProviderError("the kubeconfig names an auth-provider; the rehearsal's stand-in takes tokens, certificates and kubelogin only")
    if user.get("exec"):
        user = {**user, **credentials.ask(user["exec"])}
    return Connection(
        server=str(target["server"]).rstrip("/"),
        namespace=str(chosen.get("namespace") or "default"),
        authority=_data(target, "certificate-authority"),
        insecure=bool(target.get("insecure-skip-tls-verify")),
        server_name=target.get("tls-server-name"),
        token=user.get("token") or _file(user.get("tokenFile")),
        basic=(user["username"], user.get("password", "")) if user.get("username") else None,
        certificate=_data(user, "client-certificate"),
        key=_data(user, "client-key"),
    )


def _named(config: Mapping[str, Any], section: str, field_name: str, name: object) -> Mapping[str, Any] | None:
    entries = config.get(section) or []
    return next((entry.get(field_name) or {} for entry in entries if entry.get("name") == name), None)


def _data(entry: Mapping[str, Any], name: str) -> bytes | None:
    if encoded := entry.get(f"{name}-data"):
        return base64.b64decode(encoded)
    return Path(entry[name]).read_bytes() if entry.get(name) else None


def _file(path: str | None) -> str | None:
    return Path(path).read_text(encoding="utf-8").strip() if path else None
