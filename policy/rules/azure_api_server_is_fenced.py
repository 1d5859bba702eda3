"""Rule: an AKS cluster's API server is private, or says who may reach it."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type

CLUSTER: Final = "containerservice:ManagedCluster"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a cluster by its inputs; an empty list means everybody. An unknown one is named by the SDK as not judged."""
    if azure_type(args.resource_type) != CLUSTER:
        args.not_applicable("no AKS cluster")
    access = args.props.get("apiServerAccessProfile") or {}
    if access.get("enablePrivateCluster") is not True and not access.get("authorizedIPRanges"):
        report(
            f"{args.name}: everybody reaches the API server; set sdg:cluster.allowedRanges, or sdg:cluster.apiServer.access to private.",
            None,
        )


AZURE_API_SERVER_IS_FENCED: Final = ResourceValidationPolicy(
    name="azure-api-server-is-fenced",
    description="Checks whether the API server of an AKS cluster is private or says who may reach it.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
