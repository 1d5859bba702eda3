"""Names of an Azure cluster's resources: within ARM's limits for every legal prefix and environment, and the same at every update."""

from __future__ import annotations

import importlib
import string
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sdg.azure.names import Names, longest_pair, problems, suffix_of
from sdg.catalog.azure_names import name_rules
from sdg.settings.azure import Azure

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
ALPHANUMERIC = string.ascii_lowercase + string.digits
LONGEST = 14


@st.composite
def pairs(draw: Any, longest: int = LONGEST) -> tuple[str, str]:
    """A prefix and an environment that are legal by themselves."""
    total = draw(st.integers(min_value=2, max_value=longest))
    first = draw(st.integers(min_value=1, max_value=total - 1))
    prefix = draw(st.sampled_from(string.ascii_lowercase)) + draw(st.text(ALPHANUMERIC, min_size=first - 1, max_size=first - 1))
    return prefix, draw(st.text(ALPHANUMERIC, min_size=total - first, max_size=total - first))


def azure(prefix: str = "sdg", environment: str = "dev", suffix: str | None = None) -> Azure:
    return Azure(kind="azure", prefix=prefix, environment=environment, suffix=suffix)


def names(settings: Azure | None = None, owner: str = "sdg/azure", subscription: str = SUBSCRIPTION) -> Names:
    return Names.of(settings or azure(), owner, subscription)


@given(pair=pairs(), owner=st.text(min_size=1, max_size=40))
@example(pair=("a" * 13, "1"), owner="sdg/azure")
@example(pair=("a", "1" * 13), owner="sdg/azure")
@example(pair=("a", "1"), owner="sdg/azure")
def test_every_name_is_one_that_arm_takes(pair: tuple[str, str], owner: str) -> None:
    rules = name_rules().kinds
    refused = [(kind, name) for kind, name in names(azure(*pair), owner).by_kind() if not rules[kind].allows(name)]
    assert refused == []


def _request(module: str, builder: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(f"azure.mgmt.{module}"), builder)
    return found


# Microsoft's own request builders, which check names before anything is sent; they know more than lengths for these kinds
REQUESTS = {
    "aks": ("containerservice.operations._managed_clusters_operations", "build_create_or_update_request", "resource_name"),
    "public-ip": ("network.operations._operations", "build_public_ip_addresses_create_or_update_request", "public_ip_address_name"),
    "redis": ("redisenterprise.operations._redis_enterprise_operations", "build_create_request", "cluster_name"),
    "storage-account": ("storage.operations._storage_accounts_operations", "build_create_request", "account_name"),
    "key-vault": ("keyvault.operations._vaults_operations", "build_create_or_update_request", "vault_name"),
    "monitor-workspace": (
        "monitor.operations._azure_monitor_workspaces_operations",
        "build_create_request",
        "azure_monitor_workspace_name",
    ),
    "postgres": ("postgresqlflexibleservers.operations._servers_operations", "build_create_or_update_request", "server_name"),
    "log-workspace": ("loganalytics.operations._workspaces_operations", "build_create_or_update_request", "workspace_name"),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_microsofts_own_clients_take_the_longest_names(kind: str) -> None:
    module, builder, argument = REQUESTS[kind]
    for name in [name for of, name in names(azure("a" * 7, "b" * 7)).by_kind() if of == kind]:
        request = _request(module, builder)(resource_group_name="rg", subscription_id=SUBSCRIPTION, **{argument: name})
        assert f"/{name}" in request.url


def _outside(kind: str) -> Iterator[str]:
    rule = name_rules().kinds[kind]
    yield "a" * (rule.max + 1)
    yield "a" * (rule.min - 1)
    yield "a b!"
    if "resource-group" not in kind:  # which may begin with a hyphen
        yield "-abc"


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in name_rules().kinds for name in _outside(kind)])
def test_names_beyond_a_limit_are_known_as_such(kind: str, name: str) -> None:
    assert not name_rules().kinds[kind].allows(name)


def test_prefix_and_environment_share_what_the_tightest_limit_leaves() -> None:
    assert longest_pair() == LONGEST
    (sentence,) = problems(azure("abcdefgh", "ijklmno"))
    assert sentence == (
        "sdg:cluster.prefix and sdg:cluster.environment must have at most 14 characters together, so that every name keeps within Azure's "
        'limits; "abcdefgh" and "ijklmno" have 15.'
    )


@given(pair=pairs())
def test_what_is_refused_is_a_reserved_word_and_nothing_else(pair: tuple[str, str]) -> None:
    assume(not any(word in "".join(pair) for word in name_rules().reserved))
    assert list(problems(azure(*pair))) == []


@pytest.mark.parametrize(
    ("pair", "word", "made"),
    [
        (("windows", "dev"), "windows", "rg-windows-dev"),
        (("micro", "soft"), "microsoft", "stmicrosoft"),
        (("a", "xwindows"), "windows", "rg-a-x"),
    ],
)
def test_a_word_that_azure_reserves_is_refused_where_the_parts_make_it_too(pair: tuple[str, str], word: str, made: str) -> None:
    (sentence,) = problems(azure(*pair))
    assert f'must not make names with "{word}" in them, a word that Azure reserves; they make "{made}' in sentence


def test_a_suffix_that_completes_a_reserved_word_is_refused_too() -> None:
    (sentence,) = problems(azure("sdg", "win", suffix="dows1"))
    assert '"stsdgwindows1"' in sentence


@given(owner=st.text(max_size=60), subscription=st.uuids().map(str))
def test_the_suffix_is_five_letters_and_digits(owner: str, subscription: str) -> None:
    suffix = suffix_of(owner, subscription)
    assert len(suffix) == 5
    assert set(suffix) <= set(ALPHANUMERIC)


def test_the_suffix_depends_on_stack_and_subscription_and_not_on_the_letter_case_of_an_id() -> None:
    here = suffix_of("sdg/azure", SUBSCRIPTION)
    assert here == suffix_of("sdg/azure", SUBSCRIPTION.upper())
    assert here != suffix_of("sdg/other", SUBSCRIPTION)
    assert here != suffix_of("sdg/azure", str(uuid.UUID(int=1)))


def test_the_suffix_never_changes_by_itself() -> None:
    """Another one would make storage, vault and database anew: this value stands in the state of stacks."""
    assert suffix_of("sdg/azure", SUBSCRIPTION) == "tk4ut"


def test_a_suffix_that_a_stack_says_wins() -> None:
    assert names(azure(suffix="k3x9a")).storage_account == "stsdgdevk3x9a"
