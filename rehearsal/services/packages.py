"""Stand-in charts, packed: each folder in every version that it stands for.

A folder is a complete chart. What another version has different lies in `versions/VERSION/`: a file of a name that the chart has too is a
JSON merge patch (RFC 7386) on it, any other file is added.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

VERSIONS = "versions"


class ChartMetadata(BaseModel):
    """What the index repeats of a `Chart.yaml`."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = Field(alias="apiVersion")
    name: str
    version: str
    app_version: str = Field(alias="appVersion")
    description: str
    type: str


@dataclass(frozen=True)
class Package:
    """A packed chart and the SHA-256 of its bytes, hex."""

    metadata: ChartMetadata
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file_name(self) -> str:
        return f"{self.metadata.name}-{self.metadata.version}.tgz"


def packages(chart: Path) -> list[Package]:
    """Every version of a chart folder, packed the same way every time: entries sorted, no times, no owners.

    Raises:
        OSError: the folder or its `Chart.yaml` cannot be read.
        pydantic.ValidationError: `Chart.yaml` lacks a field that the index needs.
    """
    return [_pack(files) for files in (contents(chart), *(contents(chart, version) for version in _other_versions(chart)))]


def contents(chart: Path, version: str | None = None) -> Mapping[str, bytes]:
    """A chart's files by their paths in it.

    Args:
        version: one of those below `versions/`; the folder's own when None.
    """
    files = {path: content for path, content in _files(chart).items() if not path.startswith(f"{VERSIONS}/")}
    if version is None:
        return files
    changed = _files(chart / VERSIONS / version)
    return files | {path: _patched(path, files[path], content) if path in files else content for path, content in changed.items()}


def _other_versions(chart: Path) -> list[str]:
    folder = chart / VERSIONS
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _patched(path: str, content: bytes, patch: bytes) -> bytes:
    merged = _merged(yaml.safe_load(content), yaml.safe_load(patch))  # JSON is YAML
    text = json.dumps(merged, indent=2) if path.endswith(".json") else yaml.safe_dump(merged, sort_keys=False)
    return text.encode()


def _merged(value: Any, patch: Any) -> Any:  # noqa: ANN401 - parts of a document, of any shape
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), change)
    return result


def _pack(files: Mapping[str, bytes]) -> Package:
    metadata = ChartMetadata.model_validate(yaml.safe_load(files["Chart.yaml"]))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{metadata.name}/{path}")
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return Package(metadata, gzip.compress(archive.getvalue(), mtime=0))
