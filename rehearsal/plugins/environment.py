"""What is installed in the Python environment that programs run in."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from rehearsal.plugins.protocol import language_pb2


@dataclass(frozen=True)
class ResourcePlugin:
    """A provider plugin that an installed SDK package needs, as its `pulumi-plugin.json` says."""

    name: str
    version: str
    server: str


def resource_plugins() -> list[ResourcePlugin]:
    """Return the plugins of all installed SDK packages, by name."""
    found = []
    for file in sorted(_site_packages().glob("*/pulumi-plugin.json")):
        plugin = json.loads(file.read_text(encoding="utf-8"))
        if plugin.get("resource") and plugin.get("name"):
            found.append(ResourcePlugin(plugin["name"], plugin.get("version", "").removeprefix("v"), plugin.get("server", "")))
    return sorted(found, key=lambda plugin: plugin.name)


def packages() -> Iterator[tuple[str, str]]:
    """Yield name and version of what is installed, read from the directories' names: that is fast and enough for `pulumi about`."""
    for directory in sorted(_site_packages().glob("*.dist-info")):
        name, _, version = directory.name.removesuffix(".dist-info").rpartition("-")
        yield name, version


def sdk_version() -> str:
    """Return the version of the Pulumi SDK; the engine is built from the same one."""
    return _version("pulumi")


def pip_version() -> str:
    """Return the version of pip; empty when there is none."""
    return _version("pip")


def interpreter(info: language_pb2.ProgramInfo) -> Path:
    """Return the Python that a program or policy pack asks for with the runtime option `virtualenv`; without one, this one."""
    virtualenv = MessageToDict(info.options).get("virtualenv")
    if not virtualenv:
        return Path(sys.executable)
    return Path(info.root_directory, str(virtualenv), "bin", "python")


def _version(package: str) -> str:
    return next((version for name, version in packages() if name == package), "")


def _site_packages() -> Path:
    return Path(sysconfig.get_path("purelib"))
