"""What every resource of an Azure cluster is called. All of it is known before anything is made."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from sdg.catalog.azure_names import name_rules
from sdg.settings.azure import Azure

SUFFIX_LENGTH: Final = 5
_DIGITS: Final = string.digits + string.ascii_lowercase

# what has a private endpoint
ENDPOINTS: Final = ("redis", "blob", "vault", "nfs")
# attribute: (kind of azure_names.yaml, form); p is the prefix, e the environment, n both, s the suffix
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "resource_group": ("resource-group", "rg-{n}"),
    "nat_ip": ("public-ip", "pip-nat-{n}"),
    "nat_gateway": ("nat-gateway", "nat-{n}"),
    "nsg_nodes": ("network-security-group", "nsg-aks-{n}"),
    "nsg_gpu_nodes": ("network-security-group", "nsg-gpu-{n}"),
    "nsg_database": ("network-security-group", "nsg-database-{n}"),
    "nsg_endpoints": ("network-security-group", "nsg-endpoints-{n}"),
    "network": ("virtual-network", "vnet-{n}"),
    "subnet_nodes": ("subnet", "snet-aks"),
    "subnet_gpu_nodes": ("subnet", "snet-gpu"),
    "subnet_database": ("subnet", "snet-database"),
    "subnet_endpoints": ("subnet", "snet-private-endpoints"),
    "cluster": ("aks", "aks-{n}"),
    "dns_prefix": ("aks-dns-prefix", "aks-{n}"),
    "node_resource_group": ("node-resource-group", "rg-{n}-nodes"),
    "postgres": ("postgres", "psql-{n}-{s}"),
    "postgres_zone": ("private-dns-zone", "{n}.postgres.database.azure.com"),
    "redis": ("redis", "redis-{n}-{s}"),
    "redis_zone": ("private-dns-zone", "privatelink.redis.azure.net"),
    "storage_account": ("storage-account", "st{p}{e}{s}"),
    "blob_zone": ("private-dns-zone", "privatelink.blob.core.windows.net"),
    "nfs_account": ("storage-account", "stnfs{p}{e}{s}"),
    "file_zone": ("private-dns-zone", "privatelink.file.core.windows.net"),
    "key_vault": ("key-vault", "kv-{n}-{s}"),
    "vault_zone": ("private-dns-zone", "privatelink.vaultcore.azure.net"),
    "log_workspace": ("log-workspace", "log-{n}-{s}"),
    "log_rule": ("data-collection", "dcr-logs-{n}"),
    "monitor_workspace": ("monitor-workspace", "amw-{n}-{s}"),
    "metrics_rule": ("data-collection", "dcr-metrics-{n}"),
    "metrics_endpoint": ("data-collection", "dce-metrics-{n}"),
    # the shortest limit of all: no hyphen between prefix and environment
    "grafana": ("grafana", "amg-{p}{e}{s}"),
    "cluster_identity": ("managed-identity", "id-aks-{n}"),
    "osmo_identity": ("managed-identity", "id-osmo-{n}"),
    # it is the sub domain too, which all of Azure shares
    "foundry": ("cognitive-account", "foundry-{n}-{s}"),
    "hub": ("ml-workspace", "hub-{n}-{s}"),
    "project": ("ml-workspace", "project-{n}-{s}"),
    "hub_storage": ("storage-account", "sthub{p}{e}{s}"),
    "hub_vault": ("key-vault", "kvhub{p}{e}{s}"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the resources, by what they are for.

    Attributes:
        base: prefix and environment.
        suffix: last part of names that all of Azure shares.
        dns_prefix: first part of the API server's host name.
        postgres_zone: private DNS zone of PostgreSQL; the other zones are the ones that private endpoints need.
        foundry: the account of Foundry, and its sub domain.
        hub, project: workspaces of serverless endpoints; `hub_storage` and `hub_vault` are what a hub is made with.
    """

    base: str
    suffix: str
    subscription: str
    resource_group: str
    nat_ip: str
    nat_gateway: str
    nsg_nodes: str
    nsg_gpu_nodes: str
    nsg_database: str
    nsg_endpoints: str
    network: str
    subnet_nodes: str
    subnet_gpu_nodes: str
    subnet_database: str
    subnet_endpoints: str
    cluster: str
    dns_prefix: str
    node_resource_group: str
    postgres: str
    postgres_zone: str
    redis: str
    redis_zone: str
    storage_account: str
    blob_zone: str
    nfs_account: str
    file_zone: str
    key_vault: str
    vault_zone: str
    log_workspace: str
    log_rule: str
    monitor_workspace: str
    metrics_rule: str
    metrics_endpoint: str
    grafana: str
    cluster_identity: str
    osmo_identity: str
    foundry: str
    hub: str
    project: str
    hub_storage: str
    hub_vault: str

    @classmethod
    def of(cls, settings: Azure, owner: str, subscription: str) -> Names:
        """Names of a stack's resources.

        Args:
            settings: `sdg:cluster`; its prefix and environment were checked.
            owner: project and stack, as `project/stack`.
            subscription: id of the subscription.
        """
        suffix = settings.suffix or suffix_of(owner, subscription)
        base = f"{settings.prefix}-{settings.environment}"
        parts = {"p": settings.prefix, "e": settings.environment, "n": base, "s": suffix}
        made = {attribute: form.format(**parts) for attribute, (_kind, form) in _FORMS.items()}
        return cls(base=base, suffix=suffix, subscription=subscription, **made)

    def private_endpoint(self, kind: str) -> str:
        """Name of the private endpoint of `redis`, `blob`, `vault` or `nfs`."""
        return f"pe-{kind}-{self.base}"

    def connection(self, kind: str) -> str:
        """Name of the connection within a private endpoint."""
        return f"{kind}-connection"

    def zone_group(self, kind: str) -> str:
        """Name of a private endpoint's DNS zone group."""
        return f"{kind}-dns-group"

    def zone_link(self, kind: str) -> str:
        """Name of the link between a private DNS zone (`postgres`, or a private endpoint's) and the network."""
        return f"{self.base}-{kind}-dns"

    def federated_credential(self, service_account: str) -> str:
        """Name of the credential that lets a service account log in as OSMO's identity."""
        return f"osmo-{service_account}"

    def serverless_endpoint(self, endpoint: str) -> str:
        """Name of a serverless endpoint, which a host name of the region begins with."""
        return f"{endpoint}-{self.suffix}"

    def by_kind(self) -> Iterator[tuple[str, str]]:
        """Every name that is made of the settings alone, after its kind in `azure_names.yaml`."""
        for attribute, (kind, _form) in _FORMS.items():
            yield kind, getattr(self, attribute)
        for service in ENDPOINTS:
            yield "private-endpoint", self.private_endpoint(service)
        for service in ("postgres", *ENDPOINTS):
            yield "virtual-network-link", self.zone_link(service)


