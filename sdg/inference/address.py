"""How this host gets to an endpoint that pods reach by its URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

# `service.namespace`, `service.namespace.svc` and `service.namespace.svc.cluster.local`: the first is a domain of the internet elsewhere
_SERVICE: Final = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(?:\.cluster\.local)?")
_PORTS: Final = {"http": 80, "https": 443}


def in_plain_text(url: str) -> bool:
    """Whether what is sent there can be read on the way: over a network that is not the cluster's own."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _SERVICE.fullmatch(parts.hostname or "")


def address_of(url: str, api: Callable[[str], str]) -> dict[str, Any]:
    """How the gate reaches an endpoint: by its Service, where the URL names one in the cluster, else by a URL.

    Args:
        url: as pods say it.
        api: where a web API is asked: `Mirror.api`.
    """
    parts = urlsplit(url)
    if found := _SERVICE.fullmatch(parts.hostname or ""):
        return {"namespace": found["namespace"], "service": found["service"], "port": parts.port or _PORTS[parts.scheme]}
    return {"url": api(url)}
