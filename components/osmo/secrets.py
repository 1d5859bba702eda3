"""The Secrets and the ConfigMap that OSMO's pods mount; all must exist before its release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, Secret

from components.generated import GeneratedSecret
from components.platform.object_store import ObjectStoreHandle
from sdg.osmo import layout
from sdg.settings.loader import Secrets


@dataclass(frozen=True, slots=True)
class OsmoSecrets:
    """What was generated and stored for OSMO.

    Attributes:
        database_password: of the in-cluster PostgreSQL; goes into the chart's values, which leave no other way.
        fingerprint_key: key of the fingerprints that tell a gate of changed values.
        contents: everything that the release's pods read from these objects; secret.
        objects: the objects; the release depends on them.
    """

    database_password: pulumi.Output[str]
    fingerprint_key: pulumi.Output[str]
    contents: dict[str, Any]
    objects: tuple[pulumi.Resource, ...]


def create_secrets(
    name: str,
    store: ObjectStoreHandle,
    given: Secrets,
    generated: pulumi.ResourceOptions,
    inside: pulumi.ResourceOptions,
) -> OsmoSecrets:
    """Generates OSMO's keys and puts them where its charts look for them.

    Args:
        given: what the user gave; the database's first password is generated when it is not among it.
        generated: options of the generated values, which need no cluster.
        inside: options of the cluster's objects.
    """
    password = GeneratedSecret(f"{name}-database-password", "password", generated, chosen=given.database_password)
    key = GeneratedSecret(f"{name}-fingerprint-key", "token", generated)
    admin = GeneratedSecret(f"{name}-admin-token", "token", generated)
    mek = GeneratedSecret(f"{name}-mek", "mek", generated)

    objects: list[pulumi.Resource] = [
        Secret(
            f"{name}-admin",
            metadata={"name": layout.ADMIN_SECRET, "namespace": layout.SERVICE_NAMESPACE},
            string_data={"password": admin.value},
            opts=inside,
        ),
        # OSMO's images read the master encryption key from a ConfigMap of this name and from nowhere else
        ConfigMap(
            f"{name}-mek-config",
            metadata={"name": layout.MEK_CONFIG_MAP, "namespace": layout.SERVICE_NAMESPACE},
            data={"mek.yaml": mek.value},
            opts=inside,
        ),
    ]
    if store.credential is not None:
        objects += [
            Secret(
                f"{name}-{secret}",
                metadata={"name": secret, "namespace": layout.SERVICE_NAMESPACE},
                string_data=store.credential,
                opts=inside,
            )
            for secret in layout.STORAGE_SECRETS
        ]
    return OsmoSecrets(
        database_password=password.value,
        fingerprint_key=key.value,
        contents={"admin": admin.value, "mek": mek.value, "storage": store.credential},
        objects=tuple(objects),
    )
