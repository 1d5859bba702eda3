"""Which subscription a stack is made in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdg.azure.account import Account, AccountError, NoAccountError, find
from sdg.preflight.model import Subject
from sdg.settings.loader import Read, Sources, look

ONE, TWO = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
TENANT = "33333333-3333-3333-3333-333333333333"


def profile(folder: Path, *entries: dict[str, Any], mark: bool = True) -> dict[str, str]:
    """An environment whose az has these subscriptions."""
    text = json.dumps({"installationId": "x", "subscriptions": list(entries)})
    (folder / "azureProfile.json").write_text(text, encoding="utf-8-sig" if mark else "utf-8")
    return {"AZURE_CONFIG_DIR": str(folder)}


def entry(subscription: str = ONE, *, default: bool = True, cloud: str = "AzureCloud") -> dict[str, Any]:
    return {"id": subscription, "name": "n", "state": "Enabled", "tenantId": TENANT, "isDefault": default, "environmentName": cloud}


def test_a_stacks_own_subscription_wins(tmp_path: Path) -> None:
    environ = {**profile(tmp_path, entry()), "ARM_SUBSCRIPTION_ID": ONE}
    assert find(TWO, environ) == Account(TWO, None, "sdg:cluster.subscription")


def test_pulumis_variable_wins_over_the_libraries(tmp_path: Path) -> None:
    environ = {**profile(tmp_path, entry()), "ARM_SUBSCRIPTION_ID": TWO, "AZURE_SUBSCRIPTION_ID": ONE}
    assert find(None, environ).subscription == TWO
    del environ["ARM_SUBSCRIPTION_ID"]
    assert find(None, environ).source == "AZURE_SUBSCRIPTION_ID"


def test_else_it_is_the_one_that_az_works_on(tmp_path: Path) -> None:
    environ = profile(tmp_path, entry(ONE, default=False), entry(TWO))
    assert find(None, environ) == Account(TWO, TENANT, f"az's profile {tmp_path / 'azureProfile.json'}")


@pytest.mark.parametrize("mark", [True, False])
def test_the_profile_may_begin_with_a_byte_order_mark(tmp_path: Path, mark: bool) -> None:
    assert find(None, profile(tmp_path, entry(), mark=mark)).subscription == ONE


def test_az_keeps_its_profile_at_home_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / ".azure").mkdir()
    profile(tmp_path / ".azure", entry())
    assert find(None, {"HOME": str(tmp_path)}).subscription == ONE


def test_the_tenant_is_that_of_the_subscription_where_az_knows_it(tmp_path: Path) -> None:
    other = "44444444-4444-4444-4444-444444444444"
    environ = {**profile(tmp_path, entry()), "ARM_TENANT_ID": other}
    assert find(ONE, environ).tenant == TENANT
    assert find(TWO, environ).tenant == other


def test_an_id_is_written_in_small_letters(tmp_path: Path) -> None:
    wanted = "aaaaaaaa-1111-1111-1111-111111111111"
    assert find(wanted.upper(), {"HOME": str(tmp_path)}).subscription == wanted


def test_without_any_the_sentence_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoAccountError) as caught:
        find(None, {"HOME": str(tmp_path)})
    for part in ("sdg:cluster.subscription is unset", "ARM_SUBSCRIPTION_ID", str(tmp_path)):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["not json", "[]", "{}", '{"subscriptions": null}', '{"subscriptions": [1]}', '{"subscriptions": [{"isDefault": false}]}']
)
def test_a_profile_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "azureProfile.json").write_text(text)
    with pytest.raises(AccountError, match="names no subscription"):
        find(None, {"AZURE_CONFIG_DIR": str(tmp_path)})


def test_a_variable_that_is_no_id_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match=r"^ARM_SUBSCRIPTION_ID must be the id"):
        find(None, {"HOME": str(tmp_path), "ARM_SUBSCRIPTION_ID": "my subscription"})


def test_an_account_without_a_subscription_is_no_subscription(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="must be the id"):
        find(None, profile(tmp_path, entry("N/A(tenant level account)")))


def test_other_clouds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="AzureUSGovernment"):
        find(None, profile(tmp_path, entry(cloud="AzureUSGovernment")))
    with pytest.raises(AccountError, match="ARM_ENVIRONMENT is 'usgovernment'"):
        find(ONE, {"HOME": str(tmp_path), "ARM_ENVIRONMENT": "usgovernment"})
    assert find(ONE, {"HOME": str(tmp_path), "ARM_ENVIRONMENT": "public"}).subscription == ONE


def stack_of(tmp_path: Path, environ: dict[str, str], **cluster: Any) -> Read:
    sections = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True, **cluster}
    return look(Sources({"cluster": json.dumps(sections), "ngcApiKey": "nvapi-x"}, {"ngcApiKey"}, environ, tmp_path, "sdg/azure"))


def test_a_loaded_stack_knows_its_account_and_so_does_the_preflight(tmp_path: Path) -> None:
    seen: list[Subject] = []
    sources = Sources({"cluster": '{"kind": "azure"}'}, (), {"ARM_SUBSCRIPTION_ID": ONE, "HOME": str(tmp_path)}, tmp_path)
    read = look(sources, lambda subject: seen.append(subject) or ())  # type: ignore[func-returns-value]
    assert read.account == Account(ONE, None, "ARM_SUBSCRIPTION_ID")
    assert seen[0].account == read.account


def test_a_stack_without_a_subscription_is_refused_with_what_to_do_even_where_nothing_else_is_asked(tmp_path: Path) -> None:
    without = stack_of(tmp_path, {"HOME": str(tmp_path)})
    with_one = stack_of(tmp_path, {"HOME": str(tmp_path)}, subscription=ONE)
    assert without.account is None
    assert (without.problems, with_one.findings) == (with_one.problems, ())
    [finding] = without.findings
    assert (finding.check, finding.refuses) == ("azure-login", True)
    assert "sdg:cluster.subscription is unset" in finding.seen
    assert "az login --use-device-code" in finding.remedy


def test_a_login_by_variables_lacks_a_subscription_alone(tmp_path: Path) -> None:
    [finding] = stack_of(tmp_path, {"HOME": str(tmp_path), "ARM_CLIENT_ID": "c"}).findings
    assert (finding.check, finding.refuses) == ("azure-subscription", True)
    assert finding.remedy == "Set ARM_SUBSCRIPTION_ID, or name one: `pulumi config set --path sdg:cluster.subscription ID`."


def test_subscriptions_none_of_which_az_works_on_are_no_missing_login(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match=r"az account set --subscription ID") as caught:
        find(None, profile(tmp_path, entry(default=False)))
    assert not isinstance(caught.value, NoAccountError)


def test_a_cluster_elsewhere_has_no_account(tmp_path: Path) -> None:
    read = look(Sources({"cluster": '{"kind": "microk8s"}'}, (), {"ARM_SUBSCRIPTION_ID": "not an id", "HOME": str(tmp_path)}, tmp_path))
    assert read.account is None
    assert not any("ARM_SUBSCRIPTION_ID" in problem for problem in read.problems)
