"""`sdg:cluster` of kind `azure`: what cannot be is refused in a sentence each, all at once, and what is unwise is said."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.settings.azure import Azure
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse
from tests.unit.azure_settings import KEY, MINE, problems, warnings


@pytest.mark.parametrize("preset", ["dev", "team", "production"])
def test_every_preset_is_a_cluster_that_can_be(preset: str) -> None:
    settings = parse({"cluster": {**MINE, "preset": preset}})
    assert isinstance(settings.cluster, Azure)
    assert (settings.osmo.database.kind, settings.osmo.redis.kind, settings.platform.object_store.provider) == ("managed",) * 3


BAD = {
    "prefix": "nvidiaphysical",
    "network": {"pods": "10.0.0.0/16", "subnets": {"gpuNodes": "10.0.32.0/28"}},
    "systemPool": {"size": "Standard_D16ds_v9"},
    "gpuPools": [{"size": "Standard_NC40ads_H100_v5", "max": 20}],
}
SENTENCES = (
    'must have at most 14 characters together, so that every name keeps within Azure\'s limits; "nvidiaphysical" and "dev" have 17.',
    f"{KEY}.network.pods must not overlap {KEY}.network.range; they are 10.0.0.0/16 and 10.0.0.0/16.",
    f"{KEY}.network.subnets.gpuNodes must hold 22 addresses for the 20 nodes with GPUs that there may be and 2 more during an upgrade",
    f"{KEY}.systemPool.size: Standard_D16ds_v9 is not a known VM size. Did you mean Standard_D16ds_v6 or Standard_D16ds_v5 or",
    "sdg:platform.gpuOperator.driver is required where sdg:platform.gpuOperator.install is false: 'azure', so that AKS installs",
)


def test_bad_settings_of_every_kind_are_one_sentence_each_and_reported_at_once() -> None:
    """Of the list of bad settings, only a region without the size is missing: that takes asking Azure."""
    found = problems(BAD, platform={"gpuOperator": {"install": False}})
    assert len(found) == len(SENTENCES)
    assert all(sentence in one for sentence, one in zip(SENTENCES, found, strict=True)), found


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        (["0.0.0.0/0"], 'must be a /8 at most, since larger ranges let in everybody; it is "0.0.0.0/0".'),
        (["128.0.0.0/1"], "must be a /8 at most"),
        (["20.0.0.0/7"], "must be a /8 at most"),
        (["10.1.2.3/32"], 'must be public, as the internet sees you; it is "10.1.2.3/32", and 10.0.0.0/8 is a private network.'),
        (["192.168.1.4"], "192.168.0.0/16 is a private network."),
        (["172.0.0.0/8"], "172.16.0.0/12 is a private network."),
        (["127.0.0.1"], "127.0.0.0/8 is each machine itself."),
        (["100.64.9.9"], "100.64.0.0/10 is a provider's own network."),
        (["224.0.0.1"], "224.0.0.0/4 is multicast."),
        (["250.1.1.1"], "240.0.0.0/4 is reserved."),
        (["1.2.3.4/33"], 'must be a public address or range such as "198.51.100.7/32"; it is "1.2.3.4/33".'),
        (["300.2.3.4"], "must be a public address or range"),
        (["1.2.3.4/24"], 'must begin at its first address; it is "1.2.3.4/24": write "1.2.3.0/24".'),
        (["YOUR_IP/32"], 'must look like "198.51.100.7/32"; it is "YOUR_IP/32".'),
        (["2001:db8::/32"], 'must look like "198.51.100.7/32"'),
        (["1.2.3.4", "1.2.3.4/32"], f"{KEY}.allowedRanges[1] must be there once; it is {KEY}.allowedRanges[0] again, 1.2.3.4/32."),
        ([f"1.2.{n}.4" for n in range(200)], f"{KEY}.allowedRanges must hold at most 199 ranges beside the cluster's own way out"),
    ],
)
def test_a_range_that_lets_in_nobody_or_everybody_is_refused(ranges: list[str], sentence: str) -> None:
    (found,) = problems({"allowedRanges": ranges})
    assert sentence in found


@given(address=st.ip_addresses(v=4), prefix=st.integers(0, 32))
def test_no_range_that_holds_a_private_address_or_most_of_the_internet_is_ever_taken(address: Any, prefix: int) -> None:
    network = IPv4Network((address, prefix), strict=False)
    private = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")]
    bad = prefix < 8 or any(network.overlaps(other) for other in private)
    assert problems({"allowedRanges": [str(network)]}) or not bad


def test_a_private_api_server_takes_no_ranges_and_needs_none() -> None:
    assert problems({"apiServer": {"access": "private"}, "allowedRanges": []}) == []
    (found,) = problems({"apiServer": {"access": "private"}})
    assert f'{KEY}.allowedRanges must be empty where {KEY}.apiServer.access is "private"' in found


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (
            {"database": {"size": "B_Standard_D2s_v3"}},
            f'{KEY}.database.size must have the prefix of its tier; it is "B_Standard_D2s_v3": write GP_',
        ),
        ({"database": {"size": "GP_Standard_X1"}}, "sizes of tier GP_ begin with GP_Standard_D."),
        ({"database": {"highAvailability": "same-zone"}}, f'{KEY}.database.highAvailability must be "none" with the burstable size'),
        ({"database": {"size": "D2s_v3"}}, f'{KEY}.database.size must look like "GP_Standard_D2s_v3"'),
        ({"redis": {"size": "C1"}}, f'{KEY}.redis.size must look like "Balanced_B1" or "ComputeOptimized_X3"'),
        ({"storage": {"containers": ["osmo-workflows"]}}, f"{KEY}.storage.containers[0] must be another name"),
        ({"storage": {"containers": ["raw", "raw"]}}, f'{KEY}.storage.containers[1] must be another name; there is a "raw" already.'),
        ({"storage": {"coolAfterDays": 30, "deleteAfterDays": 30}}, f"{KEY}.storage.deleteAfterDays must be more than coolAfterDays"),
        ({"keyVault": {"purgeProtection": True}}, f"{KEY}.keyVault.purgeProtection: true needs a vault"),
        ({"observability": {"grafana": True}}, f"{KEY}.observability.grafana: true needs metrics to show"),
        ({"tags": {"azure-made": "yes"}}, 'don\'t begin with a digit, microsoft, azure, windows; one is "azure-made".'),
        ({"tags": {"k" * 129: "yes"}}, "keys have 1 to 128 letters, digits, _, . and -"),
        ({"tags": {"owner": "v" * 257}}, 'values have at most 256 characters; that of "owner" has 257.'),
        ({"tags": {"Owner": "a", "owner": "b"}}, "keys differ by more than letter case"),
        ({"prefix": "windows"}, 'must not make names with "windows" in them'),
        ({"prefix": "1st"}, f'{KEY}.prefix must look like "sdg"; it is "1st".'),
        ({"environment": "a-b"}, f'{KEY}.environment must look like "dev"; it is "a-b".'),
        ({"subscription": "mine"}, f"{KEY}.subscription must look like"),
        ({"preset": "huge"}, f"{KEY}.preset must be 'dev', 'team' or 'production'; it is \"huge\"."),
    ],
)
def test_a_service_that_cannot_be_is_refused(cluster: Mapping[str, Any], sentence: str) -> None:
    (found,) = problems(cluster)
    assert sentence in found


def test_there_are_no_more_tags_than_a_private_dns_zone_takes() -> None:
    assert problems({"tags": {f"t{number}": "v" for number in range(15)}}) == []
    (found,) = problems({"tags": {f"t{number}": "v" for number in range(16)}})
    assert found == f"{KEY}.tags must have at most 15 entries, which is what private DNS zones take; it has 16."


@pytest.mark.parametrize("key", ["cost-center", "costCenter", "_1st", "team.name"])
def test_a_tag_that_every_resource_takes_is_fine(key: str) -> None:
    assert problems({"tags": {key: "anything: even (this)"}}) == []


@pytest.mark.parametrize("key", ["cost center", "cost:center", "1st", "team(s)", "größe", "a#b", "a/b", ""])
def test_a_tag_that_a_private_dns_zone_does_not_keep_is_refused(key: str) -> None:
    (found,) = problems({"tags": {key: "yes"}})
    assert found.endswith(f'; one is "{key}".')


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (
            {"allowedRanges": ["198.51.0.0/16"]},
            f"{KEY}.allowedRanges[0] lets 65536 addresses reach the API server; a range of your own is a /24",
        ),
        ({"gpuPools": [{"size": "Standard_NC128ds_xl_RTXPRO6000BSE_v6"}]}, "is not generally available; the subscription needs access"),
        ({"gpuPools": [{"size": "Standard_ND128isr_NDR_GB200_v6"}]}, "are arm64, and every image that runs there must be too."),
    ],
)
def test_what_is_unwise_is_said_and_not_refused(cluster: Mapping[str, Any], sentence: str) -> None:
    assert any(sentence in warning for warning in warnings(cluster))
    assert problems(cluster, platform={"gpuOperator": {"driver": "azure"}}) == []


def test_a_broken_section_hides_no_problem_of_the_cluster() -> None:
    found = problems({"prefix": "windows"}, platform={"gpuOperator": {"drivr": "azure"}})
    assert len(found) == 2


def test_the_kind_alone_is_known_and_complete() -> None:
    assert StackSettings.model_validate({"cluster": MINE}).cluster.kind == "azure"


def test_volumes_that_go_with_the_cluster_cannot_be_retained() -> None:
    inside = {"osmo": {"database": {"kind": "in-cluster"}}, "platform": {"objectStore": {"provider": "minio"}}}
    found = problems(**inside, data="retain")
    database, minio = (sentence for sentence in found if sentence.startswith("sdg:data"))
    assert 'cannot keep a database in the cluster: its disk goes with AKS; set sdg:osmo.database.kind to "managed"' in database
    assert 'cannot keep MinIO: its disk goes with AKS; set sdg:platform.objectStore.provider to "managed"' in minio
    assert problems(**inside, data="delete") == problems(data="retain") == []


def test_what_pulumi_made_a_number_of_is_taken_for_the_text_that_it_is() -> None:
    said = {"database": {"version": 17, "zone": 2}, "systemPool": {"zones": [1, 3]}}
    assert problems(said) == []
    found = Azure.model_validate({**MINE, **said})
    assert (found.database.version, found.database.zone, found.system_pool.zones) == ("17", "2", ("1", "3"))


def test_other_numbers_are_refused_with_what_is_legal() -> None:
    assert problems({"database": {"version": 14}}) == ["sdg:cluster.database.version must be '15', '16', '17' or '18'; it is \"14\"."]
    assert problems({"database": {"version": True}}) == ["sdg:cluster.database.version must be '15', '16', '17' or '18'; it is true."]
