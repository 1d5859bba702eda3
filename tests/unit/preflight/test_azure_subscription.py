"""How what ARM says of a subscription is judged, and this host's way to the cluster: each check by itself."""

from __future__ import annotations

import socket

import pytest

from sdg.catalog.azure_requirements import azure_requirements
from sdg.preflight.azure import naming, reach, subscription
from tests.unit.preflight.azure_answers import (
    SUBSCRIPTION,
    one,
    said,
    sections,
    wanted,
)


class TestSubscription:
    def test_one_that_is_enabled_is_no_problem(self):
        assert list(subscription.state(wanted(), {"state": "Enabled"})) == []

    @pytest.mark.parametrize("state", ["Disabled", "Expired", "Deleted", None])
    def test_one_in_which_nothing_can_be_made_is_refused(self, state):
        [found] = subscription.state(wanted(), {"state": state, "displayName": "Lab"})
        assert found.refuses
        assert f"Subscription Lab ({SUBSCRIPTION}) is {state}" in found.seen

    @pytest.mark.parametrize("state", ["PastDue", "Warned"])
    def test_one_that_may_be_disabled_soon_works_until_then(self, state):
        [found] = subscription.state(wanted(), {"state": state})
        assert (found.check, found.severity) == ("azure-subscription-due", "warning")
        assert f"is {state}" in found.seen

    def test_providers_that_are_not_registered_are_named_with_the_commands(self):
        states = dict.fromkeys(wanted().namespaces, "Registered") | {"Microsoft.Cache": "NotRegistered", "Microsoft.Compute": "Registering"}
        text = one(subscription.registration(wanted(), [{"namespace": n, "registrationState": s} for n, s in states.items()]))
        assert "Microsoft.Compute (Registering), " in text
        assert "Microsoft.Cache (NotRegistered)" in text
        register = f'az provider register --subscription {SUBSCRIPTION} --namespace "$each" --wait'
        assert f"`for each in Microsoft.Compute Microsoft.Cache; do {register}; done`" in text

    def test_the_providers_depend_on_what_the_stack_chose(self):
        external = {"osmo": {"redis": {"kind": "external", "host": "r.example.com"}}}
        assert "Microsoft.Cache" in wanted().namespaces
        assert "Microsoft.Cache" not in wanted(**external).namespaces
        assert {"Microsoft.KeyVault", "Microsoft.Dashboard", "Microsoft.Insights"} <= set(wanted({"preset": "production"}).namespaces)
        assert not {"Microsoft.KeyVault", "Microsoft.Dashboard", "Microsoft.Insights"} & set(wanted().namespaces)
        assert "Microsoft.CognitiveServices" in wanted(inference={"provider": "foundry"}).namespaces


OWNER = {"actions": ["*"], "notActions": []}
CONTRIBUTOR = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"]}
GRANTS = {"actions": ["Microsoft.Authorization/roleAssignments/*"], "notActions": []}
READER = {"actions": ["*/read"], "notActions": []}


class TestRoles:
    @pytest.mark.parametrize("given", [[OWNER], [CONTRIBUTOR, GRANTS], [READER, CONTRIBUTOR, GRANTS]])
    def test_roles_that_allow_everything_together_are_enough(self, given):
        assert subscription.forbidden(wanted({"preset": "production"}), given) == []

    def test_a_contributor_cannot_assign_roles(self):
        missing = subscription.forbidden(wanted(), [CONTRIBUTOR])
        assert missing == ["Microsoft.Authorization/roleAssignments/write"]
        text = one(subscription.roles(wanted(), missing))
        assert "Microsoft.Authorization/roleAssignments/write, which Role Based Access Control Administrator" in text
        assert "Privileged Identity Management" in text
        assert "Contributor has" not in text

    def test_a_reader_can_make_nothing_and_hears_of_both_roles(self):
        missing = subscription.forbidden(wanted(), [READER])
        assert len(missing) == len(wanted().actions)
        text = one(subscription.roles(wanted(), missing))
        assert "more, which Contributor has" in text
        assert "Role Based Access Control Administrator" in text

    def test_what_one_role_leaves_out_another_may_give(self):
        assert subscription.forbidden(wanted(), [CONTRIBUTOR, {"actions": ["microsoft.authorization/ROLEASSIGNMENTS/write"]}]) == []

    def test_a_pattern_is_no_prefix(self):
        assert "Microsoft.Storage/storageAccounts/write" in subscription.forbidden(
            wanted(), [{"actions": ["Microsoft.Storage/storageAccounts"]}]
        )


TAKEN = {"nameAvailable": False, "reason": "AlreadyExists", "message": "The storage account named st is already taken."}


