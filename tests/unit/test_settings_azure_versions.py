"""Kubernetes of an Azure cluster: versions that AKS supports, that were validated together, and that its upgrades leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sdg.catalog.versions import versions
from sdg.settings.parse import check
from tests.unit.azure_settings import KEY, accepted, problems, warnings


@pytest.mark.parametrize(
    ("cluster", "sentences"),
    [
        (
            {"kubernetes": "1.33"},
            ['since AKS\' community support of 1.33 has ended; it is "1.33": take 1.35, or set sdg:cluster.lts to true'],
        ),
        ({"kubernetes": "1.30.4"}, ['since AKS\' community support of 1.30 has ended; it is "1.30.4": take 1.35.']),
        ({"kubernetes": "1.33", "lts": True}, [f'{KEY}.tier must be "Premium" for long-term support']),
        ({"kubernetes": "1.36", "lts": True, "tier": "Premium"}, [f"{KEY}.kubernetes must have long-term support"]),
        ({"kubernetes": "1.33", "lts": True, "tier": "Premium"}, []),
        ({"kubernetes": "1.34"}, []),
        ({"kubernetes": "1.36.1"}, []),
        ({"kubernetes": "latest"}, [f'{KEY}.kubernetes must look like "1.35"; it is "latest".']),
    ],
)
def test_a_kubernetes_that_aks_does_not_support_is_refused(cluster: Mapping[str, Any], sentences: list[str]) -> None:
    found = problems(cluster)
    assert len(found) == len(sentences)
    assert all(sentence in one for sentence, one in zip(sentences, found, strict=True))


LTS = {"kubernetes": "1.33", "lts": True, "tier": "Premium"}


def test_versions_that_nobody_validated_together_are_refused_until_accepted_and_then_said() -> None:
    untried = "Kubernetes 1.35, GPU operator 25.10.1 and KAI 0.14.0 were never validated together"
    (found,) = problems({"acceptUnvalidated": False})
    assert found.startswith(f"{KEY}.kubernetes: {untried}; validated: Kubernetes 1.33, GPU operator 25.10.1 and KAI 0.14.0 (")
    assert problems() == []
    assert f"{untried}; validated" in str(accepted({}))
    assert "sdg:cluster.acceptUnvalidated accepts it" in str(accepted({}))
    assert accepted({"acceptUnvalidated": False}) is None
    assert warnings({}) == []


def test_versions_that_were_validated_together_need_no_acceptance() -> None:
    assert problems({**LTS, "acceptUnvalidated": False}) == []
    assert accepted({**LTS, "kubernetes": "1.33.7"}) is None


@pytest.mark.parametrize(
    ("cluster", "platform", "parts"),
    [
        ({"gpuPools": []}, {}, "Kubernetes 1.35 and KAI 0.14.0 were"),
        ({}, {"gpuOperator": {"install": False, "driver": "azure"}}, "Kubernetes 1.35 and KAI 0.14.0 were"),
        ({}, {"kaiScheduler": {"install": False}}, "Kubernetes 1.35 and GPU operator 25.10.1 were"),
    ],
)
def test_only_what_the_stack_installs_counts(cluster: Mapping[str, Any], platform: Mapping[str, Any], parts: str) -> None:
    (found,) = problems({**cluster, "acceptUnvalidated": False}, platform=platform)
    assert parts in found


def test_the_matrix_knows_the_versions_that_are_installed() -> None:
    """Otherwise every stack would have to accept something that nobody can mend by choosing."""
    charts, (line, *_rest) = versions().charts, versions().aks.validated
    assert str(line.gpu_operator) == f"=={str(charts['gpu-operator'].version).removeprefix('v')}"
    assert str(line.kai) == f"=={charts['kai-scheduler'].version}"


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        ({"upgrades": {"channel": "node-image"}}, f'{KEY}.upgrades.nodeOs must be "NodeImage" with channel "node-image"'),
        ({"upgrades": {"channel": "node-image", "nodeOs": "SecurityPatch"}}, 'it is "SecurityPatch"'),
        ({"upgrades": {"channel": "node-image", "nodeOs": "NodeImage"}}, None),
        ({"upgrades": {"channel": "patch"}, "kubernetes": "1.35.2"}, 'it is "1.35.2": write 1.35.'),
        ({"upgrades": {"channel": "patch"}, "kubernetes": "1.35"}, None),
        ({"upgrades": {"channel": "stable"}, "kubernetes": "1.35.2"}, None),
        ({"kubernetes": "1.35.2"}, None),
    ],
)
def test_upgrades_that_aks_would_refuse_are_refused(cluster: Mapping[str, Any], sentence: str | None) -> None:
    found = problems(cluster)
    assert len(found) == (sentence is not None)
    assert all(sentence in each for each in found)


@pytest.mark.parametrize("channel", ["none", "patch", "stable", "rapid"])
@pytest.mark.parametrize("said", [True, False])
def test_a_version_that_nothing_is_done_about_is_a_warning(channel: str, said: bool) -> None:
    cluster = {"upgrades": {"channel": channel}, **({"kubernetes": "1.35"} if said else {})}
    found = [each for each in warnings(cluster) if "counts only when the cluster is made" in each]
    assert len(found) == (said and channel in ("stable", "rapid"))
    assert all(each.startswith(f'{KEY}.kubernetes "1.35"') and f'channel "{channel}"' in each for each in found)


def test_only_versions_that_nobody_tried_have_to_be_accepted() -> None:
    (found,) = check({"cluster": {"kind": "azure"}})[1]
    assert "`pulumi config set --path sdg:cluster.acceptUnvalidated true`" in found
