"""Maps chart repositories, web APIs and image references to internal mirrors: the longest prefix wins, on whole path segments.

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


def api(url: str, mapping: Mapping[str, str]) -> str:
    """The URL to use for a web API. `*` as a host's first label stands for any one label, and in the mirror for that very label.

    >>> api("https://a1.api.example/v1", {"https://*.api.example": "http://mirror/*"})
    'http://mirror/a1/v1'
    """
    label, _, domain = url.partition("://")[2].partition("/")[0].partition(".")
    named = {source: target for source, target in mapping.items() if "://*." not in source}
    for source, target in mapping.items():
        scheme, _, rest = source.partition("://*.")
        if rest and domain:
            named.setdefault(f"{scheme}://{label}.{rest}", target.replace("*", label))
    return chart_repository(url, named)


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
