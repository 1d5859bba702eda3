"""Rule: nobody reads a storage account anonymously, and its firewall lets in nobody who isn't named."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type

ACCOUNT: Final = "storage:StorageAccount"
CONTAINER: Final = "storage:BlobContainer"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges an account or a container by its inputs; what an account leaves out is open by Azure's defaults."""
    kind = azure_type(args.resource_type)
    if kind == ACCOUNT:
        if args.props.get("allowBlobPublicAccess") is not False:
            report(f"{args.name}: a storage account must have allowBlobPublicAccess false, or containers can be opened to everybody.", None)
        if args.props.get("publicNetworkAccess") == "Disabled":
            return
        if (args.props.get("networkRuleSet") or {}).get("defaultAction") != "Deny":
            report(f'{args.name}: an account must have networkRuleSet.defaultAction "Deny", or publicNetworkAccess "Disabled".', None)
    elif kind == CONTAINER:
        if args.props.get("publicAccess") not in (None, "None"):
            report(f'{args.name}: a container must have publicAccess "None".', None)
    else:
        args.not_applicable("no storage account")


AZURE_STORAGE_IS_CLOSED: Final = ResourceValidationPolicy(
    name="azure-storage-is-closed",
    description="Checks whether a storage account on Azure can be read anonymously or reached by those whom its firewall doesn't name.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
