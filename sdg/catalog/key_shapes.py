"""What a credential looks like (`key_shapes.yaml`): for settings errors, policies and redaction alike."""

from __future__ import annotations

import re
from functools import cache, cached_property

from pydantic import field_validator

from sdg.catalog.documents import CatalogModel, read

REDACTED = "[redacted]"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# `token=…`, `"token": "…"`, `--token …`
_ASSIGNMENT = re.compile(r"""([A-Za-z][A-Za-z0-9_.-]*)["']?(?:\s*[=:]\s*|\s+(?!-))["']?([A-Za-z0-9+/_-]{24,}={0,2})(?=["'\s,;&]|$)""")


class KeyShape(CatalogModel):
    """One shape.

    Attributes:
        name: what such a value is, in words; shown instead of the value.
        bare: the shape alone proves nothing, the property's name must speak of a credential too.
    """

    name: str
    pattern: str
    bare: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern)
        return pattern

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


class KeyShapes(CatalogModel):
    """All of `key_shapes.yaml`."""

    shapes: tuple[KeyShape, ...]
    credential_words: frozenset[str]
    harmless_words: frozenset[str]

    def find(self, text: str, label: str = "") -> str | None:
        """The name of the shape that `text` has, or None.

        Args:
            label: name of the property that holds the text; it decides on shapes that prove nothing by themselves.
        """
        for shape in self.shapes:
            if not shape.bare and shape.compiled.search(text):
                return shape.name
        named = [(label, text.strip()), *_ASSIGNMENT.findall(text)]
        return next((found for name, value in named if self.speaks_of_credential(name) and (found := self._bare(value))), None)

    def speaks_of_credential(self, label: str) -> bool:
        """Whether a property's name says that it holds a credential: `dbPassword` does, `passwordSecretName` does not."""
        words = {word.lower() for word in _WORDS.findall(label)}
        return bool(words & self.credential_words) and not words & self.harmless_words

    def _bare(self, value: str) -> str | None:
        return next((shape.name for shape in self.shapes if shape.bare and shape.compiled.search(value)), None)


@cache
def key_shapes() -> KeyShapes:
    """The known shapes.

    Raises:
        pydantic.ValidationError: `key_shapes.yaml` breaks its schema.
    """
    return read("key_shapes.yaml", KeyShapes)


def key_shape(text: str, label: str = "") -> str | None:
    """What kind of credential `text` looks like at a property called `label`; None when it looks like none."""
    return key_shapes().find(text, label)


def redacted(text: str) -> str:
    """`text` with every value that has a credential's shape replaced, for what may quote a connection."""
    for shape in key_shapes().shapes:
        if not shape.bare:
            text = shape.compiled.sub(REDACTED, text)
    return _ASSIGNMENT.sub(_without_value, text)


def _without_value(match: re.Match[str]) -> str:
    if not key_shapes().speaks_of_credential(match[1]):
        return match[0]
    return match[0][: match.start(2) - match.start()] + REDACTED
