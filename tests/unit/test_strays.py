"""Names, versions, ports and sizes stand in one file each: whoever changes one changes one line.

Looked at is what runs: string and number literals of Python files, the values of YAML files, the lines of scripts. Comments, docstrings and
examples of settings are for readers and may name a release. Left out is the vendors' side of a rehearsal, which has to say what the real
charts, services and hosts say, independently of what the program takes them to be: otherwise a wrong pin would agree with itself.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import sdg.osmo.layout
import sdg.platform.layout
from sdg.catalog.host_requirements import host_requirements
from sdg.catalog.versions import versions
from sdg.settings.model import StackSettings

ROOT = Path(__file__).parents[2]
PINS = "sdg/catalog/versions.yaml"
HOST_PORTS = "sdg/catalog/host_requirements.yaml"
VENDORS = ("rehearsal/charts/", "rehearsal/services/osmo/", "rehearsal/forwards.py", "rehearsal/host/")
NOT_CODE = ("tests/", "docs/", "tools/", ".ci/")
SUFFIXES = {".py", ".yaml", ".yml", ".sh", ".toml", ""}

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    (">=1.30", "sdg/catalog/versions.py"): "an example, in an error about ranges",
    ("mek-config", "sdg/catalog/secret_paths.yaml"): "policies read it there, and know the catalog alone",
    ("mek.yaml", "sdg/catalog/secret_paths.yaml"): "likewise",
    ("nvidia", "sdg/microk8s/gpu.py"): "the name of an addon",
    ("nvidia.com/gpu", "rehearsal/nodes.py"): "what a device plugin says; a rehearsal knows nothing of the program it runs",
    ("nvidia", "rehearsal/nodes.py"): "what a GPU operator makes, likewise",
    ("nvidia", "rehearsal/azure/aks_pools.py"): "a label of AKS",
    ("osmo-workflows", "sdg/settings/platform.py"): "the default name of a bucket",
    ("5432", "rehearsal/daemon.py"): "PostgreSQL's own port; a rehearsal knows nothing of the program it runs",
    ("9000", "components/platform/minio.py"): "MinIO's own port, inside the cluster",
    ("9000", "sdg/settings/inference.py"): "seconds",
    ("32Gi", "sdg/catalog/nims.yaml"): "shared memory of a NIM",
    ("32Gi", "sdg/catalog/quantities.py"): "an example, in an error",
    ("32Gi", "sdg/spec/forms.py"): "likewise",
    ("nvidia.com/gpu", "sdg/catalog/fit_model.py"): "policies use it, and know the catalog alone",
    ("hf-token-secret", "sdg/catalog/nims.yaml"): "what a NIM's variables come from, beside its others",
    ("ngc-api-secret", "sdg/catalog/nims.yaml"): "likewise",
    ("osmo-nims", "sdg/catalog/endpoint_hosts.yaml"): "what specs call it, whatever a stack does",
}
"""(literal, file) → why the same text is another fact there."""


@dataclass(frozen=True)
class Place:
    """Where a literal stands."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Text:
    """A piece of a file that runs, with its place."""

    place: Place
    content: str


def test_every_pinned_version_url_and_image_stands_in_the_catalog_alone() -> None:
    assert not _strays(dict.fromkeys(_pins(), PINS))


def test_every_name_of_osmos_parts_stands_in_its_layout_alone() -> None:
    assert not _strays(dict.fromkeys(_names(sdg.osmo.layout), "sdg/osmo/layout.py"))


def test_every_name_of_the_platforms_parts_stands_in_its_layout_alone() -> None:
    names = _names(sdg.platform.layout) - _names(sdg.osmo.layout)
    assert not _strays(dict.fromkeys(names, "sdg/platform/layout.py"))


def test_the_runtime_class_of_gpus_stands_in_the_platforms_layout_alone() -> None:
    """A common word: only a literal that is nothing else counts."""
    name = sdg.platform.layout.RUNTIME_CLASS
    places = {text.place.path for text in _texts() if text.content == name}
    assert places == {"sdg/platform/layout.py", *(path for literal, path in EXCEPTIONS if literal == name)}


def test_every_default_port_and_size_stands_in_its_settings_alone() -> None:
    assert not _strays(dict(_defaults(StackSettings)))


def test_every_port_of_the_host_stands_in_its_requirements_alone() -> None:
    assert not _strays({str(port): HOST_PORTS for port in host_requirements().ports})


