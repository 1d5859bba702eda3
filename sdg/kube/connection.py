"""How to get to a cluster: the text of a kubeconfig and the context in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from sdg.kube.errors import ConnectionInvalidError
from sdg.kube.kubeconfig_entries import CURRENT, Section, named, names


@dataclass(frozen=True)
class Connection:
    """A way into one cluster. Holds credentials: never print it.

    Attributes:
        kubeconfig: text of a kubeconfig. Files that it refers to by relative path are not found: use absolute paths or inline data.
        context: the context to use; None takes the file's current one.
    """

    kubeconfig: str = field(repr=False)
    context: str | None = None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Connection:
        """Reads the `connection` property of a resource: {"kubeconfig": text, "context": name or None}."""
        return cls(kubeconfig=str(properties["kubeconfig"]), context=properties.get("context") or None)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The parsed kubeconfig; raises ConnectionInvalidError."""
        try:
            document = yaml.safe_load(self.kubeconfig)
        except yaml.YAMLError as error:
            raise ConnectionInvalidError("the kubeconfig is not valid YAML") from error  # its text may hold credentials: not quoted
        if not isinstance(document, dict):
            raise ConnectionInvalidError("the kubeconfig is empty or no mapping")
        return document

    @property
    def server(self) -> str:
        """The API server's URL, which says what cluster this is."""
        name = self._named("contexts", self._context_name()).get("cluster", "")
        return str(self._named("clusters", name).get("server", ""))

    @contextmanager
    def private_file(self) -> Iterator[Path]:
        """The kubeconfig as a file that only this user can read, for as long as the block lasts."""
        descriptor, name = tempfile.mkstemp(prefix="sdg-", suffix=".kubeconfig")  # mkstemp creates with mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(self.kubeconfig)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _context_name(self) -> str:
        return self.context or str(self.document.get(CURRENT) or "")

    def _named(self, section: Section, name: str) -> Mapping[str, Any]:
        known = names(self.document, section)
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConnectionInvalidError(f"the kubeconfig has no {section.removesuffix('s')} {name!r}; it has: {listed}")
        return named(self.document, section, name) or {}
