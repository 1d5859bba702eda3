"""What the installed Pulumi SDK says of a resource: its arguments and outputs, which are required, of what type, with which values."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.azure.schema import source

Kind = dict[str, Any]
"""`{"type": "string" | "integer" | "number" | "boolean" | "any"}`, with `enum` where values are listed; `{"type": "array" | "map",
"items": Kind}`; `{"ref": name}` of an object type."""
_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_WRAPPERS = {"Input", "Output", "Optional", "NotRequired"}
_VERSION = re.compile(r"Uses Azure REST API version ([0-9][0-9a-z-]*?)\.(?:\s|$)")
PACKAGE = "pulumi_azure_native"


class UnknownResource(LookupError):
    """The SDK has no such resource."""


@dataclass(frozen=True)
class Described:
    """One resource.

    Attributes:
        api_version: of ARM's API that the SDK speaks.
        inputs, outputs: properties by the name that travels.
        types: object types by name that the properties refer to.
    """

    api_version: str
    inputs: Mapping[str, Kind]
    outputs: Mapping[str, Kind]
    types: Mapping[str, Mapping[str, Kind]]


def version() -> str:
    """Version of the SDK, which is the plugin's."""
    plugin = json.loads((source.site_packages() / PACKAGE / "pulumi-plugin.json").read_text(encoding="utf-8"))
    return str(plugin["version"])


def describe(module: str, resource: str) -> Described:
    """Read one resource of one module.

    Raises:
        UnknownResource: there is none.
    """
    folder = source.site_packages() / PACKAGE / module
    found = _resource(folder, module, resource)
    reader = _Reader(folder, module)
    inputs = reader.properties(found[1], "in")
    outputs = reader.outputs(found[0])
    return Described(_api_version(found[0]), inputs, outputs, reader.resolved())


def _resource(folder: Path, module: str, resource: str) -> tuple[str, str]:
    """The sources of a resource's class and of its arguments."""
    for file in folder.glob("*.py"):
        if f'"azure-native:{module}:{resource}"' not in file.read_text(encoding="utf-8"):
            continue
        known = source.classes(file)
        arguments = known.get(f"{resource}InitArgs") or known.get(f"{resource}Args")
        if resource in known and arguments:
            return known[resource], arguments
    raise UnknownResource(f"azure-native:{module}:{resource} is no resource of {PACKAGE} {version()}.")


def _api_version(text: str) -> str:
    found = _VERSION.search(text)
    return found[1] if found else ""


class _Reader:
    """Reads object types as they are referred to."""

    def __init__(self, folder: Path, module: str) -> None:
        self._sources = {"in": source.classes(folder / "_inputs.py"), "out": source.classes(folder / "outputs.py")}
        self._enums = source.classes(folder / "_enums.py")
        self._module = module
        self._types: dict[str, Mapping[str, Kind]] = {}
        self._wanted: list[tuple[str, str]] = []

    def properties(self, text: str, side: str) -> dict[str, Kind]:
        """The arguments of a class by the name that travels; required ones are those without a default."""
        node = source.parsed(text)
        names = {python: wire for python, wire, _ in _getters(node)}
        start = next(function for function in source.functions(node) if function.name == "__init__")
        found = {}
        for argument, default in zip(start.args.kwonlyargs, start.args.kw_defaults, strict=True):
            kind = self._kind(argument.annotation, side)
            if default is None and side == "in":
                kind["required"] = True
            found[names.get(argument.arg, argument.arg)] = {**kind, "attribute": argument.arg}
        return found

    def outputs(self, text: str) -> dict[str, Kind]:
        """The outputs of a resource by the name that travels."""
        return {wire: {**self._kind(annotation, "out"), "attribute": python} for python, wire, annotation in _getters(source.parsed(text))}

    def resolved(self) -> Mapping[str, Mapping[str, Kind]]:
        """Every object type that was referred to, however deep."""
        while self._wanted:
            side, name = self._wanted.pop()
            key = f"{self._module}/{side}/{name}"
            if key not in self._types:
                self._types[key] = {}
                self._types[key] = self.properties(self._sources[side][name], side)
        return self._types

    def _kind(self, node: ast.expr | None, side: str) -> Kind:
        if isinstance(node, ast.Subscript):
            outer, inner = _name(node.value), node.slice
            if outer in _WRAPPERS:
                return self._kind(inner, side)
            if outer == "Sequence":
                return {"type": "array", "items": self._kind(inner, side)}
            if outer == "Mapping" and isinstance(inner, ast.Tuple):
                return {"type": "map", "items": self._kind(inner.elts[1], side)}
            if outer == "Union" and isinstance(inner, ast.Tuple):
                return self._union([self._kind(element, side) for element in inner.elts])
        return self._named(_name(node), side)

    def _union(self, kinds: list[Kind]) -> Kind:
        listed = next((kind for kind in kinds if "enum" in kind), None)
        references = [kind for kind in kinds if "ref" in kind]
        if listed:
            return listed
        return references[0] if len(references) == 1 else kinds[0] if len(kinds) == 1 else {"type": "any"}

    def _named(self, name: str, side: str) -> Kind:
        if name in _PLAIN:
            return {"type": _PLAIN[name]}
        if name in self._enums and name.startswith("Known"):  # what is known: the service takes other values as well
            return {"type": "string"}
        if name in self._enums:
            return {"type": "string", "enum": source.members(self._enums[name]), "name": name}
        if name in self._sources[side]:
            self._wanted.append((side, name))
            return {"ref": f"{self._module}/{side}/{name}"}
        return {"type": "any"}


def _getters(node: ast.ClassDef) -> list[tuple[str, str, ast.expr | None]]:
    """Python's name, the name that travels, and the type of each property."""
    found = []
    for function in source.functions(node):
        for decorator in function.decorator_list:
            call = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(call, ast.Attribute) and call.attr == "getter":
                keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                wire = next((str(ast.literal_eval(each.value)) for each in keywords if each.arg == "name"), function.name)
                found.append((function.name, wire, function.returns))
    return found


def _name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.rpartition(".")[2]
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
