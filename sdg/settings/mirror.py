"""`sdg:mirror`: where charts and images come from, when not from where they were published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from sdg.catalog import mirror
from sdg.settings.base import Settings

RepositoryUrl = Annotated[str, Field(pattern=r"^(https?|oci)://[^\s/]+(/\S*)?$")]
ImagePrefix = Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9._:@/-]*$")]


class Mirror(Settings):
    """Maps prefixes to internal mirrors; the longest prefix wins, and what no prefix names is fetched from where it was published."""

    charts: Mapping[RepositoryUrl, RepositoryUrl] = Field(
        default_factory=dict,
        description="Chart repositories by URL prefix.",
        examples=[{"https://helm.ngc.nvidia.com": "https://mirror.example.com/ngc"}],
    )
    images: Mapping[ImagePrefix, ImagePrefix] = Field(
        default_factory=dict, description="Image references by prefix.", examples=[{"nvcr.io": "registry.example.com/nvcr"}]
    )
    downloads: Mapping[RepositoryUrl, RepositoryUrl] = Field(
        default_factory=dict,
        description="Other downloads by URL prefix: charts that are published as files, and OSMO's command-line client.",
        examples=[{"https://github.com": "https://mirror.example.com/github"}],
    )
    apis: Mapping[RepositoryUrl, RepositoryUrl] = Field(
        default_factory=dict,
        description="Web APIs that are asked before and while the stack is deployed, by URL prefix: Azure's resource manager and prices, "
        "what tells this host's public address, nvcr.io, Hugging Face and whoever serves models. A host's first label may be `*`, for any "
        "one; the mirror's `*` is that one.",
        examples=[{"https://management.azure.com": "https://arm.example.com"}],
    )
    folder: str | None = Field(
        default=None,
        description="Folder of charts that `sdg charts pull` keeps, relative to the project; charts come from there and from nowhere else.",
        examples=["charts"],
    )

    def chart_repository(self, url: str) -> str:
        """The URL to fetch a chart repository from."""
        return mirror.chart_repository(url, self.charts)

    def download(self, url: str) -> str:
        """The URL to download a single file from."""
        return mirror.chart_repository(url, self.downloads)

    def api(self, url: str) -> str:
        """The URL to ask a web API at."""
        return mirror.api(url, self.apis)

    def image(self, reference: str) -> str:
        """The reference to pull an image by; takes the registry path of many images as well."""
        return mirror.image(reference, self.images)
