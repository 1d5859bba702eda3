"""Checks that no secret lies in plain in what Pulumi prints and stores: `pulumi preview --json` and `pulumi stack export`.

Two questions. Does any known secret value appear anywhere outside of an encrypted wrapper? And is everything that stands at a path
where credentials live (`sdg.catalog.secret_paths`) wrapped? Findings name resource and path, never a value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sdg.catalog.key_shapes import REDACTED, redacted
from sdg.catalog.secret_paths import Path, SecretPlace, look_up, secret_paths

# the engine's marks (sdk/go/common/resource/properties.go)
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the mark of a secret, not one)
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MASKED: Final = "[secret]"  # how `preview --json` shows a secret

SHORTEST: Final = 6  # characters; a shorter "secret" would be found in ordinary words
STATES: Final = ("newState", "oldState")
PROPERTIES: Final = ("inputs", "outputs")

Json = Mapping[str, object]
Spellings = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a secret lies in plain.

    Attributes:
        subject: URN of the resource, or the document's own part outside of resources.
        path: property path.
        problem: what is wrong there.
    """

    subject: str
    path: str
    problem: str

    def sentence(self) -> str:
        return f"{self.subject}: {self.path} {self.problem}."


def findings(document: Json, secrets: Mapping[str, str]) -> list[Finding]:
    """Everything that lies in plain in one document.

    Args:
        document: what `pulumi preview --json` printed or `pulumi stack export` wrote, decoded.
        secrets: known secret values by the name that a finding calls them.
    """
    spellings = {name: _spellings(value) for name, value in secrets.items() if len(value) >= SHORTEST}
    return [_without(finding, spellings) for finding in (*_plain_values(document, spellings), *_unwrapped_places(document))]


def is_wrapped(value: object) -> bool:
    """Whether the engine marks the value as a secret."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET


def unwrapped(value: Any) -> Any:  # noqa: ANN401 (JSON in, JSON of the same shape out)
    """A value of an export with secrets shown, without the engine's wrappers of secrets, at any depth."""
    if is_wrapped(value):
        return unwrapped(json.loads(value["plaintext"]))
    if isinstance(value, Mapping):
        return {key: unwrapped(inner) for key, inner in value.items()}
    return [unwrapped(inner) for inner in value] if isinstance(value, list) else value


def _plain_values(document: Json, spellings: Spellings) -> Iterator[Finding]:
    """Where a known secret value, or one of its usual encodings, stands outside of a wrapper."""
    for subject, path, text in _plain_texts(document):
        for name, spelt in spellings.items():
            if any(spelling in text for spelling in spelt):
                yield Finding(subject, path, f"holds the secret {name} in plain")


def _without(finding: Finding, spellings: Spellings) -> Finding:
    """A finding without the secrets that the keys of its path may be."""
    subject, path = finding.subject, finding.path
    for spelling in (spelling for spelt in spellings.values() for spelling in spelt):
        subject, path = subject.replace(spelling, REDACTED), path.replace(spelling, REDACTED)
    return Finding(subject, path, finding.problem)


def _unwrapped_places(document: Json) -> Iterator[Finding]:
    """Where something at a path that credentials live at isn't wrapped."""
    for resource in _resources(document):
        for side in PROPERTIES:
            properties = resource.get(side)
            if isinstance(properties, Mapping):
                yield from _unwrapped(resource, side, properties)


def _unwrapped(resource: Json, side: str, properties: Json) -> Iterator[Finding]:
    # a condition is judged by the inputs: outputs may lack what it asks for
    inputs = resource.get("inputs")
    lookup = look_up(inputs if isinstance(inputs, Mapping) else properties)
    for path, text in _texts(properties):
        place = secret_paths().place(str(resource.get("type")), path, lookup)
        if place and place.always_secret and text not in ("", UNKNOWN, MASKED):
            yield Finding(str(resource.get("urn")), _shown((side, *path)), _why(place))


def _why(place: SecretPlace) -> str:
    return f"is not marked secret, and credentials live there ({place.reason})"


def _resources(document: Json) -> Iterator[Json]:
    """The resources of an exported state, or those that a preview would leave and those that it found."""
    deployment = document.get("deployment")
    yield from _mappings(deployment.get("resources") if isinstance(deployment, Mapping) else None)
    for step in _mappings(document.get("steps")):
        for state in STATES:
            yield from _mappings([step.get(state)])


def _mappings(items: object) -> Iterator[Json]:
    if isinstance(items, Sequence) and not isinstance(items, str):
        yield from (item for item in items if isinstance(item, Mapping))


def _plain_texts(document: Json) -> Iterator[tuple[str, str, str]]:
    """Every text outside of wrappers with its nearest URN; keys count as texts."""
    yield from _under(document, "the document", ())


def _under(value: object, subject: str, path: Path) -> Iterator[tuple[str, str, str]]:
    match value:
        case str():
            yield subject, _shown(path), value
        case Mapping() if is_wrapped(value):
            return
        case Mapping():
            own = value.get("urn")
            subject, path = (own, ()) if isinstance(own, str) and "type" in value else (subject, path)
            for key, inner in value.items():
                yield subject, _shown((*path, key)), key
                yield from _under(inner, subject, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from _under(inner, subject, (*path, str(index)))
        case _:
            return


def _texts(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text outside of wrappers."""
    match value:
        case str():
            yield path, value
        case Mapping() if SIGNATURE in value:
            return
        case Mapping():
            for key, inner in value.items():
                yield from _texts(inner, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from _texts(inner, (*path, str(index)))
        case _:
            return


def _shown(path: Iterable[str]) -> str:
    return ".".join(redacted(step) for step in path)


def _spellings(value: str) -> frozenset[str]:
    """A value as it may appear in a text: as it is, in JSON, in a URL, in base64 (of a Secret's data, or twice)."""
    once = base64.b64encode(value.encode()).decode()
    return frozenset({value, json.dumps(value)[1:-1], quote(value, safe=""), once, base64.b64encode(once.encode()).decode()})
