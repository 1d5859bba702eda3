"""Which meters a stack's Azure resources have, and how much of each."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.made_of import UsedServices
from sdg.azure.meters import Range, disk_tier, lines, wanted_by
from sdg.catalog.azure_meters import billing
from sdg.settings.azure import Azure
from sdg.settings.parse import check

HOURS = 730


def azure(**said):
    return Azure.model_validate({"kind": "azure", "allowedRanges": ["198.51.100.7/32"], **said})


def counted(cluster):
    """Monthly quantity by meter; where several resources have one, by both."""
    return {(line.resource, line.meter): line.quantity and (line.quantity.least, line.quantity.most) for line in lines(cluster)}


def values(cluster, meter):
    return next(line.values for line in lines(cluster) if line.meter == meter)


@pytest.mark.parametrize(("tier", "meter"), [("Standard", "aks-standard"), ("Premium", "aks-premium")])
def test_a_cluster_is_billed_by_its_tier(tier, meter):
    assert counted(azure(tier=tier))["AKS", meter] == (HOURS, HOURS)


def test_a_cluster_of_the_free_tier_is_shown_and_costs_nothing():
    line = lines(azure(tier="Free"))[0]
    assert (line.resource, line.meter, line.title) == ("AKS", None, "cluster, tier Free")


def test_pools_are_billed_at_their_minimum_and_maximum_with_a_disk_for_each_node():
    found = counted(
        azure(systemPool={"min": 2, "max": 5}, gpuPools=[{"min": 0, "max": 4}, {"name": "small", "size": "Standard_NC4as_T4_v3", "max": 2}])
    )
    assert found["system pool", "vm"] == (2 * HOURS, 5 * HOURS)
    assert found["system pool", "os-disk"] == (2, 5)
    assert found["GPU pool gpu", "vm"] == (0, 4 * HOURS)
    assert found["GPU pool gpu", "os-disk"] == (0, 4)
    assert found["GPU pool small", "vm"] == (0, 2 * HOURS)
    assert ("CPU pool", "vm") not in found


def test_spot_pools_have_a_meter_of_their_own():
    found = counted(azure(cpuPool={"min": 1, "max": 3, "spot": True}, gpuPools=[{"spot": True}]))
    assert found["CPU pool", "vm-spot"] == (HOURS, 3 * HOURS)
    assert ("GPU pool gpu", "vm-spot") in found


def test_without_gpu_pools_no_gpus_are_billed():
    assert not [line for line in lines(azure(gpuPools=[])) if line.resource.startswith("GPU")]


@pytest.mark.parametrize(
    ("gib", "tier"), [(30, "P4"), (32, "P4"), (33, "P6"), (50, "P6"), (128, "P10"), (256, "P15"), (1025, "P40"), (2048, "P40")]
)
def test_a_disk_is_billed_as_the_smallest_tier_that_holds_it(gib, tier):
    assert disk_tier(gib) == tier


@given(st.integers(30, 2048))
def test_every_disk_that_settings_allow_has_a_tier(gib):
    sizes = {tier: size for size, tier in billing().disks.items()}
    assert sizes[disk_tier(gib)] >= gib


@pytest.mark.parametrize(
    ("egress", "meters"),
    [("nat-gateway", {"nat-gateway", "nat-gateway-data"}), ("load-balancer", {"load-balancer", "load-balancer-data"})],
)
def test_egress_is_billed_as_what_it_goes_through(egress, meters):
    found = {line.meter for line in lines(azure(network={"egress": egress})) if line.resource == "egress"}
    assert found == {*meters, "public-ip", "egress"}


@pytest.mark.parametrize(
    ("said", "endpoints"),
    [
        ({}, 2),
        ({"keyVault": {"enabled": True}}, 3),
        ({"apiServer": {"access": "private"}}, 3),
        ({"apiServer": {"access": "private"}, "keyVault": {"enabled": True}}, 4),
    ],
)
def test_each_private_endpoint_has_a_zone_and_the_database_one_more(said, endpoints):
    found = counted(azure(**said))
    assert found["private network", "private-endpoint"] == (endpoints * HOURS,) * 2
    assert found["private network", "dns-zone"] == (endpoints + 1,) * 2


@pytest.mark.parametrize(("mode", "servers"), [("none", 1), ("same-zone", 2), ("zone-redundant", 2)])
def test_a_standby_costs_what_the_server_costs_disk_and_all(mode, servers):
    found = counted(azure(database={"size": "GP_Standard_D4ds_v5", "storageGib": 128, "highAvailability": mode}))
    assert found["PostgreSQL", "postgres"] == (servers * HOURS,) * 2
    assert found["PostgreSQL", "postgres-storage"] == (servers * 128,) * 2


@pytest.mark.parametrize(
    ("size", "product", "vcores"),
    [
        ("GP_Standard_D2s_v3", "General Purpose Dsv3", "2"),
        ("GP_Standard_D16ads_v5", "General Purpose Dadsv5", "16"),
        ("MO_Standard_E4ds_v5", "Memory Optimized Edsv5", "4"),
    ],
)
def test_a_size_is_known_to_the_price_api_by_series_and_vcores(size, product, vcores):
    found = values(azure(database={"size": size}), "postgres")
    assert found["product"] == f"Azure Database for PostgreSQL Flexible Server {product} Series Compute"
    assert found["vcores"] == vcores


def test_burstable_servers_are_billed_whole():
    assert values(azure(database={"size": "B_Standard_B2s"}), "postgres-burstable")["machine"] == "B2s"


def test_a_size_of_no_known_form_has_no_meter_that_is_another_sizes():
    assert values(azure(database={"size": "GP_Standard_new_thing"}), "postgres")["product"] == "new_thing"


@pytest.mark.parametrize(
    ("said", "copies"),
    [({}, "LRS"), ({"geoBackup": True}, "GRS"), ({"size": "GP_Standard_D2s_v3", "highAvailability": "zone-redundant"}, "ZRS")],
)
def test_backups_are_billed_by_where_they_lie_and_only_use_tells_how_much(said, copies):
    cluster = azure(database=said)
    assert values(cluster, "postgres-backup") == {"copies": copies}
    assert counted(cluster)["PostgreSQL", "postgres-backup"] is None


@pytest.mark.parametrize(("replica", "nodes"), [(False, 1), (True, 2)])
def test_redis_is_billed_by_node(replica, nodes):
    cluster = azure(redis={"size": "ComputeOptimized_X3", "highAvailability": replica})
    assert counted(cluster)["Redis", "redis"] == (nodes * HOURS,) * 2
    assert values(cluster, "redis") == {"size": "ComputeOptimized_X3", "family": "Compute Optimized", "sku": "X3"}


@pytest.mark.parametrize(
    ("without", "gone", "endpoints", "zones"),
    [("database", "PostgreSQL", 2, 2), ("redis", "Redis", 1, 2), ("store", "storage account", 1, 2)],
)
def test_what_osmo_has_elsewhere_is_not_billed(without, gone, endpoints, zones):
    found = lines(azure(), UsedServices(**{without: False}))
    assert gone not in {line.resource for line in found}
    count = {line.meter: line.count and line.count.most for line in found}
    assert (count["private-endpoint"], count["dns-zone"]) == (endpoints, zones)


def test_a_stack_says_by_its_choices_what_osmo_has_elsewhere():
    elsewhere, _ = check(
        {"cluster": {"kind": "azure"}, "osmo": {"redis": {"kind": "in-cluster"}}, "platform": {"objectStore": {"provider": "minio"}}}
    )
    assert wanted_by(elsewhere["osmo"], elsewhere["platform"]) == UsedServices(database=True, redis=False, store=False)
    nothing = lines(azure(), UsedServices(database=False, redis=False, store=False))
    assert "private network" not in {line.resource for line in nothing}


def test_models_on_file_shares_are_billed_where_nims_keep_them_there():
    read, _ = check({"cluster": {"kind": "azure"}, "inference": {"provider": "nim-operator", "services": ["cosmos-reason"]}})
    wanted = wanted_by(read["osmo"], read["platform"], read["inference"])
    assert wanted.shares
    found = {line.meter: line.count and line.count.most for line in lines(azure(), wanted)}
    without = {line.meter: line.count and line.count.most for line in lines(azure())}
    assert (found["private-endpoint"], found["dns-zone"]) == (without["private-endpoint"] + 1, without["dns-zone"] + 1)
    assert "file-shares" in found.keys() - without.keys()


@pytest.mark.parametrize(
    "inference", [{"provider": "none"}, {"provider": "nim-operator", "services": ["cosmos-reason"], "storageClass": "mine"}]
)
def test_nobody_pays_for_file_shares_that_no_nim_uses(inference):
    read, _ = check({"cluster": {"kind": "azure"}, "inference": inference})
    assert not wanted_by(read["osmo"], read["platform"], read["inference"]).shares


def test_only_use_tells_what_objects_cost():
    found = counted(azure(storage={"redundancy": "GZRS", "coolAfterDays": 30}))
    assert {meter: quantity for (resource, meter), quantity in found.items() if resource == "storage account"} == dict.fromkeys(
        ("blob", "blob-cool", "blob-retrieval", "blob-writes", "blob-reads")
    )


def test_what_watches_is_billed_where_there_is_any():
    nothing = {line.resource for line in lines(azure())}
    assert not nothing & {"logs", "metrics", "Grafana", "key vault"}
    everything = counted(azure(observability={"logs": True, "logDays": 60, "metrics": True, "grafana": True}, keyVault={"enabled": True}))
    assert everything["Grafana", "grafana"] == (2 * HOURS,) * 2
    for used in (("logs", "logs"), ("logs", "logs-kept"), ("metrics", "metrics"), ("Grafana", "grafana-users"), ("key vault", "key-vault")):
        assert everything[used] is None


def test_logs_of_the_time_that_is_included_are_not_billed():
    assert ("logs", "logs-kept") not in counted(azure(observability={"logs": True, "logDays": 31}))


FOUNDRY = {"provider": "foundry"}
ELSEWHERE = {"provider": "external", "endpoints": {"a": {"url": "https://models.example.com/v1", "model": "m", "capabilities": ["chat"]}}}


@pytest.mark.parametrize("inference", [FOUNDRY, {**ELSEWHERE, "also": [FOUNDRY]}])
def test_tokens_of_foundry_are_named_and_never_counted(inference):
    read, _ = check({"cluster": {"kind": "azure"}, "inference": inference})
    wanted = wanted_by(read["osmo"], read["platform"], read["inference"])
    (line,) = [line for line in lines(azure(), wanted) if line.resource == "Foundry"]
    assert line.quantity is None
    assert "tokens" in line.title


@pytest.mark.parametrize("inference", [{"provider": "none"}, ELSEWHERE])
def test_nobody_pays_for_tokens_that_the_stack_does_not_sell(inference):
    read, _ = check({"cluster": {"kind": "azure"}, "inference": inference})
    assert not wanted_by(read["osmo"], read["platform"], read["inference"]).models


@pytest.mark.parametrize("preset", ["dev", "team", "production"])
def test_every_meter_of_a_preset_is_in_the_table_and_can_be_named(preset):
    for line in lines(azure(preset=preset)):
        assert line.title
        for name in line.described.names if line.described else ():
            for pattern in (name.product, name.sku, name.meter, name.machine):
                assert pattern is None or "{" not in pattern.format_map(line.values)


def test_every_meter_of_the_table_is_somebodys():
    every = azure(
        tier="Premium",
        apiServer={"access": "private"},
        cpuPool={"spot": True},
        database={"size": "GP_Standard_D2s_v3"},
        storage={"coolAfterDays": 1},
        keyVault={"enabled": True},
        observability={"logs": True, "logDays": 90, "metrics": True, "grafana": True},
    )
    others = [azure(tier="Standard", network={"egress": "load-balancer"})]
    assert {line.meter for cluster in (every, *others) for line in lines(cluster, UsedServices(shares=True, models=True))} - {None} == set(
        billing().meters
    )


def test_names_hold_only_what_their_lines_give():
    given_names = {"size", "tier", "product", "vcores", "machine", "copies", "family", "sku"}
    for meter in billing().meters.values():
        for name in meter.names:
            asked = {
                field
                for pattern in (name.product, name.sku, name.meter, name.machine)
                for _, field, _, _ in Formatter().parse(pattern or "")
                if field
            }
            assert asked <= given_names
        assert all(re.match(r"^[0-9]", unit) for unit in meter.units)


def test_a_range_is_multiplied_at_both_ends():
    assert Range(1, 3).times(730) == Range(730, 2190)
