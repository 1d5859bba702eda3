"""Pinned charts, images and OSMO release sets (`versions.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal, Self, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, Field, PositiveInt, model_validator

from sdg.catalog.documents import CatalogModel, read

OsmoChartKey = Literal["osmo-service", "osmo-operator"]
PlatformChartKey = Literal["gpu-operator", "kai-scheduler", "nim-operator"]
ChartKey = OsmoChartKey | PlatformChartKey
ImageKey = Literal["minio", "minio-client", "postgres", "redis", "envoy", "migration", "hf-download"]


def version_range(text: str) -> str:
    """Checks a range such as `>=1.30,<1.37`.

    Raises:
        ValueError: it is not one.
    """
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError('a version range such as ">=1.30,<1.37"') from None
    return text


VersionRange = Annotated[str, AfterValidator(version_range)]


class RepositoryChart(CatalogModel):
    """A Helm chart in a repository.

    Attributes:
        repository: URL of the repository, `https://` or `oci://`.
        version: of the chart; None when an OSMO release set says it.
    """

    repository: str = Field(pattern=r"^(https|oci)://[^/]+(/[^/]+)*$")
    name: str
    version: str | None = None


class ChartFile(CatalogModel):
    """A Helm chart that is published as a single file.

    Attributes:
        url: of the package, with `{version}` where its version stands, so that another version changes one line.
    """

    url: str = Field(pattern=r"^https://[^/]+/.*\{version\}.*\.tgz$")
    version: str

    @property
    def file_url(self) -> str:
        return self.url.replace("{version}", self.version)


Chart = RepositoryChart | ChartFile


class ReleaseSet(CatalogModel):
    """What NVIDIA released together.

    Attributes:
        chart: version of the `service` and the `backend-operator` chart.
        tag: tag of every OSMO image.
        cli: version of the OSMO command-line client.
    """

    chart: str
    tag: str
    cli: str


class Profile(CatalogModel):
    """An OSMO generation: the releases that the components know how to install, newest first.

    Attributes:
        operator_token: where the backend operator's token comes from: `minted` through the API of the running service, or a `secret` that
            service and operator both read.
        migrates: whether its service chart can bring the schema of the generation before up to date.
    """

    description: str
    operator_token: Literal["minted", "secret"]
    migrates: bool
    releases: tuple[ReleaseSet, ...] = Field(min_length=1)
    kubernetes: VersionRange

    def release(self, chart: str | None = None) -> ReleaseSet | None:
        """The release with this chart version, the preferred one without; None for a version that isn't known."""
        if chart is None:
            return self.releases[0]
        return next((release for release in self.releases if release.chart == chart), None)

    @property
    def chart_versions(self) -> tuple[str, ...]:
        return tuple(release.chart for release in self.releases)


class CommandLineClient(CatalogModel):
    """Where OSMO's command-line client is published.

    Attributes:
        url: of the installer, with `{version}` and `{platform}`.
        platforms: how the installer's name ends, by the system's and the machine's name with a hyphen between them.
        oldest: version that is new enough for the services of every profile.
    """

    url: str = Field(pattern=r"^https://[^/]+/.*\{version\}.*\{platform\}$")
    platforms: Mapping[str, str]
    oldest: str

    def installer(self, version: str, platform: str) -> str:
        """URL of a platform's installer.

        Raises:
            KeyError: none is published for the platform.
        """
        return self.url.replace("{version}", version).replace("{platform}", self.platforms[platform])


class Registries(CatalogModel):
    """Image registries with the path below which a product's images lie."""

    osmo: str
    kai: str
    nim_operator: str


class HfDownload(CatalogModel):
    """Versions of the packages that the Job which downloads models installs."""

    huggingface_hub: str
    hf_transfer: str


class MicroK8s(CatalogModel):
    """What a stack makes of MicroK8s.

    Attributes:
        channel: snap channel that is installed unless a stack chooses another.
        addons: needed on every cluster, in the order in which they are enabled.
        storage_class: the StorageClass that these addons bring.
        gpu_driver: oldest major version of the GPU driver that a host may have itself.
    """

    channel: str = Field(pattern=r"^1\.[0-9]+(-strict)?/stable$")
    addons: tuple[str, ...] = Field(min_length=1)
    storage_class: str
    gpu_driver: int


class Aks(CatalogModel):
    """What a stack makes of AKS.

    Attributes:
        kubernetes: version that a cluster gets unless a stack chooses another; without a patch, AKS chooses it.
        oldest: oldest version that still has community support.
        lts: versions that have long-term support alone, or as well.
        system_vcpus: vCPUs that a node of the system pool has at least.
        validated: versions of Kubernetes, GPU operator and KAI that were tried together.
    """

    kubernetes: str = Field(pattern=r"^1\.[0-9]+$")
    oldest: str = Field(pattern=r"^1\.[0-9]+$")
    lts: tuple[str, ...]
    system_vcpus: PositiveInt
    validated: tuple[Validated, ...]


class Validated(CatalogModel):
    """One line of the matrix; versions as specifiers, `source` says who tried it."""

    kubernetes: VersionRange
    gpu_operator: VersionRange
    kai: VersionRange
    source: str


class Versions(CatalogModel):
    """All of `versions.yaml`."""

    charts: Mapping[ChartKey, Chart]
    profiles: Mapping[str, Profile]
    osmo_cli: CommandLineClient
    registries: Registries
    images: Mapping[ImageKey, str]
    hf_download: HfDownload
    microk8s: MicroK8s
    aks: Aks

    @model_validator(mode="after")
    def _every_chart_has_one_version(self) -> Self:
        own = {key for key, chart in self.charts.items() if chart.version is not None}
        if own != set(get_args(PlatformChartKey)):
            raise ValueError(f"charts of the platform have a version, those of OSMO get it from a release set; with one: {sorted(own)}")
        return self

    @model_validator(mode="after")
    def _every_image_is_pinned(self) -> Self:
        loose = [key for key, image in self.images.items() if ":" not in image.rpartition("/")[2] or image.endswith(":latest")]
        if loose:
            raise ValueError(f"images without a fixed tag: {', '.join(loose)}")
        return self


@cache
def versions() -> Versions:
    """The pinned versions.

    Raises:
        pydantic.ValidationError: `versions.yaml` breaks its schema.
    """
    return read("versions.yaml", Versions)
