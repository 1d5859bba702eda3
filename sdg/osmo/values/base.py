"""What both charts are given alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sdg.osmo import layout
from sdg.settings.osmo import Osmo

Values = dict[str, Any]

GATEWAY_URL: Final = f"http://{layout.GATEWAY_HOST}"


@dataclass(frozen=True, slots=True)
class Images:
    """Where OSMO's images come from: registry path and the one tag of the release set."""

    location: str
    tag: str

    def reference(self, image: str) -> str:
        return f"{self.location}/{image}:{self.tag}"


def global_values(settings: Osmo, images: Images) -> Values:
    """`global` of both charts."""
    values = {"osmoImageLocation": images.location, "osmoImageTag": images.tag}
    return values | ({"imagePullSecret": layout.PULL_SECRET} if settings.images.credentials == "ngc" else {})
