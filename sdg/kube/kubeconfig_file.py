"""One cluster's entries in a kubeconfig that belongs to the user: added, kept up and removed, with everything else left as it is.

Entries carry their owner's name as an extension of the context, as kubeconfigs provide for (k8s.io/client-go, `clientcmd/api/v1`), so that
nothing is ever overwritten or removed that somebody else made. The lock is the one that kubectl takes for the same file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from sdg.kube.connection import Connection
from sdg.kube.kubeconfig_entries import CURRENT, SECTIONS, Document, Section, named, names
from sdg.kube.kubeconfig_text import document_of, with_current, with_entry, without_entry
from sdg.private_file import write_private

EXTENSION: Final = "sdg"
_LOCK_TIMEOUT: Final = 10.0  # seconds; kubectl holds its lock for milliseconds
_POLL: Final = 0.05  # seconds
_EMPTY: Final = "apiVersion: v1\nkind: Config\n"


class KubeconfigConflictError(RuntimeError):
    """The file cannot take the entry; the sentence says why and what to do, and shows no credential."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster, a user and a context, all of one name.

    Attributes:
        owner: who keeps the entry; nobody else may change it.
        cluster: how the API server is reached.
        user: the credentials.
    """

    name: str
    owner: str
    cluster: Document
    user: Document = field(repr=False)

    @classmethod
    def of(cls, connection: Connection, name: str, owner: str) -> Entry:
        """The connection's context under another name; raises ConnectionInvalidError."""
        document = connection.document
        context = _named(document, "contexts", connection.context or str(document.get(CURRENT)))
        return cls(name, owner, _named(document, "clusters", str(context["cluster"])), _named(document, "users", str(context["user"])))

    def parts(self, context: Document) -> dict[str, Document]:
        """What stands in each section; what the context says besides, such as a namespace, stays."""
        mark = {"name": EXTENSION, "extension": {"owner": self.owner}}
        others = [extension for extension in context.get("extensions") or [] if extension.get("name") != EXTENSION]
        ours = {**context, "cluster": self.name, "user": self.name, "extensions": [*others, mark]}
        inner = {"clusters": ("cluster", self.cluster), "contexts": ("context", ours), "users": ("user", self.user)}
        return {section: {"name": self.name, key: value} for section, (key, value) in inner.items()}


def merge(path: Path, entry: Entry) -> bool:
    """Adds or renews the entry; makes its context the current one where there is none. Whether the file holds it as ours now.

    A context of that name which somebody else made is left alone: it will do where it leads to the same cluster, and False says so.

    Raises:
        KubeconfigConflictError: it leads elsewhere, or the file cannot be used.
    """
    with _locked(path) as target:
        text = _read(target)
        document = _document(path, text)
        if _owner(document, entry.name) != entry.owner and _stands_in(path, document, entry):
            return False
        for section, part in entry.parts(_named(document, "contexts", entry.name)).items():
            text = with_entry(text, section, part)
        write_private(target, text if document.get(CURRENT) else with_current(text, entry.name))
        return True


def remove(path: Path, name: str, owner: str) -> None:
    """Removes the entry of that name if the owner made it, and the file if nothing else is in it.

    Raises:
        KubeconfigConflictError: the file cannot be read or written.
    """
    if not path.expanduser().exists():
        return
    with _locked(path) as target:
        text = _read(target)
        document = _document(path, text)
        if _owner(document, name) != owner:
            return
        for section in SECTIONS:
            text = without_entry(text, section, name)
        text = with_current(text, "") if document.get(CURRENT) == name else text
        left = document_of(text)
        if any(left.get(key) for key in left if key not in ("apiVersion", "kind")):
            write_private(target, text)
        else:
            target.unlink()


def holds(path: Path, entry: Entry) -> bool:
    """Whether the file has the entry, whole and as it should be. False for a file that cannot be read, too."""
    try:
        document = document_of(_read(path.expanduser()))
    except (ValueError, OSError):
        return False
    parts = entry.parts(_named(document, "contexts", entry.name))
    return all(part in (document.get(section) or []) for section, part in parts.items())


