"""Maps chart repositories and image references to internal mirrors: the longest prefix wins, on whole path segments.

Nothing is mapped that no prefix names, and what isn't mapped comes back exactly as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping

DOCKER_HUB = "docker.io"
DOCKER_HUB_ALIASES = ("index.docker.io", "registry-1.docker.io")
OFFICIAL_IMAGES = "library"


def chart_repository(url: str, mapping: Mapping[str, str]) -> str:
    """The URL to use for a chart repository, `https://` or `oci://`.

    >>> chart_repository("https://helm.ngc.nvidia.com/nvidia/osmo", {"https://helm.ngc.nvidia.com": "http://mirror"})
    'http://mirror/nvidia/osmo'
    """
    return _mapped(url.rstrip("/"), {source.rstrip("/"): target for source, target in mapping.items()}) or url


def image(reference: str, mapping: Mapping[str, str]) -> str:
    """The reference to use for an image, or for the registry path below which images lie.

    Docker Hub is written in several ways; prefixes and references meet in the longest one.

    >>> image("alpine:3.20", {"docker.io": "mirror.example/hub"})
    'mirror.example/hub/library/alpine:3.20'
    """
    full = {_prefix(source.rstrip("/")): target for source, target in mapping.items()}
    return _mapped(_fully_named(reference), full) or reference


def _mapped(text: str, mapping: Mapping[str, str]) -> str | None:
    matching = [source for source in mapping if text.startswith(source) and text[len(source) :][:1] in ("", "/", ":", "@")]
    if not matching:
        return None
    longest = max(matching, key=len)
    return mapping[longest].rstrip("/") + text[len(longest) :]


def _fully_named(reference: str) -> str:
    """An image reference as the container runtime reads it: with a registry, and with Docker Hub's `library`."""
    first, slash, rest = reference.partition("/")
    # the container runtimes' rule: a first segment with a dot or a port, or localhost, is a registry
    if slash and ("." in first or ":" in first or first == "localhost"):
        named = f"{_registry(first)}/{rest}"
    else:
        named = f"{DOCKER_HUB}/{reference}"
    registry, _, path = named.partition("/")
    return f"{registry}/{OFFICIAL_IMAGES}/{path}" if registry == DOCKER_HUB and "/" not in path else named


def _prefix(source: str) -> str:
    """A mapping's key: a registry, or a path below one. One step below Docker Hub may be a namespace, so nothing is put before it."""
    registry, slash, path = source.partition("/")
    return f"{_registry(registry)}{slash}{path}"


def _registry(name: str) -> str:
    return DOCKER_HUB if name in DOCKER_HUB_ALIASES else name
