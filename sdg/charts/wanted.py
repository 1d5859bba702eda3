"""Which pinned charts a stack installs, and where Helm gets each of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from sdg.catalog.versions import Chart, ChartFile, ChartKey, versions
from sdg.settings.cluster import ExistingCluster
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.inference import nim_operator_of
from sdg.settings.mirror import Mirror
from sdg.settings.rules import Sections

OCI = "oci://"


@dataclass(frozen=True, slots=True)
class PinnedChart:
    """A chart in the version that a stack installs.

    Attributes:
        source: where it is published; `mirror` may lead elsewhere.
    """

    source: Chart
    version: str

    @property
    def name(self) -> str:
        """The chart's name; for a chart that is published as a file, the one that the file's name begins with."""
        if isinstance(self.source, ChartFile):
            return self.file_name.removesuffix(".tgz").removesuffix(self.version).rstrip("v").rstrip("-")
        return self.source.name

    @property
    def file_name(self) -> str:
        """The package's file name, as Helm and the publishers write it."""
        if isinstance(self.source, ChartFile):
            return self.source.file_url.rpartition("/")[2]
        return f"{self.source.name}-{self.version}.tgz"

    @property
    def published(self) -> str:
        """The URL of the repository, or of the file, where it is published."""
        return self.source.file_url if isinstance(self.source, ChartFile) else self.source.repository


@dataclass(frozen=True, slots=True)
class Located:
    """A chart as Helm is told of it.

    Attributes:
        chart: a name in `repository`, a URL (`https://…/x.tgz`, `oci://…/x`), or a path relative to the project.
        repository: URL of the repository; None where `chart` says it all.
    """

    chart: str
    repository: str | None = None


def wanted(sections: Sections) -> list[PinnedChart]:
    """The charts that a stack's settings ask for; what could not be read asks for nothing."""
    charts: list[PinnedChart] = []
    if osmo := sections.get("osmo"):
        profile = versions().profiles.get(osmo.profile)
        release = profile.release(osmo.chart_version) if profile else None
        charts += [pinned("osmo-service", release.chart), pinned("osmo-operator", release.chart)] if release else []
    platform, cluster = sections.get("platform"), sections.get("cluster")
    if platform and platform.kai_scheduler.install:
        charts.append(pinned("kai-scheduler"))
    # MicroK8s brings its own with its addon
    if platform and isinstance(cluster, ExistingCluster):
        plan = gpu_operator_plan(platform.gpu_operator, cluster=cluster.kind, gpus=cluster.gpus)
        charts += [pinned("gpu-operator")] if plan.install else []
    if (inference := sections.get("inference")) and nim_operator_of(inference):
        charts.append(pinned("nim-operator"))
    return charts


def pinned(key: ChartKey, version: str | None = None) -> PinnedChart:
    """One chart of the catalog.

    Args:
        version: of a chart that has none of its own in the catalog.

    Raises:
        ValueError: neither says a version.
    """
    source = versions().charts[key]
    known = source.version or version
    if known is None:
        raise ValueError(f"chart {key} has no version in the catalog, and none was given")
    return PinnedChart(source, known)


def located(chart: PinnedChart, mirror: Mirror) -> Located:
    """Where Helm gets a chart from: the folder that the stack names, else its publisher or the mirror of it."""
    if mirror.folder is not None:
        path = PurePosixPath(mirror.folder, chart.file_name)
        # without ./ Helm would take it for a name in a repository
        return Located(str(path) if path.is_absolute() else f"./{path}")
    return remote(chart, mirror)


def remote(chart: PinnedChart, mirror: Mirror) -> Located:
    """Where a chart is fetched from over the network."""
    if isinstance(chart.source, ChartFile):
        return Located(mirror.download(chart.source.file_url))
    repository = mirror.chart_repository(chart.source.repository)
    # a registry has no index: the chart's name is part of its address
    if repository.startswith(OCI):
        return Located(f"{repository.rstrip('/')}/{chart.source.name}")
    return Located(chart.source.name, repository)
