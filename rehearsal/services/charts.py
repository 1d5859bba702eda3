"""Chart repositories on localhost: the rehearsal's stand-in charts below the paths of the real repositories.

The same door that an air-gapped site uses (`sdg:mirror`) leads here: `https://helm.ngc.nvidia.com/nvidia/osmo` becomes
`http://127.0.0.1:PORT/nvidia/osmo`, and Helm finds `index.yaml` and the packages below it. The installers of OSMO's client lie beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import yaml
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from rehearsal.services import osmo_client
from rehearsal.services.packages import Package, packages

CREATED = "2026-06-16T00:00:00Z"
"""The index's `created` of every chart: a constant, so that an index says the same on every machine and at every start."""


_MEDIA_TYPES = {".tgz": "application/gzip", ".yaml": "text/yaml"}


class Faults(Protocol):
    """Where the fault switches are read; `charts.http {"status": 503}` makes every repository answer so."""

    def get(self, name: str) -> Mapping[str, object] | None: ...


class HttpFault(BaseModel):
    """Body of the switch `charts.http`."""

    status: int = Field(503, ge=400, le=599)


class Published(BaseModel):
    """What `repositories.yaml` says.

    Attributes:
        repositories: path of a repository → the folders of its charts.
        files: path of a folder, with `{version}` for the chart's version → the folders of the charts that lie there as single files.
    """

    model_config = ConfigDict(extra="forbid")

    repositories: dict[str, list[str]]
    files: dict[str, list[str]] = Field(default_factory=dict)


def index(packed: Sequence[Package]) -> str:
    """A repository's `index.yaml`. Package URLs are relative: the repository may stand behind any address."""
    entries: dict[str, list[dict[str, object]]] = {}
    for package in packed:
        described = package.metadata.model_dump(by_alias=True)
        entry = described | {"created": CREATED, "digest": package.digest, "urls": [f"charts/{package.file_name}"]}
        entries.setdefault(package.metadata.name, []).append(entry)
    return yaml.safe_dump({"apiVersion": "v1", "entries": entries, "generated": CREATED}, sort_keys=True)


def create_app(charts: Path, work: Path, faults: Faults | None = None) -> FastAPI:
    """Serves the repositories of `charts/repositories.yaml`.

    Args:
        charts: folder of chart folders with a `repositories.yaml`, see `Published`.
        work: where the packages and indexes are written, below their paths; made when absent.
        faults: fault switches; none without them.
    """
    files = _build(charts, work)
    app = FastAPI(title="Helm chart repositories of the rehearsal", openapi_url=None)

    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    def file(path: str, request: Request) -> Response:
        fault = faults.get("charts.http") if faults else None
        if fault is not None:
            return Response(status_code=HttpFault.model_validate(fault).status)
        tag = files.get(path)
        if tag is None:
            return Response("not found", status_code=404, media_type="text/plain")
        headers = {"ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        media_type = _MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream")
        return Response((work / path).read_bytes(), headers=headers, media_type=media_type)

    return app


def _build(charts: Path, work: Path) -> Mapping[str, str]:
    """Writes what is served below `work` and says its ETags, by path."""
    published = Published.model_validate(yaml.safe_load((charts / "repositories.yaml").read_text()))
    contents: dict[str, bytes] = {}
    for path, names in published.repositories.items():
        packed = _all(charts, names)
        contents |= {f"{path.strip('/')}/charts/{package.file_name}": package.content for package in packed}
        contents[f"{path.strip('/')}/index.yaml"] = index(packed).encode()
    for path, names in published.files.items():
        contents |= {f"{_folder(path, package)}/{package.file_name}": package.content for package in _all(charts, names)}
    contents |= osmo_client.installers()
    for path, content in contents.items():
        _write(work / path, content)
    return {path: f'"{hashlib.sha256(content).hexdigest()}"' for path, content in contents.items()}


def _all(charts: Path, names: Sequence[str]) -> list[Package]:
    return [package for name in names for package in packages(charts / name)]


def _folder(path: str, package: Package) -> str:
    return path.strip("/").replace("{version}", package.metadata.version)


def _write(path: Path, content: bytes) -> None:
    """Writes a file unless it holds this already: a second start with the same state finds its packages."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
