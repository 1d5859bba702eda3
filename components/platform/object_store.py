"""Where OSMO keeps workflow data, logs and apps: what it needs to know of a store, and the stores that something else made."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.cluster.base import ManagedServices
from sdg.kube.workload import Workload
from sdg.settings.loader import Secrets
from sdg.settings.platform import AzureBlobStore, S3Store


@dataclass(frozen=True, slots=True)
class ObjectStoreHandle:
    """What a client of the object store needs.

    Attributes:
        bucket_uri: where workflow data goes, as OSMO writes it ("s3://osmo-workflows").
        credential: the keys of one of OSMO's storage credential Secrets; values may be secret. None where OSMO's pods log in by their
            identity.
        client_id: of the user-assigned identity that the pods log in as; None where they log in with the credential.
        workloads: what must run before the store can be used.
        resources: what must be created before.
    """

    bucket_uri: pulumi.Input[str]
    credential: dict[str, pulumi.Input[str]] | None
    client_id: pulumi.Input[str] | None = None
    workloads: tuple[Workload, ...] = ()
    resources: tuple[pulumi.Resource, ...] = ()


def external_store(settings: S3Store | AzureBlobStore, secrets: Secrets) -> ObjectStoreHandle:
    """A bucket or container that exists: there is nothing to make, only to know.

    Args:
        secrets: of the stack; the loader made sure that those of this store are there.
    """
    return _s3(settings, secrets) if isinstance(settings, S3Store) else _azure_blob(settings, secrets)


def _s3(settings: S3Store, secrets: Secrets) -> ObjectStoreHandle:
    bucket_uri = f"s3://{settings.bucket}"
    credential: dict[str, pulumi.Input[str]] = {
        "access_key_id": _given(secrets.storage_access_key_id),
        "access_key": _given(secrets.storage_access_key),
        "endpoint": bucket_uri,
        "region": settings.region,
    }
    optional = {"override_url": settings.endpoint, "addressing_style": settings.addressing_style}
    return ObjectStoreHandle(bucket_uri, credential | {key: value for key, value in optional.items() if value is not None})


def _azure_blob(settings: AzureBlobStore, secrets: Secrets) -> ObjectStoreHandle:
    container_uri = f"azure://{settings.account}/{settings.container}"
    if settings.auth == "workload-identity":
        return ObjectStoreHandle(container_uri, credential=None, client_id=settings.client_id)
    return ObjectStoreHandle(
        container_uri, _blob_key(settings.account, _given(secrets.storage_account_key), container_uri, settings.location)
    )


def managed_store(services: ManagedServices | None) -> ObjectStoreHandle:
    """The store that comes with the cluster.

    Raises:
        LookupError: none does; the loader refuses that first.
    """
    store = services.store if services else None
    if store is None:
        raise LookupError("sdg:platform.objectStore.provider is managed, and no store comes with the cluster")
    container_uri = pulumi.Output.format("azure://{0}/{1}", store.account, store.container)
    # without an identity to log in as there is a key
    credential = None if store.client_id is not None else _blob_key(store.account, _given(store.key), container_uri, store.location)
    return ObjectStoreHandle(container_uri, credential, client_id=store.client_id, resources=store.resources)


def _blob_key(
    account: pulumi.Input[str], key: pulumi.Output[str], container_uri: pulumi.Input[str], location: str
) -> dict[str, pulumi.Input[str]]:
    """The credential of a container that is logged in to with its account's key."""
    form = "DefaultEndpointsProtocol=https;AccountName={0};AccountKey={1};EndpointSuffix=core.windows.net"
    # OSMO's model of a credential knows no addressing style for Azure, and wants an override_url that may be empty
    return {
        "access_key_id": account,
        "access_key": pulumi.Output.format(form, account, key),
        "endpoint": container_uri,
        "region": location,
        "override_url": "",
    }


def _given(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    if secret is None:  # the loader refuses it with the setting that needs it
        raise LookupError("the object store's key is missing")
    return secret
