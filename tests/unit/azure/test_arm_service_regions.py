"""What the simulated ARM says of regions: sizes, quotas, versions of AKS, restrictions of services, and models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient

from rehearsal.azure.regions import regions
from sdg.azure import questions
from sdg.azure.errors import ArmRefusedError
from tests.unit.azure.arm_asked import GPU, got, limits, listed, sizes
from tests.unit.azure.conftest import Simulated


def test_a_size_has_its_family_its_cores_and_its_zones(azure: Simulated) -> None:
    sku = sizes(azure, "eastus2")[GPU]
    capabilities = {one["name"]: one["value"] for one in sku["capabilities"]}
    assert (sku["family"], capabilities["vCPUs"], capabilities["GPUs"]) == ("standardNCADSH100v5Family", "40", "1")
    assert sku["locationInfo"][0]["zones"] == ["1", "2", "3"]
    assert sku["restrictions"] == []


def test_regions_lack_what_their_data_says(azure: Simulated) -> None:
    assert GPU not in sizes(azure, "westus3")
    [zonal] = sizes(azure, "southcentralus")[GPU]["restrictions"]
    assert (zonal["type"], zonal["restrictionInfo"]["zones"], zonal["reasonCode"]) == ("Zone", ["1", "3"], "NotAvailableForSubscription")
    [whole] = sizes(azure, "northeurope")[GPU]["restrictions"]
    assert (whole["type"], whole["values"]) == ("Location", ["northeurope"])
    assert limits(azure, "westeurope")["StandardNCadsH100v5Family"] == (0, 0)
    assert sizes(azure, "westcentralus")[GPU]["locationInfo"][0]["zones"] == []


def test_a_region_that_is_none_is_refused(azure: Simulated) -> None:
    with pytest.raises(ArmRefusedError, match="eastus2"):
        listed(azure, questions.COMPUTE_USAGES, "atlantis")


def test_every_family_of_a_size_has_a_quota_by_some_spelling(azure: Simulated) -> None:
    known = {name.replace(" ", "").lower() for name in limits(azure, "eastus2")}
    assert {sku["family"].replace(" ", "").lower() for sku in sizes(azure, "eastus2").values()} <= known


def test_what_runs_counts_against_its_quota(azure: Simulated, group: str) -> None:
    before = limits(azure, "eastus2")
    pools = [
        {"name": "system", "vmSize": "Standard_D16ds_v5", "count": 2},
        {"name": "gpu", "vmSize": GPU, "count": 3},
        {"name": "spot", "vmSize": GPU, "count": 1, "scaleSetPriority": "Spot"},
    ]
    cluster = f"{group}/providers/Microsoft.ContainerService/managedClusters/aks"
    azure.put("Microsoft.ContainerService/managedClusters", cluster, location="eastus2", agentPoolProfiles=pools)
    after = limits(azure, "eastus2")
    grown = {name: after[name][0] - before[name][0] for name in after if after[name] != before[name]}
    assert grown == {"cores": 152, "standardDDSv5Family": 32, "StandardNCadsH100v5Family": 120, "lowPriorityCores": 40}
    assert limits(azure, "swedencentral")["cores"] == (0, 1000)


def test_quotas_and_sizes_can_be_taken_away(azure: Simulated) -> None:
    azure.faults.set("azure.quota", {"location": "eastus2", "family": "cores", "limit": 10})
    azure.faults.set("azure.sku", {"location": "eastus2", "size": GPU, "zones": ["2"], "reason": "QuotaId"})
    assert limits(azure, "eastus2")["cores"][1] == 10
    assert limits(azure, "swedencentral")["cores"][1] == 1000
    assert sizes(azure, "eastus2")[GPU]["restrictions"][0]["restrictionInfo"]["zones"] == ["2"]
    azure.faults.set("azure.sku", {"size": GPU, "absent": True})
    assert GPU not in sizes(azure, "eastus2")
    assert GPU not in sizes(azure, "swedencentral")


def test_aks_names_its_versions(azure: Simulated, official: Callable[[Any], Any]) -> None:
    found = official(ContainerServiceClient).managed_clusters.list_kubernetes_versions("eastus2").values
    plans = {one.version: one.capabilities.support_plan for one in found}
    assert plans["1.33"] == ["AKSLongTermSupport"]
    assert "KubernetesOfficial" in plans["1.36"]
    assert [one.version for one in found if one.is_default] == ["1.35"]
    azure.faults.set("azure.kubernetes", {"without": ["1.35"]})
    values = got(azure, questions.KUBERNETES_VERSIONS, location="eastus2")["values"]
    assert "1.35" not in [one["version"] for one in values]


def test_postgresql_names_its_sizes_and_its_restriction(azure: Simulated, official: Callable[[Any], Any]) -> None:
    client = official(PostgreSQLManagementClient)
    [found] = client.capabilities_by_location.list("eastus2")
    skus = {sku.name: sku for edition in found.supported_server_editions for sku in edition.supported_server_skus}
    assert (found.restricted, found.zone_redundant_ha_supported) == ("Disabled", "Enabled")
    assert skus["Standard_D4s_v3"].supported_ha_mode == ["SameZone", "ZoneRedundant"]
    assert skus["Standard_B2s"].supported_ha_mode == []
    [restricted] = client.capabilities_by_location.list("eastus")
    assert (restricted.restricted, restricted.status) == ("Enabled", "Disabled")
    assert "restricted in this region" in restricted.reason
    azure.faults.set("azure.postgresql", {"location": "eastus2", "reason": "No more."})
    [taken] = client.capabilities_by_location.list("eastus2")
    assert (taken.restricted, taken.reason) == ("Enabled", "No more.")


def test_redis_is_where_its_provider_says(azure: Simulated) -> None:
    def where() -> list[str]:
        types = {
            one["resourceType"]: one["locations"] for one in got(azure, questions.PROVIDER, namespace="Microsoft.Cache")["resourceTypes"]
        }
        return types["redisEnterprise"]

    assert "East US 2" in where()
    assert "Germany West Central" not in where()
    azure.faults.set("azure.redis", {"location": "eastus2"})
    assert "East US 2" not in where()


def test_models_are_listed_with_the_day_of_their_end(azure: Simulated, official: Callable[[Any], Any]) -> None:
    client = official(CognitiveServicesManagementClient)

    def models(location: str) -> dict[str, Any]:
        return {one.model.name: one.model for one in client.models.list(location)}

    assert "DeepSeek-R1" in models("eastus2")
    assert models("uksouth") == {}
    assert models("eastus2")["Meta-Llama-3.1-8B-Instruct"].lifecycle_status == "Deprecated"
    azure.faults.set("azure.model", {"location": "eastus2", "model": "DeepSeek/DeepSeek-R1"})
    assert "DeepSeek-R1" not in models("eastus2")
    azure.faults.set("azure.model", {"location": "eastus2", "model": "OpenAI/gpt-4o", "retires": "2020-01-01"})
    assert models("eastus2")["gpt-4o"].deprecation.inference == "2020-01-01T00:00:00Z"
    usages = [one.name.value for one in client.usages.list("eastus2")]
    assert "AIServices.GlobalStandard.gpt-4o" in usages


def test_networks_have_quotas_too(official: Callable[[Any], Any]) -> None:
    found = {one.name.value: one.limit for one in official(NetworkManagementClient).usages.list("eastus2")}
    assert found["StandardSkuPublicIpAddresses"] == 20


def test_one_region_has_everything() -> None:
    region = regions().regions["eastus2"]
    assert not any([region.without, region.restricted, region.absent, region.postgresql.restricted])
