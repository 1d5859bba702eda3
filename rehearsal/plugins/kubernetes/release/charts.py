"""Where a chart comes from, and which version of it."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.plugins.kubernetes import documents
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.release.helm import Helm, HelmError, flags

_OCI = "oci://"


@dataclass(frozen=True)
class Chart:
    """A chart as helm is told of it: a reference and the options that belong to it."""

    reference: str
    options: tuple[str, ...]


def version_of(release: Object, helm: Helm) -> str:
    """Return the version that a release's chart resolves to.

    Raises:
        HelmError: there is no such chart or version, or its repository does not answer.
    """
    local = _local(release)
    if local is not None:
        return str(_metadata(local).get("version", ""))
    chart = located(release, helm)
    shown = documents.load(helm.run(["show", "chart", chart.reference, *chart.options]))
    return str(shown.get("version", "")) if isinstance(shown, dict) else ""


def located(release: Object, helm: Helm) -> Chart:
    """Return how helm is told of a release's chart. Credentials are handed to helm through its stdin beforehand.

    Raises:
        HelmError: the chart's path does not exist, or helm refuses the credentials.
    """
    reference = str(release["chart"])
    if _local(release) is not None:
        return Chart(reference, tuple(flags(release, {"verify": "--verify"})))
    options = release.get("repositoryOpts") or {}
    arguments = [*(["--version", str(release["version"])] if release["version"] else [])]
    arguments += flags(release, {"devel": "--devel", "verify": "--verify"})
    arguments += ["--keyring", str(release["keyring"])] if release["keyring"] else []
    files = _tls_files(options)
    if options.get("password"):
        reference = _log_in(reference, options, files, helm)
    elif options.get("repo"):
        arguments += ["--repo", str(options["repo"])]
    return Chart(reference, (*arguments, *files))


def _local(release: Object) -> Path | None:
    """Return the chart's directory or archive when it is a local one; None when it comes from a repository or registry."""
    if (release.get("repositoryOpts") or {}).get("repo"):
        return None
    reference = str(release["chart"])
    path = Path(reference)
    if path.is_file() or (path / "Chart.yaml").is_file():
        return path
    if path.is_absolute() or reference.startswith("."):
        raise HelmError(f'path "{reference}" not found')
    return None


def _metadata(path: Path) -> dict[str, Any]:
    if path.is_dir():
        text = (path / "Chart.yaml").read_bytes()
    else:
        with tarfile.open(path) as archive:
            name = next((name for name in archive.getnames() if name.count("/") == 1 and name.endswith("/Chart.yaml")), "")
            file = archive.extractfile(name) if name else None
            text = file.read() if file else b""
    metadata = documents.load(text)
    if not isinstance(metadata, dict):
        raise HelmError(f'"{path}" holds no Chart.yaml')
    return metadata


def _tls_files(options: Object) -> tuple[str, ...]:
    names = {"caFile": "--ca-file", "certFile": "--cert-file", "keyFile": "--key-file"}
    return tuple(item for name, switch in names.items() if options.get(name) for item in (switch, str(options[name])))


def _log_in(reference: str, options: Object, files: tuple[str, ...], helm: Helm) -> str:
    """Give helm a user's password, and return the chart's reference under it."""
    user, password = str(options["username"]), str(options["password"])
    if reference.startswith(_OCI):
        host = reference.removeprefix(_OCI).split("/")[0]
        helm.run(["registry", "login", host, "--username", user, "--password-stdin", *files], secret=password)
        return reference
    address = str(options["repo"])
    name = f"r{hashlib.sha256(address.encode()).hexdigest()[:12]}"
    helm.run(["repo", "add", name, address, "--force-update", "--username", user, "--password-stdin", *files], secret=password)
    return f"{name}/{reference}"
