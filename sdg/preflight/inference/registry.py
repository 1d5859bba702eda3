"""Does the NGC key open the images of the NIMs? Asked as a node would before it pulls: for a token, then for the manifest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from requests.auth import HTTPBasicAuth

from sdg.catalog.nims import PRIVATE_REGISTRY
from sdg.preflight.inference.asking import Bearer, Reply, ask, may_carry
from sdg.preflight.model import Finding

USER: Final = "$oauthtoken"
_ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_KEYS: Final = "https://org.ngc.nvidia.com/service-keys"
_STORE: Final = "`pulumi config set --secret sdg:ngcApiKey`"
_UNAUTHORIZED: Final = 401


def findings(image: str, nims: str, key: str, api: Callable[[str], str]) -> list[Finding]:
    """What is wrong with the key, or with one image.

    Args:
        image: with its registry and tag.
        nims: that run it, for a sentence.
        key: the NGC key.
        api: where a web API is asked, see `Mirror.api`.
    """
    reply = _manifest(image, key, api)
    told = f"{PRIVATE_REGISTRY} answered {reply.seen} when asked for {image} ({nims})"
    match reply.status:
        case 200:
            return []
        case 401:
            seen = f"sdg:ngcApiKey (or NGC_API_KEY) has expired, was deleted or is no key of NGC: {told}."
            return [Finding("ngc-key", seen, f"Make a new one at {_KEYS} and store it: {_STORE}.")]
        case 403:
            seen = f"sdg:ngcApiKey (or NGC_API_KEY) belongs to another organisation, or may not pull this image: {told}."
            remedy = (
                f"Take the key of an organisation that is entitled to it, with the scope NGC Catalog ({_KEYS}), and store it: {_STORE}."
            )
            return [Finding("ngc-key", seen, remedy)]
        case 404:
            return [
                Finding(
                    "nim-image", f"There is no such image for this key: {told}.", "Take it from a mirror that has it: sdg:mirror.images."
                )
            ]
        case _:
            return [Finding.of("inference-unanswered", f"Whether the NGC key opens {image} is not known: {told}.")]


def _manifest(image: str, key: str, api: Callable[[str], str]) -> Reply:
    name, _, tag = image.removeprefix(f"{PRIVATE_REGISTRY}/").rpartition(":")
    url = api(f"https://{PRIVATE_REGISTRY}/v2/{name}/manifests/{tag}")
    first = ask(url, method="HEAD", headers={"Accept": _ACCEPT})
    if first.status != _UNAUTHORIZED:
        return first
    challenge = dict(_PARAMETER.findall(first.headers.get("www-authenticate", "")))
    where = _realm(challenge, name)
    if where is None or not may_carry(api(where)):
        return Reply(None, {}, failure="its challenge names no place of its own where a token is given")
    token = ask(api(where), HTTPBasicAuth(USER, key))
    if not token.ok:
        return token
    given = token.body.get("token") or token.body.get("access_token") if isinstance(token.body, Mapping) else None
    if not given:
        return Reply(None, {}, failure="it gave no token")
    return ask(url, Bearer(str(given)), method="HEAD", headers={"Accept": _ACCEPT})


def _realm(challenge: Mapping[str, str], name: str) -> str | None:
    """Where a token is given; None where that is no place of the registry, which alone may see the key."""
    realm = challenge.get("realm", "")
    if urlsplit(realm).hostname != PRIVATE_REGISTRY or urlsplit(realm).scheme != "https":
        return None
    if urlsplit(realm).query:
        return realm  # the scope stands in it
    asked = {
        "scope": challenge.get("scope") or f"repository:{name}:pull",
        **({"service": challenge["service"]} if "service" in challenge else {}),
    }
    return f"{realm}?{urlencode(asked)}"
