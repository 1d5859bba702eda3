"""The Secrets of NIMs: what images are pulled with, and what NIMs and downloads log in with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from components.release import fingerprint
from sdg.osmo.values import docker_config
from sdg.platform.layout import HF_KEY, HF_SECRET, NGC_KEY, NGC_SECRET, NIM_NAMESPACE, NIM_PULL_SECRET
from sdg.settings.loader import Secrets

_DOCKER_CONFIG: Final = ".dockerconfigjson"
_DOCKER_TYPE: Final = "kubernetes.io/dockerconfigjson"


@dataclass(frozen=True, slots=True)
class NimKeys:
    """What NIMs are run with.

    Attributes:
        pull: the pull secrets, by namespace.
        ngc: the Secret with NVIDIA's key.
        hub: the Secret with the Hugging Face token; None without a token.
        hub_fingerprint: of that token alone; empty without one.
        fingerprint: of all keys.
    """

    pull: Mapping[str, Secret]
    ngc: Secret
    hub: Secret | None
    hub_fingerprint: pulumi.Output[str]
    fingerprint: pulumi.Output[str]

    @property
    def objects(self) -> list[pulumi.Resource]:
        """What NIMs need of them."""
        return [self.pull[NIM_NAMESPACE], self.ngc, *([self.hub] if self.hub else [])]


def nim_keys(name: str, given: Secrets, namespaces: Mapping[str, pulumi.Resource], opts: pulumi.ResourceOptions) -> NimKeys:
    """Makes the Secrets.

    Args:
        namespaces: where images are pulled.

    Raises:
        LookupError: there is no NGC key; the loader refuses that, with what needs it.
    """
    key, token = given.ngc_api_key, given.hf_token
    if key is None:
        raise LookupError("NIMs need sdg:ngcApiKey")

    def secret(resource: str, namespace: str, called: str, content: Mapping[str, Any], form: str = "Opaque") -> Secret:
        metadata: ObjectMetaArgsDict = {"name": called, "namespace": namespace}
        own = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[namespaces[namespace]]))
        return Secret(f"{name}-{resource}", metadata=metadata, type=form, string_data=content, opts=own)

    config = {_DOCKER_CONFIG: key.apply(docker_config)}
    return NimKeys(
        pull={each: secret(f"pull-{each}", each, NIM_PULL_SECRET, config, _DOCKER_TYPE) for each in namespaces},
        ngc=secret("ngc", NIM_NAMESPACE, NGC_SECRET, {NGC_KEY: key}),
        hub=None if token is None else secret("hf-token", NIM_NAMESPACE, HF_SECRET, {HF_KEY: token}),
        hub_fingerprint=pulumi.Output.from_input("") if token is None else fingerprint(token, {"for": "downloads"}),
        fingerprint=fingerprint(key, {"key": key, "token": token}),
    )