def test_what_is_looked_for_is_there() -> None:
    """Otherwise nothing would ever be found."""
    defaults = dict(_defaults(StackSettings))
    assert {"1.3.1", "6.3.1", "nvcr.io/nvidia/osmo", "0.14.0", "6.3.0"} <= _pins()
    assert {"osmo-minimal", "mek-config", "mek.yaml", "db-password", "osmo-workflow-data-cred"} <= _names(sdg.osmo.layout)
    assert {"minio-operator", "us-east-1", "nvidia.com/gpu", "nvidia.com/gpu.present"} <= _names(sdg.platform.layout)
    assert {"9000", "3000", "5432", "6379", "20Gi"} <= set(defaults)
    for literal, home in {**dict.fromkeys(_pins(), PINS), **defaults}.items():
        assert home in {place.path for place in _places(literal)}, f"{literal} is not found in {home}"


def test_every_exception_is_still_needed() -> None:
    unneeded = [key for key in EXCEPTIONS if key[1] not in {place.path for place in _places(key[0])}]
    assert not unneeded


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('X = "6.3.1"', True),
        ('X = f"{y}:6.3.1"', True),
        ("X = 'osmo 6.3.1 or newer'", True),
        ('"""As of 6.3.1."""', False),
        ("# as of 6.3.1", False),
        ('X = "16.3.1"', False),
        ('X = "6.3.10"', False),
        ('X = "6.3.1-rc1"', False),
    ],
)
def test_a_literal_is_found_where_it_runs_and_as_a_whole(source: str, found: bool) -> None:
    assert any(_is_in("6.3.1", text.content) for text in _of_python("x.py", source)) is found


def _strays(homes: Mapping[str, str]) -> list[str]:
    """A line for every literal outside its home."""
    return [
        f"{place}: {literal} stands in {home}"
        for literal, home in sorted(homes.items())
        for place in _places(literal)
        if place.path != home and (literal, place.path) not in EXCEPTIONS
    ]


def _pins() -> set[str]:
    """What a release changes: versions, tags, URLs, images with and without their tags, and numbers of more than two digits."""
    document = yaml.safe_load((ROOT / PINS).read_text(encoding="utf-8"))
    values = {str(value) for key, value in _leaves(document) if key not in {"description", "name"}}
    images = {str(image) for image in document["images"].values()}
    parts = {part for image in images for part in image.rsplit(":", 1) if "." in part or "/" in part}
    return {value for value in values | parts if re.search(r"\d[.\d]*\d|/", value) and len(value) > 2}


def _leaves(document: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _leaves(value, str(name))
    elif isinstance(document, list):
        for value in document:
            yield from _leaves(value, key)
    elif not isinstance(document, bool):
        yield key, document


def _names(layout: object) -> set[str]:
    """The names of objects in a layout module; single common words say too little to look for."""
    values = [value for name, value in vars(layout).items() if name.lstrip("_").isupper()]
    found = {str(value) for _, value in _leaves([list(v) if isinstance(v, tuple) else v for v in values]) if isinstance(value, str)}
    # a product's own name is a word that resources, charts and stages are called by too
    return {name for name in found - set(versions().charts) if re.fullmatch(r"[a-z0-9]+([./-][a-z0-9]+)+", name)}


def _defaults(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Default ports and sizes, at any depth of the settings, with the file that their model stands in."""
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        for inner in _models(field.annotation):
            yield from _defaults(inner)
        sized = isinstance(default, str) and re.fullmatch(r"\d+[KMGT]i", default)
        if sized or (name.endswith("port") and isinstance(default, int) and default > 999):
            yield str(default), f"{model.__module__.replace('.', '/')}.py"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _places(literal: str) -> list[Place]:
    return [text.place for text in _texts() if _is_in(literal, text.content)]


def _is_in(literal: str, text: str) -> bool:
    return literal in text and re.search(rf"(?<![\w.-]){re.escape(literal)}(?![\w-]|\.\w)", text) is not None


@cache
def _texts() -> tuple[Text, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [path for path in listed if not path.startswith((*NOT_CODE, *VENDORS)) and Path(path).suffix in SUFFIXES]
    return tuple(text for path in paths if (ROOT / path).is_file() for text in _of_file(path))


def _of_file(path: str) -> Iterator[Text]:
    content = (ROOT / path).read_text(encoding="utf-8")
    yield from _of_python(path, content) if path.endswith(".py") else _of_lines(path, content)


def _of_lines(path: str, content: str) -> Iterator[Text]:
    for number, line in enumerate(content.splitlines(), 1):
        yield Text(Place(path, number), re.sub(r"(^|\s)#.*", "", line))


def _of_python(path: str, content: str) -> Iterator[Text]:
    tree = ast.parse(content)
    # a string that stands alone is a docstring, of a module, a class, a function or an attribute
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    examples = {id(node) for word in ast.walk(tree) if isinstance(word, ast.keyword) and word.arg == "examples" for node in ast.walk(word)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in alone | examples or isinstance(node.value, bool):
            continue
        if isinstance(node.value, str):
            for offset, line in enumerate(node.value.split("\n")):
                yield Text(Place(path, node.lineno + offset), line)
        elif isinstance(node.value, int):
            yield Text(Place(path, node.lineno), str(node.value))
