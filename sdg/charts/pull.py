"""Fetching a stack's charts into a folder, and refusing what changed since it was recorded."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sdg.charts.digests import Digests, Recorded, refuse_changes, sha256
from sdg.charts.download import download, without_login
from sdg.charts.wanted import PinnedChart, remote
from sdg.settings.mirror import Mirror


class PullFailedError(RuntimeError):
    """Helm did not get a chart; its own sentence is part of the message."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A chart that is now in the folder; `new` when its digest was recorded just now."""

    file_name: str
    recorded: Recorded
    new: bool


def pull(charts: Iterable[PinnedChart], folder: Path, mirror: Mirror, helm: Path) -> list[Pulled]:
    """Fetch charts, compare them with the record, then keep them and complete the record. One that differs, and nothing is kept.

    Args:
        charts: what to fetch.
        folder: where packages and record are kept; made when absent.
        mirror: where to fetch from instead of the publisher; its own `folder` is not a source here.
        helm: the program.

    Raises:
        PullFailedError, DownloadFailedError: a chart cannot be had.
        DigestChangedError: a chart differs from the record, fetched or in the folder.
        DigestsUnreadableError: the record cannot be read.
    """
    wanted = list(charts)
    folder.mkdir(parents=True, exist_ok=True)
    digests = Digests.read(folder)
    kept = [(chart.file_name, _recorded(chart, folder / chart.file_name)) for chart in wanted if (folder / chart.file_name).is_file()]
    refuse_changes(digests, kept)
    # in the folder, so that a file is moved and not copied
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as staging:
        fetched = {chart.file_name: _fetched(chart, Path(staging), mirror, helm) for chart in wanted}
        refuse_changes(digests, fetched.items())
        for file_name in fetched:
            (Path(staging) / file_name).replace(folder / file_name)
    digests.with_files({name: recorded for name, recorded in fetched.items() if name not in digests.files}).write(folder)
    return [Pulled(name, digests.files.get(name, recorded), name not in digests.files) for name, recorded in fetched.items()]


def _fetched(chart: PinnedChart, staging: Path, mirror: Mirror, helm: Path) -> Recorded:
    source = remote(chart, mirror)
    target = staging / chart.file_name
    if source.chart.startswith(("https://", "http://")):
        download(source.chart, target)
    else:
        _helm_pull(source.chart, source.repository, chart.version, staging, helm)
    if not target.is_file():
        there = ", ".join(sorted(path.name for path in staging.glob("*.tgz"))) or "nothing"
        raise PullFailedError(f"{source.chart} {chart.version} should be a file {chart.file_name}, and helm wrote {there}.")
    return _recorded(chart, target)


def _helm_pull(chart: str, repository: str | None, version: str, staging: Path, helm: Path) -> None:
    arguments = ["pull", chart, "--version", version, "--destination", str(staging), *(["--repo", repository] if repository else [])]
    # an index in the user's cache may be older than the repository; logins and certificates stay the user's
    environment = {**os.environ, "HELM_CACHE_HOME": str(staging / "helm-cache")}
    done = subprocess.run([str(helm), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix("Error: ")
        sentence = f"{chart} {version} cannot be fetched from {repository or chart}: {said}. A mirror is named in sdg:mirror.charts."
        raise PullFailedError(without_login(sentence))


def _recorded(chart: PinnedChart, path: Path) -> Recorded:
    return Recorded(name=chart.name, version=chart.version, source=chart.published, sha256=sha256(path))
