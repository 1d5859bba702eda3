from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.azure.firewall import addresses


@pytest.mark.parametrize(
    ("ranges", "taken"),
    [
        (["198.51.100.7/32"], ("198.51.100.7",)),
        (["198.51.100.7"], ("198.51.100.7",)),
        (["198.51.100.6/31"], ("198.51.100.6", "198.51.100.7")),
        (["203.0.113.0/24", "203.0.113.0/24"], ("203.0.113.0/24",)),
        (["203.0.113.9/30"], ("203.0.113.8/30",)),
    ],
)
def test_addresses_take_the_form_that_azure_accepts(ranges, taken):
    assert addresses(ranges) == taken


networks = st.builds(
    lambda number, prefix: str(IPv4Network((number, prefix), strict=False)), st.integers(0x0B000000, 0x64000000), st.integers(8, 32)
)


@given(st.lists(networks, max_size=5))
def test_exactly_the_asked_for_addresses_get_in_and_never_as_31_or_32(ranges):
    taken = [IPv4Network(each) for each in addresses(ranges)]
    assert all("/" not in each or IPv4Network(each).prefixlen <= 30 for each in addresses(ranges))
    for text in ranges:
        network = IPv4Network(text)
        ends = {IPv4Network(network.network_address), IPv4Network(network.broadcast_address)}
        assert all(any(end.subnet_of(each) for each in taken) for end in ends)
    assert all(any(each.subnet_of(IPv4Network(text)) for text in ranges) for each in taken)
