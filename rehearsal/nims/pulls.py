"""Pulls from NVIDIA's registry: the images of NIMs are private, and the key of a pod's pull secret opens them or doesn't.

The words are containerd's and the kubelet's.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from typing import Final

from rehearsal.api import SECRETS, Api, Object
from rehearsal.faults import Faults
from rehearsal.needs import PULL_BACKOFF, Missing
from rehearsal.nims.images import NGC, repository
from rehearsal.services.internet.keys import PREFIX, UNAUTHORIZED, refusal

USER: Final = "$oauthtoken"
FAULT: Final = "ngc.key"
PRIVATE: Final = "nim/"
"""Repositories that nobody may pull without a key."""
_REASONS: Final = {401: "401 Unauthorized", 403: "403 Forbidden"}


class Pulls:
    """Images that nodes have, and what keeps others from coming. May be used from several threads."""

    def __init__(self, api: Api, faults: Faults) -> None:
        self._api, self._faults = api, faults
        self._lock = threading.Lock()
        self._images: set[tuple[str, str]] = set()

    def has(self, node: str, image: str) -> bool:
        """Whether a node has an image."""
        with self._lock:
            return (node, image) in self._images

    def keep(self, node: str, image: str) -> None:
        """A pod's image has come to its node."""
        with self._lock:
            self._images.add((node, image))

    def forget(self, node: str) -> None:
        """A node that is gone has no images."""
        with self._lock:
            self._images = {(where, image) for where, image in self._images if where != node}

    def refused(self, pod: Object) -> Missing | None:
        """Why one of a pod's images does not come; None when all are there or will come."""
        for item in (*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]):
            image = str(item.get("image", ""))
            if self.has(pod["spec"]["nodeName"], image) and item.get("imagePullPolicy") != "Always":
                continue
            if (status := self._status(pod, image)) is not None:
                return _missing(item["name"], image, status)
        return None

    def _status(self, pod: Object, image: str) -> int | None:
        """The status with which the registry refuses an image; None when it gives it."""
        private = repository(image).startswith(PRIVATE)
        if not image.startswith(f"{NGC}/") or not (private or self._faults.get(FAULT)):
            return None
        references = pod["spec"].get("imagePullSecrets") or []
        passwords = [self._password(pod["metadata"]["namespace"], found.get("name", "")) for found in references]
        keys = [found for found in passwords if found is not None]
        if not private:
            # public, but a key that is shown is looked at
            return refusal(PREFIX, self._faults) if keys else None
        statuses = [refusal(key, self._faults) for key in keys] or [UNAUTHORIZED]
        return None if None in statuses else statuses[-1]

    def _password(self, namespace: str, name: str) -> str | None:
        """The password that a pull secret has for the registry: empty when it is not one for keys; None when it has none."""
        secret = self._api.get(SECRETS, name, namespace)
        return None if secret is None else password(secret)


def password(secret: Object) -> str | None:
    """The password that a pull secret has for NVIDIA's registry: empty when its user is not the one of keys; None when it has none."""
    try:
        config = json.loads(base64.b64decode((secret.get("data") or {}).get(".dockerconfigjson", "")))
        entry = config["auths"].get(NGC) or config["auths"].get(f"https://{NGC}")
        if not isinstance(entry, dict):
            return None
        user, _, both = str(base64.b64decode(entry.get("auth", "")), "utf-8").partition(":")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None
    user, secret_part = str(entry.get("username") or user), str(entry.get("password") or both)
    return secret_part if user == USER else ""


def _missing(container: str, image: str, status: int) -> Missing:
    path = repository(image).replace("/", "%2F")
    url = f"https://{NGC}/proxy_auth?scope=repository%3A{path}%3Apull"
    cause = f"failed to authorize: failed to fetch oauth token: unexpected status from GET request to {url}: {_REASONS.get(status, status)}"
    words = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {cause}'
    message = f'Failed to pull image "{image}": {words}'
    return Missing(PULL_BACKOFF, "Failed", message, f'Back-off pulling image "{image}": ErrImagePull: {words}', container)
