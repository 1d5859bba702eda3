"""Reads the part of a kubeconfig that belongs to one context: other clusters' credentials have no business in a stack's state."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from sdg.kube.kubeconfig_entries import CURRENT, Document, Section, named, names

DEFAULT_PATH: Final = "~/.kube/config"
# what may stand in a file of its own, and the key that holds it inline instead
_FILES: Final = (
    ("certificate-authority", "certificate-authority-data"),
    ("client-certificate", "client-certificate-data"),
    ("client-key", "client-key-data"),
)


class KubeconfigError(ValueError):
    """Why no kubeconfig can be used, in one sentence that shows no credential."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where a cluster answers.

    Attributes:
        url: of the API server.
        proxy: URL of the proxy in front of it, as the kubeconfig's `proxy-url` says; may hold a password.
    """

    url: str
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One context of a kubeconfig.

    Attributes:
        path: the file that it was read from.
        context: the chosen context, which is also the text's current one.
        api_server: where the cluster answers.
        text: a kubeconfig that holds this context alone, with every certificate inline; secret.
    """

    path: Path
    context: str
    api_server: ApiServer
    text: str = field(repr=False)

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self.api_server.url


def candidates(setting: str | None, environ: Mapping[str, str], project: Path) -> tuple[Path, ...]:
    """The files to look at, in order: the setting, else every path of `$KUBECONFIG`, else the default path."""
    named = [setting] if setting else [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return tuple(project / Path(path).expanduser() for path in named or [DEFAULT_PATH])


def read_kubeconfig(paths: Sequence[Path], context: str | None) -> Kubeconfig:
    """Reads the context, or the current one, from the first file that has it.

    Raises:
        KubeconfigError: no file exists, none can be read, or none holds the context.
    """
    existing = [path for path in paths if path.is_file()]
    if not existing:
        raise KubeconfigError(f"there is no kubeconfig at {_listed(paths)}")
    documents = {path: _document(path) for path in existing}
    for path, document in documents.items():
        wanted = context or document.get(CURRENT)
        if wanted and wanted in names(document, "contexts"):
            return _only(path, document, str(wanted))
    known = [name for document in documents.values() for name in names(document, "contexts")]
    missing = f"holds no context {context!r}" if context else "has no current context"
    raise KubeconfigError(f"{_listed(existing)} {missing}; its contexts: {', '.join(known) or 'none'}")


def _document(path: Path) -> Document:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KubeconfigError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        # the parser's own message quotes the file, which holds credentials
        raise KubeconfigError(f"{path} is not YAML") from None
    if not isinstance(document, dict) or not isinstance(document.get("clusters"), list):
        raise KubeconfigError(f"{path} is not a kubeconfig: it lists no clusters")
    return document


def _only(path: Path, document: Document, name: str) -> Kubeconfig:
    context = _named(path, document, "contexts", name)
    cluster = _inline(path, _named(path, document, "clusters", str(context.get("cluster"))))
    user = _inline(path, _named(path, document, "users", str(context.get("user"))))
    server = cluster.get("server")
    if not isinstance(server, str):
        raise KubeconfigError(f"{path}: cluster {context.get('cluster')!r} names no server")
    alone = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": context["cluster"], "cluster": cluster}],
        "contexts": [{"name": name, "context": context}],
        "users": [{"name": context["user"], "user": user}],
    }
    proxy = cluster.get("proxy-url")
    return Kubeconfig(path, name, ApiServer(server, str(proxy) if proxy else None), yaml.safe_dump(alone, sort_keys=True))


def _named(path: Path, document: Document, section: Section, name: str) -> Document:
    found = named(document, section, name)
    if found is None:
        raise KubeconfigError(f"{path} holds no {section.removesuffix('s')} {name!r}")
    return found


def _inline(path: Path, entry: Document) -> Document:
    """The entry with the content of the files that it points to; they are relative to the kubeconfig."""
    inline = dict(entry)
    for pointer, data in _FILES:
        if pointer in inline:
            inline[data] = base64.b64encode(_content(path, pointer, inline.pop(pointer))).decode()
    if "tokenFile" in inline:
        inline["token"] = _content(path, "tokenFile", inline.pop("tokenFile")).decode().strip()
    return inline


def _content(path: Path, pointer: str, name: object) -> bytes:
    target = path.parent / str(name)
    try:
        return target.read_bytes()
    except OSError as error:
        raise KubeconfigError(f"{path}: the file of {pointer}, {target}, cannot be read: {error.strerror}") from None


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
