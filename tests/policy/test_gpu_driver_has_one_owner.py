"""Rule: values of the GPU operator that mix two owners of the driver are refused."""

from __future__ import annotations

import pytest

from policy.rules.gpu_driver_has_one_owner import GPU_DRIVER_HAS_ONE_OWNER as RULE
from sdg.catalog.gpu_driver import NO_DEVICE_LINKS, driver_values

RELEASE = "kubernetes:helm.sh/v3:Release"
HOST = {"validator": {"driver": {"env": [{"name": NO_DEVICE_LINKS, "value": "true"}]}}}


@pytest.mark.parametrize(
    ("values", "of_host", "of_operator"),
    [
        ({"driver": {"enabled": False}}, "driver.enabled false", f"validator.driver.env without {NO_DEVICE_LINKS}"),
        (HOST, f"validator.driver.env with {NO_DEVICE_LINKS}", "driver.enabled true"),
        ({"driver": {"enabled": True}, **HOST}, f"validator.driver.env with {NO_DEVICE_LINKS}", "driver.enabled true"),
        ({"driver": {"enabled": False, "version": "580.95"}, **HOST}, "driver.enabled false", "driver.version"),
        (
            {"driver": {"enabled": False}, "validator": {"driver": {"env": [{"name": NO_DEVICE_LINKS, "value": "false"}]}}},
            "driver.enabled false",
            f"validator.driver.env without {NO_DEVICE_LINKS}",
        ),
    ],
)
def test_values_that_mix_owners_are_refused_and_both_sides_are_named(judge, values, of_host, of_operator) -> None:
    (message,) = judge(RULE, RELEASE, {"chart": "gpu-operator", "values": values}).violations
    host, _, operator = message.partition(" leave it to the host, ")
    assert of_host in host
    assert of_operator in operator
    assert "sdg:platform.gpuOperator.driver" in message


@pytest.mark.parametrize("values", [driver_values("host"), driver_values("operator"), {}, {"driver": {"version": "580.95"}}])
@pytest.mark.parametrize("chart", ["gpu-operator", "https://mirror.test/charts/gpu-operator-v25.10.1.tgz"])
def test_values_with_one_owner_pass(judge, chart, values) -> None:
    found = judge(RULE, RELEASE, {"chart": chart, "values": values})
    assert (found.violations, found.not_applicable) == ((), "")


def test_an_owner_changes_every_related_value() -> None:
    host, operator = driver_values("host"), driver_values("operator")
    assert (host["driver"], operator["driver"]) == ({"enabled": False}, {"enabled": True})
    assert "validator" in host
    assert "validator" not in operator


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