class TestNames:
    def test_a_free_name_is_no_problem(self):
        assert list(naming.taken("storage account", "st", {"nameAvailable": True}, deployed=False)) == []

    def test_a_taken_name_says_arms_words_and_how_to_get_another(self):
        text = one(naming.taken("storage account", "st", TAKEN, deployed=False))
        assert "The name st of the storage account cannot be had (The storage account named st is already taken)." in text
        assert "sdg:cluster.suffix" in text

    def test_the_stacks_own_name_is_taken_and_no_problem(self):
        assert list(naming.taken("storage account", "st", TAKEN, deployed=True)) == []

    def test_a_name_that_is_illegal_is_one_even_then(self):
        answer = {"nameAvailable": False, "reason": "AccountNameInvalid", "message": "st is not a valid name."}
        assert said(naming.taken("storage account", "st", answer, deployed=True))

    def vault(self, name, **properties):
        return {"name": name, "properties": {"location": "westeurope", "scheduledPurgeDate": "2026-12-01T00:00:00Z", **properties}}

    def test_a_deleted_vault_that_holds_the_name_can_be_recovered_purged_or_avoided(self):
        stack = wanted({"preset": "team"})
        name = stack.names.key_vault
        text = one(naming.deleted_vault(stack, [self.vault("kv-other"), self.vault(name.upper())]))
        assert "until 2026-12-01" in text
        assert f"az keyvault recover --name {name} --location westeurope" in text
        assert f"az keyvault purge --name {name} --location westeurope" in text
        assert "sdg:cluster.suffix" in text
        assert list(naming.deleted_vault(stack, [self.vault("kv-other")])) == []

    def test_a_protected_vault_cannot_be_purged(self):
        stack = wanted({"preset": "team"})
        text = one(naming.deleted_vault(stack, [self.vault(stack.names.key_vault, purgeProtectionEnabled=True)]))
        assert "protected" in text
        assert "purge --name" not in text

    def test_a_deleted_account_of_foundry_that_holds_the_name_can_be_purged_or_avoided(self):
        stack = wanted({"preset": "dev"})
        name = stack.names.foundry
        id_ = f"/subscriptions/s/providers/Microsoft.CognitiveServices/locations/eastus2/resourceGroups/rg-before/deletedAccounts/{name}"
        gone = {"id": id_, "name": name.upper(), "location": "eastus2", "properties": {"scheduledPurgeDate": "2026-12-01T08:30:00Z"}}
        text = one(naming.deleted_account(stack, [{"name": "foundry-other"}, gone]))
        assert "until 2026-12-01 08:30 (UTC)" in text
        assert f"az cognitiveservices account purge --location eastus2 --resource-group rg-before --name {name}" in text
        assert "sdg:cluster.suffix" in text
        assert list(naming.deleted_account(stack, [{"name": "foundry-other"}])) == []


PRIVATE = {"apiServer": {"access": "private"}}


NAME = "aks-sdg-dev-1a2b3c4d.0e0c.privatelink.eastus2.azmk8s.io"


def refused(*_address, error=None):
    raise error or ConnectionRefusedError("nobody should have connected")


class TestReach:
    def judge(self, made, connect=None):
        return list(reach.private(sections(PRIVATE)["cluster"], made, connect or refused))

    def test_before_there_is_a_private_api_server_it_is_said_what_it_will_take_and_nobody_connects(self):
        [found] = self.judge({})
        assert (found.check, found.refuses) == ("azure-private-api-ahead", False)
        assert "10.0.0.0/16" in found.seen
        assert "behind a VPN" in found.remedy

    def test_a_private_api_server_is_reached_at_its_name_and_port_443(self):
        asked = []

        def connected(address, seconds):
            asked.append(address)
            assert seconds <= 10
            return socket.socket()

        assert self.judge({"properties": {"privateFQDN": NAME}}, connected) == []
        assert asked == [(NAME, 443)]

    @pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), TimeoutError("timed out")])
    def test_one_that_is_not_resolved_or_does_not_answer_is_an_error(self, error):
        [found] = self.judge({"properties": {"privateFQDN": NAME}}, lambda *_: refused(error=error))
        assert (found.check, found.refuses) == ("azure-private-api", True)
        assert f"{NAME}, port 443: {error}" in found.seen
        assert "route" not in found.remedy

    def test_one_that_nobody_knows_of_is_not_judged_nor_is_a_public_one(self):
        assert self.judge(None) == []
        assert list(reach.private(sections()["cluster"], {"properties": {"fqdn": NAME}}, refused)) == []

    def test_kubelogin_is_needed_where_there_are_no_local_accounts(self, tmp_path):
        cluster = sections({"apiServer": {"localAccounts": False}})["cluster"]
        assert "az aks install-cli" in one(reach.kubelogin(cluster, {"PATH": str(tmp_path)}))
        (tmp_path / "kubelogin").touch(mode=0o755)
        assert list(reach.kubelogin(cluster, {"PATH": str(tmp_path)})) == []
        assert list(reach.kubelogin(sections()["cluster"], {"PATH": "/nowhere"})) == []


def test_every_part_that_a_stack_can_choose_is_described():
    everything = wanted(
        {"preset": "production", "storage": {"auth": "key"}, "apiServer": {"localAccounts": True}}, inference={"provider": "foundry"}
    )
    other = wanted(inference={"provider": "nim-operator", "services": ["cosmos-reason"]})
    assert set(everything.parts) | set(other.parts) == set(azure_requirements().parts)
