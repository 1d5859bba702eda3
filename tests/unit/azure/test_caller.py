"""This host's public address."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.caller import SOURCES, Caller, add_line, look
from tests.unit.azure.conftest import Scripted, Simulated

HERE = Caller(IPv4Address("198.51.100.7"))


def test_it_is_what_both_sources_say(azure: Simulated) -> None:
    assert look(azure.api) == HERE


def test_two_addresses_are_none(azure: Simulated) -> None:
    azure.faults.set("azure.address", {"addresses": ["198.51.100.7", "203.0.113.9"]})
    found = look(azure.api)
    assert found == Caller(None, "it leaves from more than one address: 198.51.100.7 and 203.0.113.9 were seen")
    assert found.covered_by(["0.0.0.0/0"]) is None


def test_sources_that_fail_are_named(azure: Simulated) -> None:
    azure.faults.set("azure.address", {"status": 503})
    found = look(azure.api)
    assert found.address is None
    assert "checkip.amazonaws.com does not answer (HTTP 503)" in found.unknown
    assert "api.ipify.org" in found.unknown


def test_one_source_alone_is_not_believed(azure: Simulated) -> None:
    found = look(lambda url: azure.api(url) if url == SOURCES[0] else "http://127.0.0.1:1")
    assert found.address is None
    assert found.unknown.startswith("api.ipify.org does not answer")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>198.51.100.7</html>",
        "198.51.100.7, 10.0.0.1",
        "198.51.100",
        "198.51.100.07",
        "2001:db8::1",
        "198.51.100.7\n" + "x" * 1000,
    ],
)
def test_what_is_no_address_is_not_made_one(scripted: Scripted, text: str) -> None:
    scripted.say(text)
    found = look(lambda _url: scripted.url)
    assert found.address is None
    assert "answers no IPv4 address" in found.unknown


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.0.9", "172.20.0.1", "127.0.0.1", "169.254.169.254", "100.64.3.2", "0.1.2.3", "224.0.0.1"]
)
def test_an_address_that_the_internet_never_sees_is_refused(scripted: Scripted, address: str) -> None:
    scripted.say(f" {address}\r\n".strip() + "\n")
    found = look(lambda _url: scripted.url)
    assert found.address is None
    assert f"sees {address}, which is not a public address" in found.unknown


def test_a_redirection_is_no_answer(scripted: Scripted) -> None:
    scripted.say("198.51.100.7", 302, Location="http://127.0.0.1:1")
    assert "HTTP 302" in look(lambda _url: scripted.url).unknown


@pytest.mark.parametrize(
    ("ranges", "covered"),
    [
        ([], False),
        (["198.51.100.7"], True),
        (["198.51.100.7/32"], True),
        (["198.51.100.0/24"], True),
        (["198.51.100.9/24"], True),
        (["198.51.100.70/32"], False),
        (["203.0.113.0/24", "198.51.100.6/31"], True),
        (["300.1.1.1/8"], False),
    ],
)
def test_a_range_covers_its_members(ranges: list[str], covered: bool) -> None:
    assert HERE.covered_by(ranges) is covered


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_membership_is_that_of_the_leading_bits(address: Any, length: int, other: Any) -> None:
    same = int(address) >> (32 - length) == int(other) >> (32 - length)
    assert Caller(address).covered_by([f"{other}/{length}"]) is same


def test_the_line_adds_and_replaces_nothing() -> None:
    assert HERE.address is not None
    assert add_line(HERE.address, ["a", "b"]) == "pulumi config set --path 'sdg:cluster.allowedRanges[2]' 198.51.100.7/32"
