"""What a parsed kubeconfig holds under a name, a cluster, a user or a context, and a kubeconfig of one context alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import yaml

SECTIONS: Final = ("clusters", "contexts", "users")
CURRENT: Final = "current-context"
Section = Literal["clusters", "contexts", "users"]
Document = dict[str, Any]


def named(document: Mapping[str, Any], section: Section, name: str) -> Document | None:
    """What the entry of that name holds; None where there is none, or it holds nothing.

    Of two of one name the first counts, as with kubectl (k8s.io/client-go, `clientcmd/api/v1/conversion.go`).
    """
    entry = next((entry for entry in _entries(document, section) if entry.get("name") == name), {})
    held = entry.get(section.removesuffix("s"))
    return held if isinstance(held, dict) else None


def current(document: Mapping[str, Any]) -> tuple[Document, Document]:
    """Cluster and user of the current context.

    Raises:
        KeyError: there is no current context, or it names what isn't there.
    """
    context = _known(document, "contexts", document[CURRENT])
    return _known(document, "clusters", context["cluster"]), _known(document, "users", context["user"])


def one_context(name: str, cluster: Document, user: Document) -> str:
    """The text of a kubeconfig whose one cluster, user and context are all called `name`."""
    only = {
        "apiVersion": "v1",
        "kind": "Config",
        CURRENT: name,
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": user}],
    }
    return yaml.safe_dump(only, sort_keys=True)


def names(document: Mapping[str, Any], section: Section) -> list[str]:
    """The names of a section's entries, in the file's order."""
    return [str(entry.get("name")) for entry in _entries(document, section)]


def _entries(document: Mapping[str, Any], section: Section) -> list[Document]:
    return [entry for entry in document.get(section) or [] if isinstance(entry, dict)]


def _known(document: Mapping[str, Any], section: Section, name: str) -> Document:
    found = named(document, section, name)
    if found is None:
        raise KeyError(section)
    return found
