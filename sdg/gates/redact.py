"""Keeps credentials out of what gates store and say: an error text may quote a connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdg.catalog.key_shapes import REDACTED, redacted

HIDDEN = REDACTED
_SHORTEST = 8  # characters; a shorter "secret" would black out ordinary words

# keys of a kubeconfig that hold no credential: their values are names and addresses that evidence needs
_HARMLESS = frozenset(
    {"name", "server", "cluster", "user", "namespace", "current-context", "apiVersion", "kind", "context", "username", "tls-server-name"}
    | {"certificate-authority", "client-certificate", "client-key", "command", "args", "installHint", "interactiveMode"}
)

# what stands in sentences: an assignment, a header, a URL; what a credential looks like by itself is in the catalog
_PHRASES = (
    re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^\s/:@]+:)[^\s/@]+(?=@)", re.IGNORECASE),  # scheme://user:password@host
    re.compile(
        r"(?P<keep>\b[\w-]*(?:password|passwd|secret_?key|access_?key|access_?signature|account_?key|api_?key|auth_?key|token|-key-data|certificate-data)\b[\"']?\s*[:=]\s*[\"']?)"
        r"(?!(?:secret|configmap|references)\b)[^\s\"',;&}{]{4,}",  # 'volume "token": secret "x" not found' holds none
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)


@dataclass(frozen=True)
class Redactor:
    """Hides known secrets by value, and anything that looks like one by shape."""

    known: tuple[str, ...] = ()

    @classmethod
    def knowing(cls, connection: object) -> Redactor:
        """Knows every credential of a `connection` property: of its kubeconfig, and its `keys`, which have names that users chose."""
        found = set(_leaves(connection))
        kubeconfig, keys = (connection.get("kubeconfig"), connection.get("keys")) if isinstance(connection, Mapping) else (None, None)
        if isinstance(keys, Mapping):
            found.update(leaf for key in keys.values() for leaf in _leaves(key))
        if isinstance(kubeconfig, str):
            found.update(_leaves(_parsed(kubeconfig)))
        # longest first, so that no part of one is left behind when another is its beginning
        return cls(tuple(sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)))

    def text(self, value: str) -> str:
        for secret in self.known:
            value = value.replace(secret, HIDDEN)
        for phrase in _PHRASES:
            value = phrase.sub(rf"\g<keep>{HIDDEN}", value)
        return redacted(value)

    def tree(self, value: Any) -> Any:  # noqa: ANN401 (JSON in, JSON of the same shape out)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.tree(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(entry) for entry in value]
        return value

    def speaking(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """A `say` that redacts first."""
        return lambda line: say(self.text(line))


def _parsed(kubeconfig: str) -> object:
    import yaml  # noqa: PLC0415 (programs that only name a gate need it not)

    try:
        return yaml.safe_load(kubeconfig)
    except yaml.YAMLError:
        return None


def _leaves(value: object, key: str = "") -> list[str]:
    """Every text that may be a credential."""
    if isinstance(value, str):
        return [] if key in _HARMLESS else [value]
    if isinstance(value, Mapping):
        return [leaf for name, entry in value.items() for leaf in _leaves(entry, str(name))]
    if isinstance(value, list | tuple):
        return [leaf for entry in value for leaf in _leaves(entry, key)]
    return []
