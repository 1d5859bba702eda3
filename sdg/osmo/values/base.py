"""What both charts are given alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from sdg.catalog.versions import ImageKey, versions
from sdg.osmo import layout
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo

Values = dict[str, Any]

SECRETS_ANNOTATION: Final = "sdg/secrets"
# what the service chart starts beside OSMO's own programs
CHART_IMAGES: Final[tuple[ImageKey, ...]] = ("postgres", "redis", "envoy", "migration")
GATEWAY_URL: Final = f"http://{layout.GATEWAY_HOST}"


@dataclass(frozen=True, slots=True)
class Images:
    """Where images come from.

    Attributes:
        location: registry path of OSMO's own.
        tag: the one of the release set.
        others: images of other publishers that come from elsewhere than the chart says, by the catalog's key.
    """

    location: str
    tag: str
    others: Mapping[ImageKey, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Osmo, tag: str, mirror: Mirror) -> Self:
        """OSMO's images, and those of others that the mirror maps."""
        known = versions()
        mirrored = {key: (known.images[key], mirror.image(known.images[key])) for key in CHART_IMAGES}
        others = {key: used for key, (published, used) in mirrored.items() if used != published}
        return cls(mirror.image(settings.registry or known.registries.osmo), tag, others)

    def other(self, key: ImageKey) -> Values:
        """Values of a program of another publisher: its image, where that is not the chart's."""
        return {"image": self.others[key]} if key in self.others else {}

    def reference(self, image: str) -> str:
        return f"{self.location}/{image}:{self.tag}"


def rolled_by(fingerprint: object) -> Values:
    """Values of one program whose pods are replaced when the fingerprint changes: they read Secrets when they start, and never again."""
    return {"extraPodAnnotations": {SECRETS_ANNOTATION: fingerprint}}


def global_values(settings: Osmo, images: Images) -> Values:
    """`global` of both charts."""
    values = {"osmoImageLocation": images.location, "osmoImageTag": images.tag}
    return values | ({"imagePullSecret": layout.PULL_SECRET} if settings.images.credentials == "ngc" else {})
