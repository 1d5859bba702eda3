"""Who owns the GPU driver of the nodes, and every value that follows from it, flipped together: of the GPU operator's chart and of AKS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, get_args

DriverOwner = Literal["operator", "host", "azure"]
AgentPoolDriver = Literal["None", "Install"]

CHART: Final = "gpu-operator"
# with a driver of the host the validator cannot make its links below /dev/char, and never gets ready: NVIDIA/gpu-operator#430
NO_DEVICE_LINKS: Final = "DISABLE_DEV_CHAR_SYMLINK_CREATION"
# how the container runtime of AKS' nodes calls NVIDIA's, which comes with the driver that AKS installs
AKS_RUNTIME: Final = "nvidia-container-runtime"
# values below `driver` that say which driver the operator installs
_OPERATORS_OWN: Final = ("image", "kernelModuleType", "repository", "usePrecompiled", "version")


def driver_values(owner: DriverOwner) -> dict[str, Any]:
    """Values of the chart, and of MicroK8s' addon, which hands them to it.

    The container toolkit is the operator's, but for a driver that AKS installs: the toolkit comes along with it, and the operator has to
    be told how the nodes call it (NVIDIA's page "NVIDIA GPU Operator with Azure Kubernetes Service").
    """
    values: dict[str, Any] = {"driver": {"enabled": owner == "operator"}, "toolkit": {"enabled": owner != "azure"}}
    if owner == "host":
        values["validator"] = {"driver": {"env": [{"name": NO_DEVICE_LINKS, "value": "true"}]}}
    if owner == "azure":
        values["operator"] = {"runtimeClass": AKS_RUNTIME}
    return values


def agent_pool_driver(owner: DriverOwner) -> AgentPoolDriver:
    """`gpuProfile.driver` of AKS' pools with GPUs. It is fixed when a pool is made."""
    return "Install" if owner == "azure" else "None"


def owner_by_agent_pool(driver: str | None) -> DriverOwner:
    """Who owns the driver of a pool with GPUs, by its `gpuProfile.driver`; AKS installs one where nothing is said."""
    return "operator" if driver == "None" else "azure"


def owners_by(values: Mapping[str, Any]) -> frozenset[DriverOwner]:
    """Who may own the driver by values of the chart: one owner, or none when they contradict each other."""
    return frozenset(get_args(DriverOwner)).intersection(*(owners for _claim, owners in _claims(values)))


def hybrid(values: Mapping[str, Any]) -> str | None:
    """What speaks for whom, in a sentence, when values mix owners; None when one of them owns the driver."""
    if owners_by(values):
        return None
    said = "; ".join(f"{claim} speaks for {' or '.join(sorted(owners))}" for claim, owners in _claims(values))
    return f"the values mix owners of the GPU driver: {said}"


Claim = tuple[str, frozenset[DriverOwner]]


def _claims(values: Mapping[str, Any]) -> Iterator[Claim]:
    """Everything that says who owns the driver; a value that is left out says what the chart's default does."""
    driver = values.get("driver") or {}
    environment = ((values.get("validator") or {}).get("driver") or {}).get("env") or ()
    installed = driver.get("enabled") is not False
    yield f"driver.enabled {str(installed).lower()}", frozenset({"operator"} if installed else {"host", "azure"})
    linked = not any(entry.get("name") == NO_DEVICE_LINKS and entry.get("value") == "true" for entry in environment)
    yield (
        f"validator.driver.env {'without' if linked else 'with'} {NO_DEVICE_LINKS}",
        frozenset({"operator", "azure"} if linked else {"host"}),
    )
    toolkit = (values.get("toolkit") or {}).get("enabled") is not False
    yield f"toolkit.enabled {str(toolkit).lower()}", frozenset({"operator", "host"} if toolkit else {"azure"})
    runtime = (values.get("operator") or {}).get("runtimeClass")
    yield f"operator.runtimeClass {runtime or 'unset'}", frozenset({"azure"} if runtime == AKS_RUNTIME else {"operator", "host"})
    for key in _OPERATORS_OWN:
        if driver.get(key):
            yield f"driver.{key}", frozenset({"operator"})
