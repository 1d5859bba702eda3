"""Image references: their parts, and the registry that would be asked for them."""

from __future__ import annotations

import re
from typing import NamedTuple

from rehearsal.services.osmo.errors import ErrorCode, OsmoError

DOCKER_HUB = "registry-1.docker.io"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<host>(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?::\d+)?|localhost(?::\d+)?|[A-Za-z0-9-]+:\d+)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class Image(NamedTuple):
    """A reference as a registry understands it."""

    host: str
    path: str
    reference: str

    @property
    def manifest_url(self) -> str:
        port = "" if ":" in self.host else ":443"
        return f"https://{self.host}{port}/v2/{self.path}/manifests/{self.reference}"


def parse_image(text: str) -> Image:
    """The parts of an image name.

    Raises:
        OsmoError: USAGE, for what no registry could have.
    """
    found = _IMAGE.fullmatch(text)
    if not found:
        raise OsmoError(ErrorCode.USAGE, f"Could not parse docker image {text}. Please provide a valid image.")
    host, path = registry_host(found["host"]), found["path"]
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return Image(host, path, found["digest"] or found["tag"] or "latest")


def registry_host(name: str | None) -> str:
    """The host behind a registry's usual name."""
    return DOCKER_HUB if name in (None, "", "docker.io", "index.docker.io") else str(name)


def unreachable(host: str, path: str, url: str) -> OsmoError:
    """The service's error when a registry does not answer."""
    host = host.partition(":")[0]
    cause = f"HTTPSConnection(host='{host}', port=443): Failed to resolve '{host}' ([Errno -2] Name or service not known)"
    sentence = (
        f"HTTPSConnectionPool(host='{host}', port=443): Max retries exceeded with url: {path} (Caused by NameResolutionError(\"{cause}\"))"
    )
    return OsmoError(ErrorCode.CREDENTIAL, f"Registry connection error for {url}:\n {sentence}")
