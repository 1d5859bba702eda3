"""Which URLs of a spec are endpoints of models that somebody else serves.

A URL is one when its host can serve models at all (not this machine, no host of packages, images, buckets, sources or weights), the
variable, key or option that holds it has no other purpose by its name, and one of these holds:

- its host serves nothing but models (NVIDIA's hosted catalog and the like);
- its path is one of OpenAI's API: it ends with `/v1`, with one of the routes below that, or with `/chat/completions`;
- it has no path, and what holds it is called `..._URL`, `..._URI`, `..._ENDPOINT` or `..._BASE`, in whatever case, dashes or not.

An address without a scheme is one where it is all that such a variable holds and has such a path; programs then take http.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final

from sdg.catalog.endpoint_hosts import endpoint_hosts, is_below
from sdg.spec.hosts import Mention

_ROUTES: Final = "chat/completions|completions|embeddings|models|responses|images/[a-z]+|audio/[a-z]+|rerank|ranking|infer|health/ready"
_PATH: Final = re.compile(rf"(?:/[\w.-]+)*/(?:v1(?:/(?:{_ROUTES}))?|chat/completions)/?", re.IGNORECASE)
_NAME: Final = re.compile(r".+_(?:url|uri|endpoint|base)|endpoint", re.IGNORECASE)


def is_endpoint(mention: Mention) -> bool:
    """Whether a URL is an endpoint of models, by the rule above."""
    if mention.scheme not in {"http", "https", ""} or not mention.complete:
        return False
    if mention.scheme and is_below(mention.host, endpoint_hosts().hosted):
        return True
    if not _reachable(mention.host) or _has_other_purpose(mention.name):
        return False
    if mention.path.strip("/"):
        return bool(_PATH.fullmatch(mention.path)) and (bool(mention.scheme) or names_endpoint(mention.name))
    return bool(mention.scheme) and names_endpoint(mention.name)


def names_endpoint(name: str) -> bool:
    """Whether a variable, key or option of this name holds an endpoint of models, as far as the name tells."""
    return bool(_NAME.fullmatch(name.replace("-", "_"))) and not _has_other_purpose(name)


def _has_other_purpose(name: str) -> bool:
    return not endpoint_hosts().other_purposes.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))


def _reachable(host: str) -> bool:
    if not host or endpoint_hosts().never_serves(host):
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(re.fullmatch(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?", host))
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)


def shortest(urls: Iterable[str]) -> tuple[str, ...]:
    """Each endpoint once, sorted: of URLs of which one is the beginning of another, up to a slash, the shortest."""
    known = {url.rstrip("/") for url in urls}
    return tuple(sorted(url for url in known if not any(url[:end] in known for end in _slashes(url))))


def _slashes(url: str) -> Iterator[int]:
    """Where a shorter URL with the same beginning could end."""
    return (found.start() for found in re.finditer("/", url))
