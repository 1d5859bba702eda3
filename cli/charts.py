"""Fetching the charts that a stack installs, for reviewing and for a network without a way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cli.project import ROOT
from cli.pulumi import Engine
from rehearsal.tools import Tools
from sdg.charts.digests import FILE
from sdg.charts.pull import pull as pull_charts
from sdg.charts.wanted import wanted
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse
from sdg.settings.rules import Sections

FOLDER: Final = "charts"
"""Where charts are kept unless the stack's `sdg:mirror.folder` or the user says otherwise."""


def pull(stack: str, folder: Path | None) -> Iterator[str]:
    """Fetches a stack's charts, through its mirror, and says of each what became of it.

    Args:
        folder: where they are kept; relative to the project, as `sdg:mirror.folder` is.

    Raises:
        PullFailedError, DownloadFailedError: a chart cannot be had.
        DigestChangedError: one is not what was recorded; nothing was overwritten then.
    """
    settings = parse(Engine.of(stack).config())
    kept = ROOT / (folder or Path(settings.mirror.folder or FOLDER))
    for chart in pull_charts(wanted(sections(settings)), kept, settings.mirror, Tools.locate().path("helm")):
        known = "recorded" if chart.new else "as recorded"
        yield f"{chart.recorded.name} {chart.recorded.version}: {_shown(kept / chart.file_name)}, sha256 {chart.recorded.sha256} ({known})"
    if settings.mirror.folder is None:
        yield f"review and commit {_shown(kept / FILE)}; with sdg:mirror.folder set to {_shown(kept)} the stack installs these files"


def sections(settings: StackSettings) -> Sections:
    """What of a stack decides which charts it installs, and where from."""
    return Sections(
        cluster=settings.cluster, platform=settings.platform, osmo=settings.osmo, mirror=settings.mirror, inference=settings.inference
    )


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
