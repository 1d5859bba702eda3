"""With which token the operator gets in: one that was minted, or one that the service reads from a Secret."""

from __future__ import annotations

import pytest

TOKEN, OTHER = "a" * 43, "b" * 43


@pytest.fixture
def from_secrets(osmo):
    """A service of the generation that reads tokens from Secrets, which holds one."""
    osmo.cluster.tokens_from = {"default": "osmo-operator-token"}
    osmo.cluster.secrets["osmo-minimal/osmo-operator-token"] = {"token": TOKEN}
    return osmo


def pool_status(osmo, presented):
    osmo.cluster.secrets["osmo-operator/osmo-operator-token"] = {"token": presented}
    return osmo.done("GET", "/api/pool_quota", params={"all_pools": "true"})["node_sets"][0]["pools"][0]["status"]


@pytest.mark.parametrize("presented", [TOKEN, f"{TOKEN}\n"])
def test_the_mounted_token_lets_the_operator_in(from_secrets, presented):
    assert pool_status(from_secrets, presented) == "ONLINE"


def test_the_previous_token_does_so_while_it_is_kept(from_secrets):
    kept = {"token": OTHER, "previous-token": TOKEN}
    from_secrets.cluster.secrets["osmo-minimal/osmo-operator-token"] = kept
    assert [pool_status(from_secrets, TOKEN), pool_status(from_secrets, OTHER)] == ["ONLINE", "ONLINE"]
    del kept["previous-token"]
    assert [pool_status(from_secrets, TOKEN), pool_status(from_secrets, OTHER)] == ["OFFLINE", "ONLINE"]


@pytest.mark.parametrize("token", ["", "short", "a" * 42, "a" * 44])
def test_a_token_of_another_length_is_never_taken(from_secrets, token):
    from_secrets.cluster.secrets["osmo-minimal/osmo-operator-token"] = {"token": token}
    assert pool_status(from_secrets, token) == "OFFLINE"


def test_the_longer_form_is_taken(from_secrets):
    from_secrets.cluster.secrets["osmo-minimal/osmo-operator-token"] = {"token": "c" * 64}
    assert pool_status(from_secrets, "c" * 64) == "ONLINE"


def test_a_minted_token_does_not_let_the_operator_into_a_service_that_reads_secrets(osmo):
    minted = osmo.cluster.secrets["osmo-operator/osmo-operator-token"]["token"]
    assert pool_status(osmo, minted) == "ONLINE"
    osmo.cluster.tokens_from = {"default": "osmo-operator-token"}
    osmo.cluster.secrets["osmo-minimal/osmo-operator-token"] = {"token": TOKEN}
    assert pool_status(osmo, minted) == "OFFLINE"


def test_a_random_token_does_not_let_the_operator_into_a_service_that_mints(osmo):
    osmo.cluster.secrets["osmo-minimal/osmo-operator-token"] = {"token": TOKEN}
    assert pool_status(osmo, TOKEN) == "OFFLINE"


def test_a_mounted_token_is_exchanged_as_the_backends_own_identity(from_secrets):
    exchanged = from_secrets.done("POST", "/api/auth/jwt/access_token", json={"token": TOKEN})
    assert exchanged["token"].count(".") == 2
    wrong = from_secrets.call("POST", "/api/auth/jwt/access_token", json={"token": OTHER})
    assert wrong.status_code == 400
