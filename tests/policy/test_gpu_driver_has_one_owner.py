"""Rules: values of the GPU operator that mix owners of the driver are refused, and so are pools of AKS that name another one."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from policy.rules.gpu_driver_has_one_owner import GPU_DRIVER_HAS_ONE_OWNER as RULE
from policy.rules.gpu_driver_has_one_owner import GPU_POOLS_AGREE_WITH_OPERATOR as STACK_RULE
from sdg.catalog.gpu_driver import AKS_RUNTIME, NO_DEVICE_LINKS, agent_pool_driver, driver_values, owner_by_agent_pool, owners_by

RELEASE = "kubernetes:helm.sh/v3:Release"
POOL = "azure-native:containerservice:AgentPool"
CLUSTER = "azure-native:containerservice:ManagedCluster"
OWNERS = ("operator", "host", "azure")
HOST = {"validator": {"driver": {"env": [{"name": NO_DEVICE_LINKS, "value": "true"}]}}}
H100 = "Standard_NC40ads_H100_v5"


@pytest.mark.parametrize(
    ("values", "sides"),
    [
        (
            {"driver": {"enabled": False}},
            ["driver.enabled false speaks for azure or host", "speaks for azure or operator"],
        ),
        (HOST, [f"validator.driver.env with {NO_DEVICE_LINKS} speaks for host", "driver.enabled true speaks for operator"]),
        ({"driver": {"enabled": True}, **HOST}, ["speaks for host", "driver.enabled true speaks for operator"]),
        ({"driver": {"enabled": False, "version": "580.95"}, **HOST}, ["driver.version speaks for operator"]),
        ({"toolkit": {"enabled": False}}, ["toolkit.enabled false speaks for azure", "driver.enabled true speaks for operator"]),
        ({"operator": {"runtimeClass": AKS_RUNTIME}}, [f"operator.runtimeClass {AKS_RUNTIME} speaks for azure"]),
        ({"driver": {"enabled": False}, "toolkit": {"enabled": False}}, ["operator.runtimeClass unset speaks for host or operator"]),
        ({**driver_values("azure"), **HOST}, [f"with {NO_DEVICE_LINKS} speaks for host", "toolkit.enabled false speaks for azure"]),
    ],
)
def test_values_that_mix_owners_are_refused_and_every_side_is_named(judge, values, sides) -> None:
    (message,) = judge(RULE, RELEASE, {"chart": "gpu-operator", "values": values}).violations
    assert all(side in message for side in sides), message
    assert "sdg:platform.gpuOperator.driver to 'host', 'operator' or 'azure'" in message


PARTS = ("driver", "toolkit", "validator", "operator")


@pytest.mark.parametrize(("one", "other"), list(combinations(OWNERS, 2)))
def test_no_mixture_of_two_owners_values_passes(judge, one, other) -> None:
    pure = [driver_values(owner) for owner in OWNERS]
    for choice in product((one, other), repeat=len(PARTS)):
        taken = {part: driver_values(owner)[part] for part, owner in zip(PARTS, choice, strict=True) if part in driver_values(owner)}
        found = judge(RULE, RELEASE, {"chart": "gpu-operator", "values": taken}).violations
        assert bool(found) is (taken not in pure)


@pytest.mark.parametrize("values", [*map(driver_values, OWNERS), {}, {"driver": {"version": "580.95"}}])
@pytest.mark.parametrize("chart", ["gpu-operator", "https://mirror.test/charts/gpu-operator-v25.10.1.tgz"])
def test_values_with_one_owner_pass(judge, chart, values) -> None:
    found = judge(RULE, RELEASE, {"chart": chart, "values": values})
    assert (found.violations, found.not_applicable) == ((), "")


@pytest.mark.parametrize("owner", OWNERS)
def test_an_owner_is_known_by_its_values(owner) -> None:
    assert owners_by(driver_values(owner)) == {owner}


@pytest.mark.parametrize("owner", ["operator", "azure"])
def test_an_owner_is_known_by_the_pools_of_aks(owner) -> None:
    assert owner_by_agent_pool(agent_pool_driver(owner)) == owner


def test_an_owner_changes_every_related_value() -> None:
    host, operator, azure = driver_values("host"), driver_values("operator"), driver_values("azure")
    assert (host["driver"], operator["driver"], azure["driver"]) == ({"enabled": False}, {"enabled": True}, {"enabled": False})
    assert [part["toolkit"]["enabled"] for part in (host, operator, azure)] == [True, True, False]
    assert ("validator" in host, "validator" in operator, "validator" in azure) == (True, False, False)
    assert azure["operator"] == {"runtimeClass": "nvidia-container-runtime"}


def pool(driver: str | None, size: str = H100) -> dict[str, object]:
    return {"vmSize": size} | ({"gpuProfile": {"driver": driver}} if driver else {})


@pytest.mark.parametrize(
    ("kind", "properties", "name"),
    [
        (POOL, pool(None), "it"),
        (POOL, {**pool(None), "gpuProfile": {}}, "it"),
        ("azure-native:containerservice/v20250901:AgentPool", pool(None), "it"),
        (CLUSTER, {"agentPoolProfiles": [{"vmSize": "Standard_D16ds_v5"}, pool(None)]}, "it.agentPoolProfiles[1]"),
    ],
)
def test_a_pool_with_gpus_that_names_no_owner_is_refused(judge, kind, properties, name) -> None:
    (message,) = judge(RULE, kind, properties).violations
    assert message.startswith(f"{name}: gpuProfile.driver must say who owns the GPU driver; unsaid, AKS installs one.")


@pytest.mark.parametrize("properties", [pool("None"), pool("Install"), {"vmSize": "Standard_D16ds_v5"}, {"vmSize": "Standard_of_tomorrow"}])
def test_a_pool_that_names_an_owner_or_has_no_gpus_passes(judge, properties) -> None:
    assert judge(RULE, POOL, properties).violations == ()


def test_a_pool_whose_driver_is_unknown_is_not_judged_and_that_is_said(judge, unknown) -> None:
    found = judge(RULE, POOL, {"vmSize": H100, "gpuProfile": {"driver": unknown}})
    assert found.violations == ()
    assert "can't be known during preview" in found.unknown


def release(owner: str) -> tuple[str, str, dict[str, object]]:
    return RELEASE, "gpu-operator", {"chart": "gpu-operator", "values": driver_values(owner)}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([(POOL, "gpu", pool("Install")), release("operator")], "gpu leaves the GPU driver to azure, and gpu-operator to operator."),
        ([(POOL, "gpu", pool("None")), release("azure")], "gpu leaves the GPU driver to operator, and gpu-operator to azure."),
        ([(POOL, "gpu", pool(None)), release("operator")], "gpu leaves the GPU driver to azure, and gpu-operator to operator."),
        ([(POOL, "gpu", pool("None")), release("host")], "gpu leaves the GPU driver to operator, and gpu-operator to host."),
        (
            [(POOL, "a", pool("None")), (POOL, "b", pool("Install"))],
            "AKS' pools leave the GPU driver to different owners: a to operator, b to azure.",
        ),
    ],
)
def test_pools_and_operator_that_name_different_owners_are_refused(judge_stack, made, message) -> None:
    (found,) = judge_stack(STACK_RULE, made).violations
    assert found.startswith(message)


@pytest.mark.parametrize(
    "made",
    [
        [(POOL, "gpu", pool("None")), release("operator")],
        [(POOL, "gpu", pool("Install")), (POOL, "t4", pool("Install", "Standard_NC4as_T4_v3")), release("azure")],
        [(POOL, "gpu", pool("Install"))],
        [(POOL, "gpu", pool("None")), (POOL, "cpu", pool(None, "Standard_D16ds_v5")), release("operator")],
        [(POOL, "gpu", pool("None")), (RELEASE, "kai", {"chart": "kai-scheduler", "values": {"driver": {"enabled": False}}})],
    ],
)
def test_pools_and_operator_of_one_owner_pass(judge_stack, made) -> None:
    found = judge_stack(STACK_RULE, made)
    assert (found.violations, found.not_applicable, found.unknown) == ((), "", "")


def test_a_stack_whose_pools_are_unknown_is_not_judged_and_that_is_said(judge_stack, unknown) -> None:
    found = judge_stack(STACK_RULE, [(POOL, "gpu", {"vmSize": H100, "gpuProfile": unknown}), release("azure")])
    assert (found.violations, "can't be known during preview" in found.unknown) == ((), True)


@pytest.mark.parametrize("made", [[], [release("host")], [(POOL, "cpu", pool(None, "Standard_D16ds_v5")), release("operator")]])
def test_a_stack_without_gpus_on_aks_is_not_applicable(judge_stack, made) -> None:
    found = judge_stack(STACK_RULE, made)
    assert (found.violations, bool(found.not_applicable)) == ((), True)


def test_unknown_values_are_not_judged_and_that_is_said(judge, unknown) -> None:
    found = judge(RULE, RELEASE, {"chart": "gpu-operator", "values": {"driver": {"enabled": unknown}}})
    assert found.violations == ()
    assert "can't be known during preview" in found.unknown


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [("kubernetes:core/v1:Secret", {}), (RELEASE, {"chart": "kai-scheduler", "values": {"driver": {"enabled": False}}}), (RELEASE, {})],
)
def test_everything_else_is_not_applicable(judge, resource_type, properties) -> None:
    found = judge(RULE, resource_type, properties)
    assert (found.violations, bool(found.not_applicable)) == ((), True)
