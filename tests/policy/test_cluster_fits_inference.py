from __future__ import annotations

import pytest

from policy.rules.cluster_fits_inference import CLUSTER_FITS_INFERENCE as RULE
from policy.rules.cluster_fits_inference import PROVIDERS_COMBINE as PAIRS


@pytest.mark.parametrize("resource_type", ["sdg:inference:Foundry", "sdg:inference:Any"])
def test_a_pair_that_the_matrix_does_not_allow_is_refused_with_its_reason(judge, resource_type) -> None:
    (message,) = judge(RULE, resource_type, {"cluster": "microk8s", "provider": "foundry"}).violations
    assert "Azure AI Foundry needs the identities of an Azure cluster" in message
    assert "On microk8s: none, nim-operator, nvcf, external; foundry runs on: azure." in message


@pytest.mark.parametrize(
    ("cluster", "provider"), [("existing", "none"), ("microk8s", "nvcf"), ("azure", "foundry"), ("existing", "nim-operator")]
)
def test_a_pair_that_the_matrix_allows_passes(judge, cluster, provider) -> None:
    assert judge(RULE, "sdg:inference:Any", {"cluster": cluster, "provider": provider}).violations == ()


@pytest.mark.parametrize(("cluster", "provider"), [("a-kind-of-tomorrow", "none"), ("azure", "a-provider-of-tomorrow")])
def test_what_nobody_has_decided_yet_is_refused(judge, cluster, provider) -> None:
    assert judge(RULE, "sdg:inference:Any", {"cluster": cluster, "provider": provider}).violations


@pytest.mark.parametrize("key", ["cluster", "provider"])
def test_an_unknown_input_is_not_judged_and_that_is_said(judge, unknown, key) -> None:
    found = judge(RULE, "sdg:inference:Any", {"cluster": "microk8s", "provider": "foundry", key: unknown})
    assert found.violations == ()
    assert f"string value at .{key} can't be known during preview" in found.unknown


def test_an_inference_component_without_its_inputs_does_not_escape(judge) -> None:
    (message,) = judge(RULE, "sdg:inference:Any", {"cluster": "azure"}).violations
    assert "registers no provider" in message


@pytest.mark.parametrize("resource_type", ["sdg:osmo:Osmo", "kubernetes:core/v1:Secret", "sdg:inferences:X"])
def test_other_resources_are_not_applicable(judge, resource_type) -> None:
    found = judge(RULE, resource_type, {"cluster": "microk8s", "provider": "foundry"})
    assert (found.violations, bool(found.not_applicable)) == ((), True)


def made(cluster, *providers):
    return [(f"sdg:inference:{provider}", provider, {"cluster": cluster, "provider": provider}) for provider in providers]


@pytest.mark.parametrize(
    ("cluster", "providers", "words"),
    [
        ("microk8s", ["nim-operator", "foundry"], ["nim-operator and foundry cannot be used together on microk8s"]),
        ("azure", ["none", "nvcf"], ["none and nvcf cannot be used together on azure"]),
        ("azure", ["nvcf", "nvcf"], ["nvcf is named twice"]),
        ("a-kind-of-tomorrow", ["nvcf", "external"], ["cannot be used together on a-kind-of-tomorrow"]),
    ],
)
def test_providers_that_the_matrix_does_not_combine_are_refused(judge_stack, cluster, providers, words) -> None:
    (message,) = judge_stack(PAIRS, made(cluster, *providers)).violations
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    ("cluster", "providers"),
    [
        ("azure", ["nim-operator", "foundry", "nvcf", "external"]),
        ("microk8s", ["nvcf", "nim-operator"]),
        ("existing", ["external", "nvcf"]),
    ],
)
def test_providers_that_the_matrix_combines_pass(judge_stack, cluster, providers) -> None:
    assert judge_stack(PAIRS, made(cluster, *providers)).violations == ()


def test_one_provider_alone_is_not_applicable(judge_stack) -> None:
    found = judge_stack(PAIRS, [*made("azure", "nvcf"), ("sdg:osmo:Osmo", "osmo", {})])
    assert (found.violations, bool(found.not_applicable)) == ((), True)


def test_an_unknown_provider_beside_another_is_not_judged_and_that_is_said(judge_stack, unknown) -> None:
    resources = [*made("azure", "nvcf"), ("sdg:inference:Any", "any", {"cluster": "azure", "provider": unknown})]
    assert "can't be known during preview" in judge_stack(PAIRS, resources).unknown
