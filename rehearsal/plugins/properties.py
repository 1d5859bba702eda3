"""Property values as the engine sends them, and as plugins handle them.

On the wire a property bag is a `google.protobuf.Struct` with a few marked objects in it (source: the engine's
`sdk/go/common/resource/plugin/rpc.go`): secrets, unknowns, outputs, assets and archives. Here they are plain Python values plus the
small classes below. Numbers travel as doubles; whole ones become `int` again, or Kubernetes would be sent `replicas: 1.0`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import struct_pb2

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- a marker, no password
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


class Unknown(enum.Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = UNKNOWN_TEXT


UNKNOWN = Unknown.UNKNOWN
"""A value that will be known only once something else was created."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted in the state and out of its output."""

    value: Property

    def __repr__(self) -> str:
        """Never show the value: this may end in a log."""
        return "Secret([secret])"


@dataclass(frozen=True)
class Asset:
    """A file-like value: exactly one of text, path and uri is set."""

    text: str | None = None
    path: str | None = None
    uri: str | None = None
    hash: str = ""

    def read(self) -> str:
        """Return the text; an asset at a URI is not fetched.

        Raises:
            ValueError: the asset is remote.
            OSError: the file cannot be read.
        """
        if self.text is not None:
            return self.text
        if self.path is not None:
            return Path(self.path).read_text(encoding="utf-8")
        raise ValueError(f"asset at {self.uri}: only text and local files can be read")


@dataclass(frozen=True)
class Archive:
    """A directory-like value, kept as it came."""

    fields: Mapping[str, Property]


Property = None | bool | int | float | str | Unknown | Secret | Asset | Archive | list["Property"] | dict[str, "Property"]
Properties = dict[str, Property]


def decode(struct: struct_pb2.Struct) -> Properties:
    """Turn a property bag into Python values, leaving null entries out as the official providers do."""
    return {key: _decode(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def _decode(value: struct_pb2.Value) -> Property:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else str(value.string_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return bool(value.bool_value)
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        signature = value.struct_value.fields.get(SIGNATURE)
        return decode(value.struct_value) if signature is None else _decode_marked(signature.string_value, value.struct_value)
    return None


def _decode_marked(signature: str, struct: struct_pb2.Struct) -> Property:
    fields = decode(struct)
    if signature == _SECRET:
        return Secret(fields.get("value"))
    if signature == _OUTPUT:
        inner = fields.get("value", UNKNOWN)
        return Secret(inner) if fields.get("secret") is True else inner
    if signature == _ASSET:
        return Asset(**{name: str(fields[name]) for name in ("text", "path", "uri", "hash") if name in fields})
    if signature == _ARCHIVE:
        return Archive(fields)
    if signature == _RESOURCE:
        return fields.get("id") or fields.get("urn")
    raise ValueError(f"property with the unknown signature {signature}")


def encode(properties: Mapping[str, Property]) -> struct_pb2.Struct:
    """Turn Python values into a property bag; entries that are None are left out."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        if value is not None:
            _encode_into(struct.fields[key], value)
    return struct


def _encode_into(target: struct_pb2.Value, value: Property) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Unknown):
        target.string_value = UNKNOWN_TEXT
    elif isinstance(value, Secret):
        target.struct_value.fields[SIGNATURE].string_value = _SECRET
        _encode_into(target.struct_value.fields["value"], value.value)
    elif isinstance(value, Asset | Archive):
        _encode_file(target.struct_value, value)
    elif isinstance(value, Mapping):
        target.struct_value.CopyFrom(_encode_all(value))
    else:
        for item in value:
            _encode_into(target.list_value.values.add(), item)
        target.list_value.SetInParent()


def _encode_all(properties: Mapping[str, Property]) -> struct_pb2.Struct:
    """Encode what lies deeper in a bag, where a null says something (a CRD's `conditions: null`)."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode_into(struct.fields[key], value)
    return struct


def _encode_file(struct: struct_pb2.Struct, value: Asset | Archive) -> None:
    if isinstance(value, Archive):
        struct.CopyFrom(encode(value.fields))
        struct.fields[SIGNATURE].string_value = _ARCHIVE
        return
    struct.fields[SIGNATURE].string_value = _ASSET
    for name in ("text", "path", "uri", "hash"):
        text = getattr(value, name)
        if text:
            struct.fields[name].string_value = text


def reveal(value: Property) -> Property:
    """Return the value without its secret marks, at any depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def revealed(properties: Mapping[str, Property]) -> Properties:
    """Return a bag without secret marks."""
    return {key: reveal(value) for key, value in properties.items()}


def mapping(value: Property) -> Properties:
    """Return an object's properties; none of anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: Property) -> list[Property]:
    """Return a list's items; none of anything else."""
    return value if isinstance(value, list) else []


def contains(value: Property, kind: type) -> bool:
    """Say whether a `Secret` or `Unknown` (the kind asked for) is anywhere in the value."""
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return contains(value.value, kind)
    if isinstance(value, Mapping):
        return any(contains(item, kind) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(contains(item, kind) for item in value)
    return False


def mark_secrets(outputs: Properties, inputs: Mapping[str, Property]) -> Properties:
    """Return outputs where everything is secret that stands at a place where the inputs hold a secret.

    Objects are followed key by key. A list that holds a secret makes the whole list at that place secret: the server may have reordered it.
    """
    marked = dict(outputs)
    for key, given in inputs.items():
        if key not in marked:
            continue
        value = marked[key]
        if isinstance(value, dict) and isinstance(given, dict):
            marked[key] = mark_secrets(value, given)
        elif not isinstance(value, Secret) and contains(given, Secret):
            marked[key] = Secret(value)
    return marked
