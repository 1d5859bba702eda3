"""The policy pack on everything that a stack on Azure registers: a false alarm here would stop every such stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from pulumi_policy import (
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from policy.pack import POLICIES

CONFIG: Mapping[str, Any] = {"azure-key-vault-is-protected": {"required": True}}
MINE = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}
OPTIONS = PolicyResourceOptions(
    protect=False, ignore_changes=[], delete_before_replace=None, aliases=[], custom_timeouts=None, additional_secret_outputs=[]
)


class Pack:
    """The pack's verdict on a graph.

    Attributes:
        violations: what it refuses.
        judged: types that each rule had to say something about.
        unjudged: what wasn't known.
    """

    def __init__(self, graph: Any) -> None:
        self.violations: list[str] = []
        self.unjudged: list[str] = []
        self.judged: dict[str, set[str]] = {policy.name: set() for policy in POLICIES}
        made = [(request.type, name, _inputs(request)) for name, request in graph.requests.items()]
        everything = [PolicyResource(kind, props, f"urn:{name}", name, OPTIONS, None, None, [], {}) for kind, name, props in made]
        for policy in POLICIES:
            config = CONFIG.get(policy.name, {})
            if isinstance(policy, StackValidationPolicy):
                self._ask(policy, StackValidationArgs(everything, config), "stack")
            if isinstance(policy, ResourceValidationPolicy):
                for kind, name, props in made:
                    self._ask(policy, ResourceValidationArgs(kind, props, f"urn:{name}", name, OPTIONS, None, config), kind)

    def _ask(self, policy: Any, args: Any, kind: str) -> None:
        try:
            policy.validate(args, lambda message, urn=None: self.violations.append(f"{policy.name}: {message}"))
        except _NotApplicableError:
            return
        except UnknownValueError as error:
            self.unjudged.append(f"{policy.name}: {error.message}")
        self.judged[policy.name].add(kind)


def _inputs(request: Any) -> Any:
    """What was registered, wrapped as the pack's server wraps it: with what isn't known yet marked as such."""
    return unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(request.object)))


# these stacks serve no models
OF_INFERENCE = {policy.name for policy in POLICIES if "inference" in policy.name or "foundry" in policy.name}


@pytest.fixture(params=["dev", "team", "production"])
def preset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_preset_breaks_a_rule_and_every_rule_for_azure_has_something_to_judge(run_program, preset) -> None:
    vault = {"keyVault": {"enabled": True, "purgeProtection": True}}
    pack = Pack(run_program(cluster={**MINE, "preset": preset, **vault}))
    assert pack.violations == []
    assert pack.unjudged == []
    concerned = {name for name, kinds in pack.judged.items() if kinds}
    assert {policy.name for policy in POLICIES} - concerned <= OF_INFERENCE


@pytest.mark.parametrize(
    ("cluster", "platform"),
    [
        ({"apiServer": {"access": "private"}, "allowedRanges": []}, {}),
        ({"network": {"egress": "load-balancer"}}, {}),
        ({"storage": {"auth": "key"}}, {}),
        ({"gpuPools": []}, {}),
        ({"gpuPools": [{"size": "Standard_NV36ads_A10_v5", "spot": True}]}, {"gpuOperator": {"driver": "azure"}}),
        ({}, {"gpuOperator": {"driver": "azure", "install": False}}),
    ],
)
def test_no_choice_that_a_stack_has_breaks_a_rule(run_program, cluster, platform) -> None:
    pack = Pack(run_program(cluster={**MINE, **cluster}, platform=platform))
    assert pack.violations == []


def test_what_is_asked_for_openly_is_refused(run_program) -> None:
    pack = Pack(run_program(cluster={**MINE, "database": {"requireTls": False}, "keyVault": {"enabled": True}}))
    assert [violation.partition(":")[0] for violation in pack.violations] == ["azure-key-vault-is-protected", "azure-tls-is-recent"]


def test_a_first_preview_breaks_no_rule_and_leaves_to_the_update_what_it_cannot_know(run_program) -> None:
    pack = Pack(run_program(preview=True, cluster={**MINE, "preset": "production"}))
    assert pack.violations == []
    # the address of the NAT gateway is among the ranges
    assert [sentence.partition(":")[0] for sentence in pack.unjudged] == ["azure-api-server-is-fenced"]
