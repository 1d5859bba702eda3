"""What Microsoft's management packages say that the SDK leaves out: patterns, lengths, limits, read-only properties, paths of resources.

Models carry `_validation` and `_attribute_map`; the request builders beside them carry the URL and the rules of the names in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.azure.schema import source

Rules = Mapping[str, Any]
_BUILDER = re.compile(r"^def build_\w+\(.*?(?=^def |^class |\Z)", re.MULTILINE | re.DOTALL)
_URL = re.compile(r'_url = (?:kwargs\.pop\(\s*"template_url",\s*)?\(?\s*((?:"[^"]*"\s*)+)')
_PARAMETER = re.compile(r'"(\w+)": _SERIALIZER\.url\((.*?)\),?\n', re.DOTALL)
_RULES = ("pattern", "min_length", "max_length", "minimum", "maximum", "min_items", "max_items", "unique")


@dataclass(frozen=True)
class Attribute:
    """One property of a model: where it travels, of which type, and what holds for it."""

    python: str
    wire: str
    model: str
    rules: Rules


@dataclass(frozen=True)
class Endpoint:
    """Where a resource is put.

    Attributes:
        path: ARM's, with the names of what varies in braces.
        parameters: rules of those names.
    """

    path: str
    parameters: Mapping[str, Rules] = field(default_factory=dict)


def folder(package: str) -> Path:
    """A management package's folder; `package` is a path below `azure.mgmt`, with the version where it has several."""
    return source.site_packages() / "azure" / "mgmt" / package


def endpoint(package: str, type: str) -> Endpoint | None:  # noqa: A002 -- it is called type everywhere
    """Where resources of an ARM type are put; None where the package puts none."""
    found = _builders(package).get(type.lower())
    return found and Endpoint(found[0], _parameters(found[1]))


@cache
def _builders(package: str) -> Mapping[str, tuple[str, str]]:
    """The path and the source of every request that puts something, by ARM type."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted((folder(package) / "operations").glob("_*.py")):
        for builder in _BUILDER.findall(file.read_text(encoding="utf-8")):
            url = _URL.search(builder) if 'method="PUT"' in builder else None
            path = "".join(re.findall(r'"([^"]*)"', url[1])) if url else ""
            if path:
                found.setdefault(type_of(path).lower(), (path, builder))
    return found


def type_of(path: str) -> str:
    """The ARM type of what a path leads to."""
    namespace, *rest = path.rstrip("/").rpartition("/providers/")[2].split("/")
    return "/".join([namespace, *rest[::2]])


@cache
def attributes(package: str, model: str) -> tuple[Attribute, ...]:
    """The properties of a model; none of a model that the package doesn't have. What lies below `properties` counts as its own."""
    text = source.classes(folder(package) / "models" / "_models_py3.py").get(model) or source.classes(folder(package) / "models.py").get(
        model
    )
    if text is None:
        return ()
    rules = source.literal(text, "_validation")
    found: list[Attribute] = []
    for python, entry in source.literal(text, "_attribute_map").items():
        wire = str(entry["key"]).rpartition(".")[2]
        model_name = str(entry["type"]).strip("[]{}")
        known = rules.get(python, {})
        if wire == "properties" and model_name[0].isupper():
            found += attributes(package, model_name)
        found.append(
            Attribute(python, wire, model_name, {key: value for key, value in known.items() if key in {*_RULES, "readonly", "required"}})
        )
    return tuple(found)


@cache
def enumerations(package: str) -> Mapping[str, tuple[str, ...]]:
    """Values of every enumeration of a package, by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for file in [*(folder(package) / "models").glob("*_enums.py"), *folder(package).glob("models.py")]:
        for name, text in source.classes(file).items():
            found[name.lower()] = tuple(source.members(text))
    return found


def _parameters(builder: str) -> dict[str, Rules]:
    found: dict[str, Rules] = {}
    for name, arguments in _PARAMETER.findall(builder):
        call = ast.parse(f"f({arguments.strip().rstrip(',')})", mode="eval").body
        if isinstance(call, ast.Call):
            found[name] = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords if each.arg in _RULES}
    return found