def problems(settings: Azure) -> Iterator[str]:
    """Why ARM would refuse names, a sentence each. Asked before subscription and stack are known, so with any suffix."""
    longest = longest_pair()
    length = len(settings.prefix) + len(settings.environment)
    if length > longest:
        yield (
            f"sdg:cluster.prefix and sdg:cluster.environment must have at most {longest} characters together, so that every name keeps "
            f'within Azure\'s limits; "{settings.prefix}" and "{settings.environment}" have {length}.'
        )
        return
    names = [name for kind, name in Names.of(settings, "", "").by_kind() if kind != "private-dns-zone"]
    for word in name_rules().reserved:
        if made := next((name for name in names if word in name), None):
            yield (
                f'sdg:cluster.prefix, environment and suffix must not make names with "{word}" in them, a word that Azure reserves; '
                f'they make "{made}".'
            )


@cache
def longest_pair() -> int:
    """Characters that prefix and environment may have together: what the tightest limit leaves."""
    rules = name_rules().kinds
    empty = {"p": "", "e": "", "n": "-", "s": "s" * SUFFIX_LENGTH}
    return min(rules[kind].max - len(form.format(**empty)) for kind, form in _FORMS.values() if "{" in form)


def suffix_of(owner: str, subscription: str) -> str:
    """Five letters and digits, made of a stack and its subscription, so that they are known before anything is made."""
    number = int.from_bytes(hashlib.sha256(f"{owner}\n{subscription.lower()}".encode()).digest())
    digits = []
    for _ in range(SUFFIX_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
