"""Rules: the GPU driver has one owner, in the GPU operator's values, in each of AKS' pools, and over both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policy.rules.azure import azure_type
from sdg.catalog.gpu_driver import CHART, DriverOwner, hybrid, owner_by_agent_pool, owners_by
from sdg.catalog.vm_sizes import vm_sizes

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
POOL: Final = "containerservice:AgentPool"
CLUSTER: Final = "containerservice:ManagedCluster"
LEGAL: Final = "Set sdg:platform.gpuOperator.driver to 'host', 'operator' or 'azure': every related value follows."


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a release or a pool by its inputs. An unknown one is named by the SDK as not judged, since reading it raises."""
    kind = azure_type(args.resource_type)
    if kind in (POOL, CLUSTER):
        for name, pool in _gpu_pools(kind, args.name, args.props):
            if _driver(pool) is None:
                report(f"{name}: gpuProfile.driver must say who owns the GPU driver; unsaid, AKS installs one. {LEGAL}", None)
        return
    if not _of_operator(args.resource_type, args.props):
        args.not_applicable("no GPU operator, and no pool of AKS")
    sentence = hybrid(args.props.get("values") or {})
    if sentence is not None:
        report(f"{args.name}: {sentence}. {LEGAL}", None)


def validate_stack(args: StackValidationArgs, report: ReportViolation) -> None:
    """Judges what pools and operator say together."""
    pools = dict(_owners_of_pools(args.resources))
    if not pools:
        args.not_applicable("no pool of AKS with GPUs")
    if len(set(pools.values())) > 1:
        said = ", ".join(f"{name} to {owner}" for name, owner in pools.items())
        report(f"AKS' pools leave the GPU driver to different owners: {said}. {LEGAL}", None)
    for resource in args.resources:
        owners = owners_by(resource.props.get("values") or {}) if _of_operator(resource.resource_type, resource.props) else frozenset()
        for name, owner in pools.items():
            if owners and owner not in owners:
                report(f"{name} leaves the GPU driver to {owner}, and {resource.name} to {' or '.join(sorted(owners))}. {LEGAL}", None)


def _owners_of_pools(resources: Sequence[PolicyResource]) -> Iterator[tuple[str, DriverOwner]]:
    for resource in resources:
        for name, pool in _gpu_pools(azure_type(resource.resource_type), resource.name, resource.props):
            yield name, owner_by_agent_pool(_driver(pool))


def _gpu_pools(kind: str, name: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The pools with GPUs among a resource's inputs, with the names that messages call them by."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    if kind == POOL:
        found = [(name, properties)]
    if kind == CLUSTER:
        found = [(f"{name}.agentPoolProfiles[{index}]", pool) for index, pool in enumerate(properties.get("agentPoolProfiles") or ())]
    for called, pool in found:
        size = vm_sizes().get(str(pool.get("vmSize")))
        if pool.get("gpuProfile") or (size and size.gpu):
            yield called, pool


def _driver(pool: Mapping[str, Any]) -> str | None:
    driver = (pool.get("gpuProfile") or {}).get("driver")
    return str(driver) if driver else None


def _of_operator(resource_type: str, properties: Mapping[str, Any]) -> bool:
    # a package or a registry's reference has the chart's name in its last segment
    return resource_type == RELEASE and str(properties.get("chart", "")).rpartition("/")[2].startswith(CHART)


GPU_DRIVER_HAS_ONE_OWNER: Final = ResourceValidationPolicy(
    name="gpu-driver-has-one-owner",
    description="Checks whether the GPU operator's values mix owners of the GPU driver, or a pool of AKS names none.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)

GPU_POOLS_AGREE_WITH_OPERATOR: Final = StackValidationPolicy(
    name="gpu-pools-agree-with-operator",
    description="Checks whether AKS' pools and the GPU operator leave the GPU driver to the same owner.",
    validate=validate_stack,
    enforcement_level=EnforcementLevel.MANDATORY,
)