def has_stand_in(path: Path, entry: Entry) -> bool:
    """Whether the file has a context of that name for the same cluster that somebody else made."""
    try:
        document = document_of(_read(path.expanduser()))
    except (ValueError, OSError):
        return False
    return _owner(document, entry.name) != entry.owner and _same_cluster(document, entry)


def foreign_server(path: Path, name: str, owner: str) -> str | None:
    """The API server where a context of that name leads which somebody else made, empty where it leads nowhere; None without one.

    Raises:
        KubeconfigConflictError: the file cannot be read, or is no kubeconfig.
    """
    try:
        document = _document(path, _read(path.expanduser()))
    except OSError as error:
        raise KubeconfigConflictError(f"{path} cannot be used: {error.strerror}.") from None
    if not any(name in names(document, section) for section in SECTIONS) or _owner(document, name) == owner:
        return None
    context = _named(document, "contexts", name)
    return str(_named(document, "clusters", str(context.get("cluster"))).get("server", ""))


def _stands_in(path: Path, document: Document, entry: Entry) -> bool:
    """Whether somebody else's context does what the entry would; raises where the name stands for something else."""
    found = [section for section in SECTIONS if entry.name in names(document, section)]
    if not found:
        return False
    if _same_cluster(document, entry):
        return True
    raise KubeconfigConflictError(
        f"{path} holds {entry.name!r} under {', '.join(found)}, which something else made and which leads to another cluster. "
        f"Rename it (kubectl config rename-context {entry.name} OTHER), or give this cluster another name (sdg:cluster.name) "
        "or another file (sdg:cluster.kubeconfig)."
    )


def _same_cluster(document: Document, entry: Entry) -> bool:
    """Whether the context of the entry's name leads to the entry's cluster, by address or by certificate authority."""
    context = _named(document, "contexts", entry.name)
    cluster = _named(document, "clusters", str(context.get("cluster")))
    return any(cluster.get(key) and cluster[key] == entry.cluster.get(key) for key in ("server", "certificate-authority-data"))


def _owner(document: Document, name: str) -> str | None:
    extensions = _named(document, "contexts", name).get("extensions") or []
    mark = next((entry.get("extension") for entry in extensions if entry.get("name") == EXTENSION), None)
    return mark.get("owner") if isinstance(mark, dict) else None


def _named(document: Mapping[str, Any], section: Section, name: str) -> Document:
    """What an entry of a section holds; empty when there is none."""
    return named(document, section, name) or {}


def _document(path: Path, text: str) -> Document:
    try:
        return document_of(text)
    except ValueError as error:
        raise KubeconfigConflictError(f"{path} {error}; nothing was written to it.") from None


def _read(target: Path) -> str:
    try:
        return target.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _EMPTY


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """The file behind `path`, over links, while nobody else writes to it."""
    target = path.expanduser().resolve()
    lock = target.with_name(f"{target.name}.lock")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _take(lock, path)
        try:
            yield target
        finally:
            lock.unlink(missing_ok=True)
    except OSError as error:
        raise KubeconfigConflictError(f"{path} cannot be used: {error.strerror}.") from None


def _take(lock: Path, path: Path) -> None:
    latest = time.monotonic() + _LOCK_TIMEOUT
    while not _taken_lock(lock):
        if time.monotonic() >= latest:
            raise KubeconfigConflictError(f"{path} is locked by {lock}; if no kubectl is at work on it, remove that file and try again.")
        time.sleep(_POLL)


def _taken_lock(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        with suppress(OSError, ValueError):
            # kubectl's lock is empty; ours tells whether its holder was killed
            if not psutil.pid_exists(int(lock.read_text())):
                lock.unlink(missing_ok=True)
        return False
    with os.fdopen(descriptor, "w") as stream:
        stream.write(str(os.getpid()))
    return True
