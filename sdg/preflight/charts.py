"""Are the charts of `sdg:mirror.folder` there, and are they the ones that were recorded?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sdg.charts.digests import FILE, Digests, DigestsUnreadableError, sha256
from sdg.charts.wanted import PinnedChart, wanted
from sdg.settings.rules import Sections

_PULL = "run `sdg charts pull` for this stack"


def problems(sections: Sections, project: Path) -> Iterator[str]:
    """What is wrong with the charts that a stack takes from its folder, one sentence each; nothing for a stack that names no folder.

    Args:
        sections: those of the settings that could be read.
        project: the project's directory, where a relative folder starts.
    """
    mirror = sections.get("mirror")
    if mirror is None or mirror.folder is None:
        return
    folder = project / mirror.folder
    try:
        digests = Digests.read(folder)
    except DigestsUnreadableError as error:
        yield f"sdg:mirror.folder: {error}"
        return
    for chart in wanted(sections):
        if problem := _problem(chart, folder, digests):
            yield f"sdg:mirror.folder: {problem}"


def _problem(chart: PinnedChart, folder: Path, digests: Digests) -> str | None:
    path = folder / chart.file_name
    recorded = digests.files.get(chart.file_name)
    if not path.is_file():
        return f"{path} is missing, which the stack installs {chart.name} {chart.version} from; {_PULL} where the network is."
    if recorded is None:
        return f"{folder / FILE} holds no digest of {chart.file_name}; {_PULL}, review what it records, and commit it."
    if (found := sha256(path)) != recorded.sha256:
        return (
            f"{path} is not the file that was recorded: {FILE} says sha256 {recorded.sha256}, found is {found}. "
            "Restore it from where it was reviewed, or remove it and pull it again."
        )
    return None
