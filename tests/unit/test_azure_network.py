"""Addresses of an Azure cluster's network: where subnets lie, and what is refused because it wouldn't fit."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.network import Layout, nodes_at_most, problems
from sdg.settings.azure import Azure, Pool

KEY = "sdg:cluster.network"
OTHERS = {"pods": "172.16.0.0/16", "services": "172.17.0.0/16"}


def azure(network: dict[str, Any] | None = None, **rest: Any) -> Azure:
    return Azure.model_validate({"kind": "azure", "network": network or {}, **rest})


def found(network: dict[str, Any] | None = None, **rest: Any) -> list[str]:
    return list(problems(azure(network, **rest)))


def test_unless_a_stack_says_otherwise_subnets_are_the_second_to_fifth_sixteenth() -> None:
    layout = Layout.of(azure().network)
    assert {key: str(subnet) for key, subnet in layout.subnets.items()} == {
        "nodes": "10.0.16.0/20",
        "gpuNodes": "10.0.32.0/20",
        "database": "10.0.48.0/20",
        "endpoints": "10.0.64.0/20",
    }
    assert str(layout.dns) == "192.168.0.10"


def test_a_subnet_that_a_stack_says_moves_no_other() -> None:
    layout = Layout.of(azure({"subnets": {"database": "10.0.200.0/24"}}).network)
    assert (str(layout.database), str(layout.endpoints)) == ("10.0.200.0/24", "10.0.64.0/20")


@pytest.mark.parametrize("preset", ["dev", "team", "production"])
def test_the_network_that_a_stack_gets_fits_every_preset(preset: str) -> None:
    assert found(preset=preset) == []


@given(prefix=st.integers(9, 24), place=st.integers(0, 2**24 - 1))
def test_any_private_network_of_256_addresses_or_more_fits_a_small_cluster(prefix: int, place: int) -> None:
    whole = IPv4Network((10 * 2**24 + place, prefix), strict=False)
    assert found({"range": str(whole), **OTHERS}, systemPool={"min": 1, "max": 3}, gpuPools=[{"max": 3}]) == []


Case = tuple[int, list[int], list[int], int, bool]
maxima = st.integers(1, 200)
cases = st.tuples(
    st.integers(16, 26), st.lists(maxima, min_size=2, max_size=2), st.lists(maxima, max_size=3), st.integers(13, 24), st.booleans()
)


@given(case=cases)
def test_what_is_not_refused_holds_every_node_at_its_maximum_and_during_an_upgrade(case: Case) -> None:
    prefix, (system, cpu), gpu, pods, private = case
    sentences = "\n".join(
        found(
            {"range": f"10.0.0.0/{prefix}", "pods": f"172.16.0.0/{pods}", "services": "192.168.0.0/16"},
            systemPool={"max": system},
            cpuPool={"max": cpu},
            gpuPools=[{"name": f"gpu{number}", "max": most} for number, most in enumerate(gpu)],
            apiServer={"access": "private" if private else "public"},
        )
    )
    if prefix > 25:
        assert f"{KEY}.range must be a /25 or larger" in sentences
        return
    usable = 2 ** (32 - prefix - 4) - 5
    upgraded = [most + (most + 9) // 10 for most in (system, cpu, *gpu)]
    assert (f"{KEY}.subnets.nodes must hold" in sentences) is (sum(upgraded[:2]) + private > usable)
    assert (f"{KEY}.subnets.gpuNodes must hold" in sentences) is (sum(upgraded[2:]) > usable)
    assert (f"{KEY}.pods must hold a /24" in sentences) is (sum(upgraded) > 2 ** (24 - pods))


@given(most=st.integers(0, 1000))
def test_a_tenth_more_nodes_come_up_during_an_upgrade_and_one_at_least(most: int) -> None:
    extra = nodes_at_most([Pool(max=most)]) - most
    assert 10 * extra >= most > 10 * (extra - 1)


@given(chosen=st.lists(st.tuples(st.integers(0, 255), st.integers(20, 28)), min_size=4, max_size=4))
def test_subnets_that_overlap_or_lie_outside_are_found_and_no_others(chosen: list[tuple[int, int]]) -> None:
    subnets = [IPv4Network((10 * 2**24 + (place << 8), prefix), strict=False) for place, prefix in chosen]
    keys = ("nodes", "gpuNodes", "database", "endpoints")
    network = {"range": "10.0.0.0/17", "subnets": dict(zip(keys, map(str, subnets), strict=True)), **OTHERS}
    sentences = found(network, systemPool={"max": 1}, gpuPools=[])
    overlapping = sum(one.overlaps(other) for one, other in combinations(subnets, 2))
    outside = sum(not subnet.subnet_of(IPv4Network("10.0.0.0/17")) for subnet in subnets)
    assert sum("must not overlap" in sentence for sentence in sentences) == overlapping
    assert sum("must lie within sdg:cluster.network.range" in sentence for sentence in sentences) == outside
    assert len(sentences) == overlapping + outside


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ({"range": "10.0.0.1/16"}, f'{KEY}.range must begin at its first address; it is "10.0.0.1/16": write "10.0.0.0/16".'),
        ({"pods": "999.0.0.0/16"}, f'{KEY}.pods must be a range of addresses such as "10.0.0.0/16"; it is "999.0.0.0/16".'),
        ({"range": "10.0.0.0/33"}, f'{KEY}.range must be a range of addresses such as "10.0.0.0/16"; it is "10.0.0.0/33".'),
        (
            {"range": "20.0.0.0/16"},
            f"{KEY}.range must lie within one private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16); it is 20.0.0.0/16.",
        ),
        ({"range": "172.30.0.0/16"}, f"{KEY}.range must not overlap 172.30.0.0/16, which AKS uses itself; it is 172.30.0.0/16."),
        ({"pods": "172.24.0.0/13"}, f"{KEY}.pods must not overlap 172.30.0.0/16, which AKS uses itself; it is 172.24.0.0/13."),
        ({"pods": "10.0.0.0/16"}, f"{KEY}.pods must not overlap {KEY}.range; they are 10.0.0.0/16 and 10.0.0.0/16."),
        ({"services": "10.0.240.0/20"}, f"{KEY}.services must not overlap {KEY}.range; they are 10.0.240.0/20 and 10.0.0.0/16."),
        ({"services": "10.244.8.0/24"}, f"{KEY}.services must not overlap {KEY}.pods; they are 10.244.8.0/24 and 10.244.0.0/16."),
        ({"services": "192.168.0.0/29"}, f"{KEY}.services must be smaller than a /12, and a /28 at least"),
        ({"services": "172.16.0.0/12"}, f"{KEY}.services must be smaller than a /12"),
        (
            {"subnets": {"database": "10.0.48.0/29"}},
            f"{KEY}.subnets.database must be a /28 or larger, as PostgreSQL wants it; it is 10.0.48.0/29.",
        ),
        (
            {"subnets": {"endpoints": "10.0.64.0/30"}},
            "must hold 2 addresses for 2 private endpoints, beside 5 that Azure keeps; 10.0.64.0/30 holds 0: take a /29 or larger.",
        ),
        (
            {"subnets": {"gpuNodes": "10.1.0.0/24"}},
            f"{KEY}.subnets.gpuNodes must lie within {KEY}.range, which is 10.0.0.0/16; it is 10.1.0.0/24.",
        ),
        (
            {"range": "10.0.0.0/25"},
            "must hold 4 addresses for the 3 nodes without GPUs that there may be and 1 more during an upgrade, beside 5 that Azure keeps;",
        ),
        (
            {"range": "10.0.0.0/25"},
            f"; 10.0.0.8/29, a sixteenth of {KEY}.range, holds 3: take a /28 or larger.",
        ),
        (
            {"pods": "10.244.0.0/22"},
            f"{KEY}.pods must hold a /24 for each of the 6 nodes that there may be during an upgrade; 10.244.0.0/22 holds 4: take a /21",
        ),
    ],
)
def test_a_range_that_cannot_be_is_refused_in_one_sentence(network: dict[str, Any], sentence: str) -> None:
    assert [said for said in found(network) if sentence in said], found(network)


def test_addresses_that_leave_no_cluster_may_be_a_providers_own() -> None:
    assert found({"pods": "100.64.0.0/16", "services": "100.65.0.0/16"}) == []
    assert "must lie within one private range" in found({"range": "100.64.0.0/16"})[0]


def test_a_key_vault_needs_one_more_address() -> None:
    small = {"subnets": {"endpoints": "10.0.64.0/29"}}
    assert found(small, keyVault={"enabled": True}) == []  # three endpoints and Azure's five are eight
    assert "3 private endpoints" in found({"subnets": {"endpoints": "10.0.64.0/30"}}, keyVault={"enabled": True})[0]


def test_all_problems_come_at_once() -> None:
    network = {"range": "10.0.0.0/16", "pods": "10.0.0.0/22", "subnets": {"database": "10.0.16.0/29", "endpoints": "10.9.0.0/24"}}
    assert len(found(network)) == 5  # pods in the network, and too few; database in the nodes' subnet, and too small; endpoints outside
