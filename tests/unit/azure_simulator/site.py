"""A subscription to deploy to: a resource group, a network, and short ways of asking ARM for more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from rehearsal.azure import kinds
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.azure.clock import Clock
from rehearsal.azure.errors import ArmError
from rehearsal.azure.world import Resource, World
from rehearsal.faults import Faults

REGION = "eastus2"
GROUP = {"resourceGroupName": "rg"}
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers"
SIZE, GPU_SIZE = "Standard_D16ds_v5", "Standard_NC40ads_H100_v5"


def refused(code: str) -> AbstractContextManager[pytest.ExceptionInfo[ArmError]]:
    """Expect ARM's refusal with a code."""
    return pytest.raises(ArmError, check=lambda error: error.code == code)


class Site:
    """The simulated Azure of one test."""

    def __init__(self, file: Path | None = None, scale: float = 0) -> None:
        self.faults = Faults()
        self.world = World(self.faults, Clock(scale), file)

    def put(self, short: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> Resource:
        """Create or change a resource of the SDK (`network:Subnet`) in the group."""
        kind = kinds.of_token(f"azure-native:{short}")
        given = {**GROUP, **(inputs or {}), **more}
        if "location" in kind.inputs and "location" not in given:
            given["location"] = REGION
        wanted = {name: value for name, value in given.items() if name in kind.inputs and value is not None}
        return self.world.create(kind.type, kind.id_of(SUBSCRIPTION, given), wanted)

    def again(self, resource: Resource, **more: Any) -> Resource:
        """Change a resource."""
        return self.world.update(resource.type, resource.id, {**resource.inputs, **more})

    def delete(self, resource: Resource) -> None:
        self.world.delete(resource.type, resource.id)

    def group(self) -> Resource:
        return self.put("resources:ResourceGroup")

    def network(self, prefix: str = "10.0.0.0/16") -> Resource:
        return self.put("network:VirtualNetwork", virtualNetworkName="vnet", addressSpace={"addressPrefixes": [prefix]})

    def subnet(self, name: str = "nodes", prefix: str = "10.0.1.0/24", **more: Any) -> Resource:
        return self.put("network:Subnet", virtualNetworkName="vnet", subnetName=name, addressPrefixes=[prefix], **more)

    def delegated(self) -> Resource:
        return self.subnet("database", "10.0.2.0/24", delegations=[{"name": "postgres", "serviceName": POSTGRES}])

    def zone(self, name: str = "x.postgres.database.azure.com") -> Resource:
        return self.put("privatedns:PrivateZone", privateZoneName=name, location="Global")

    def link(self, zone: Resource, network: Resource) -> Resource:
        place = {"privateZoneName": zone.name, "virtualNetworkLinkName": "link", "location": "Global"}
        return self.put("privatedns:VirtualNetworkLink", place, registrationEnabled=False, virtualNetwork={"id": network.id})

    def server(self, subnet: Resource, zone: Resource, **more: Any) -> Resource:
        return self.put("dbforpostgresql:Server", SERVER, network=private(subnet, zone), **more)

    def cluster(self, **more: Any) -> Resource:
        return self.put("containerservice:ManagedCluster", CLUSTER, **more)

    def pool(self, **more: Any) -> Resource:
        return self.put("containerservice:AgentPool", POOL, **more)

    def storage(self, **more: Any) -> Resource:
        return self.put("storage:StorageAccount", {"accountName": "stx", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}, **more)

    def vault(self, **properties: Any) -> Resource:
        known = {"tenantId": SUBSCRIPTION, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
        return self.put("keyvault:Vault", vaultName="kv-one", properties={**known, **properties})

    def foundry(self, **properties: Any) -> Resource:
        return self.put("cognitiveservices:Account", accountName="foundry", kind="AIServices", sku={"name": "S0"}, properties=properties)


def private(subnet: Resource, zone: Resource) -> dict[str, str]:
    return {"delegatedSubnetResourceId": subnet.id, "privateDnsZoneArmResourceId": zone.id}


SERVER = {
    "serverName": "psql-x",
    "version": "16",
    "sku": {"name": "Standard_B2s", "tier": "Burstable"},
    "storage": {"storageSizeGB": 64},
    "administratorLogin": "osmo",
    "administratorLoginPassword": "Abcdefgh1234",
}
SYSTEM = {"name": "system", "mode": "System", "vmSize": SIZE, "count": 1, "enableAutoScaling": True, "minCount": 1, "maxCount": 3}
CLUSTER = {
    "resourceName": "aks",
    "dnsPrefix": "aks",
    "kubernetesVersion": "1.35",
    "identity": {"type": "SystemAssigned"},
    "agentPoolProfiles": [SYSTEM],
}
POOL = {
    "resourceName": "aks",
    "agentPoolName": "gpu",
    "vmSize": GPU_SIZE,
    "mode": "User",
    "count": 0,
    "enableAutoScaling": True,
    "minCount": 0,
    "maxCount": 2,
}
