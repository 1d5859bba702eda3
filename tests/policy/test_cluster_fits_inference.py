from __future__ import annotations

import pytest

from policy.rules.cluster_fits_inference import CLUSTER_FITS_INFERENCE as RULE


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
