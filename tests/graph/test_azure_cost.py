"""What the estimate counts is what the program makes: no billed resource is forgotten, and none is made up."""

from __future__ import annotations

from collections import Counter

import pytest

from sdg.azure.meters import lines, wanted_by
from sdg.settings.parse import check

CLUSTER = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}
# kinds of azure-native that are billed for being there, and whose every single one has to be counted
BILLED = {
    "network:NatGateway": "nat-gateway",
    "network:PublicIPAddress": "public-ip",
    "network:PrivateEndpoint": "private-endpoint",
    "privatedns:PrivateZone": "dns-zone",
}
# those of which one is enough to know whether the estimate has them
THERE = {
    "containerservice:ManagedCluster": "AKS",
    "dbforpostgresql:Server": "PostgreSQL",
    "redisenterprise:RedisEnterprise": "Redis",
    "storage:StorageAccount": "storage account",
    "keyvault:Vault": "key vault",
    "operationalinsights:Workspace": "logs",
    "monitor:AzureMonitorWorkspace": "metrics",
    "dashboard:Grafana": "Grafana",
}

CHOICES = {
    "dev": {"cluster": {"preset": "dev"}},
    "team": {"cluster": {"preset": "team"}},
    "production": {"cluster": {"preset": "production"}},
    "redis elsewhere": {"cluster": {}, "osmo": {"redis": {"kind": "in-cluster"}}},
}


@pytest.fixture(scope="module")
def made():
    """Graphs by name of the choice, each made once."""
    return {}


@pytest.fixture(params=CHOICES, ids=lambda name: name.replace(" ", "-"))
def stack(request, run_program, made):
    """Kinds of resources by number, and the lines of the estimate."""
    sections = CHOICES[request.param]
    said = {**sections, "cluster": {**CLUSTER, **sections["cluster"]}}
    if request.param not in made:
        made[request.param] = run_program(**said)
    graph = made[request.param]
    read, _ = check(said)
    kinds = Counter(kind.removeprefix("azure-native:") for kind in graph.types.values() if kind.startswith("azure-native:"))
    return kinds, lines(read["cluster"], wanted_by(read["osmo"], read["platform"])), graph


def test_what_is_billed_for_being_there_is_counted_one_by_one(stack):
    kinds, billed, _ = stack
    counted = {line.meter: line.count.most for line in billed if line.count}
    assert {meter: counted.get(meter, 0) for meter in BILLED.values()} == {meter: kinds[kind] for kind, meter in BILLED.items()}


def test_each_service_is_in_the_estimate_where_the_program_makes_it(stack):
    kinds, billed, _ = stack
    resources = {line.resource for line in billed}
    assert {resource for kind, resource in THERE.items() if kinds[kind]} == resources & set(THERE.values())


def test_every_pool_is_in_the_estimate_with_its_bounds_size_and_disk(stack):
    _, billed, graph = stack
    cluster = next(graph.inputs[name] for name, kind in graph.types.items() if kind.endswith(":ManagedCluster"))
    separate = [graph.inputs[name] for name, kind in graph.types.items() if kind.endswith(":AgentPool")]
    made = Counter((pool["vmSize"], pool["minCount"], pool["maxCount"]) for pool in [*cluster["agentPoolProfiles"], *separate])
    machines = [line for line in billed if line.meter in {"vm", "vm-spot"}]
    assert Counter((line.values["size"], line.count.least, line.count.most) for line in machines) == made
    assert sum(line.meter == "os-disk" for line in billed) == len(machines)
