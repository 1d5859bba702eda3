"""Pulling images with a key: by OSMO's own pods and by those of workflows."""

from __future__ import annotations

import base64
import json
from typing import Final

from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.values.base import Values

# the one user name that NGC knows for API keys
KEY_USER: Final = "$oauthtoken"


def image_registry() -> str:
    """The registry that the key is for; it is sent to no other one, a mirror included."""
    return versions().registries.osmo.partition("/")[0]


def docker_config(key: str) -> str:
    """Content of the pull secret's `.dockerconfigjson`."""
    auth = base64.b64encode(f"{KEY_USER}:{key}".encode()).decode()
    return json.dumps({"auths": {image_registry(): {"username": KEY_USER, "password": key, "auth": auth}}})


def workflow_credential() -> Values:
    """`workflow.backend_images.credential`: the pull secret covers OSMO's own pods only.

    It names a Secret that the services mount. Written out, the key would stand in their ConfigMap.
    """
    return {"secretName": layout.IMAGE_SECRET}


def credential_fields(key: str) -> dict[str, str]:
    """Content of that Secret. Each key is a field of the credential, which takes the key in plain: that of `docker_config` is encoded."""
    return {"registry": image_registry(), "username": KEY_USER, "auth": key}
