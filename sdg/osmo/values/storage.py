"""Where workflows keep data, logs and apps, and how OSMO's services log in there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sdg.osmo import layout
from sdg.osmo.values.base import Values

SECTIONS: Final = ("workflow_data", "workflow_log", "workflow_app")
# the services whose pods read or write objects
IDENTITY_SERVICES: Final = ("worker", "agent", "logger", "service", "delayedJobMonitor")
IDENTITY_LABEL: Final = "azure.workload.identity/use"
IDENTITY_ANNOTATION: Final = "azure.workload.identity/client-id"


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """A store that OSMO logs in to with the keys of its three credential Secrets.

    Attributes:
        uri: bucket or container as OSMO writes it, e.g. `s3://osmo-workflows`; while the program runs, it may be an output.
    """

    uri: object


@dataclass(frozen=True, slots=True)
class WorkloadIdentity:
    """An Azure container that OSMO's pods log in to as the identity of their ServiceAccount; there are no keys.

    Attributes:
        uri: the container, `azure://ACCOUNT/CONTAINER`.
        client_id: of the user-assigned identity.
    """

    uri: object
    client_id: object


StorageChoice = StaticKeys | WorkloadIdentity


def storage_choice(uri: object, client_id: object = None) -> StorageChoice:
    """How OSMO logs in to a store: as an identity where there is one, else with keys."""
    return StaticKeys(uri) if client_id is None else WorkloadIdentity(uri, client_id)


def secret_references(storage: StorageChoice) -> list[str]:
    """Secrets that the services mount for storage."""
    return list(layout.STORAGE_SECRETS) if isinstance(storage, StaticKeys) else []


def workflow_storage(storage: StorageChoice) -> Values:
    """`workflow_data`, `workflow_log` and `workflow_app` of `services.configs.workflow`."""
    match storage:
        case StaticKeys():
            credentials: list[Values] = [{"secretName": secret} for secret in layout.STORAGE_SECRETS]
        case WorkloadIdentity():
            credentials = [{"endpoint": storage.uri} for _ in SECTIONS]
    values: Values = {section: {"credential": credential} for section, credential in zip(SECTIONS, credentials, strict=True)}
    values["workflow_data"]["base_url"] = storage.uri
    return values


def service_account(storage: StorageChoice) -> Values:
    """Top-level values that give OSMO's ServiceAccount its identity; none for static keys."""
    match storage:
        case StaticKeys():
            return {}
        case WorkloadIdentity():
            return {"serviceAccount": {"create": True, "annotations": {IDENTITY_ANNOTATION: storage.client_id}}}


def pod_labels(storage: StorageChoice) -> Mapping[str, Values]:
    """Values below `services` that let pods use the identity, by service; none for static keys."""
    match storage:
        case StaticKeys():
            return {}
        case WorkloadIdentity():
            return {service: {"extraPodLabels": {IDENTITY_LABEL: "true"}} for service in IDENTITY_SERVICES}
