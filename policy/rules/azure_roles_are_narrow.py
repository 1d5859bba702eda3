"""Rule: roles go to principals whose type is said, and none that can do everything goes over a whole subscription."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type

ASSIGNMENT: Final = "authorization:RoleAssignment"
# Microsoft's page "Azure built-in roles"
BROAD: Final[Mapping[str, str]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
# a subscription, a management group, or everything
_WIDE: Final = re.compile(r"/?|/subscriptions/[^/]+/?|/providers/microsoft\.management/managementgroups/[^/]+/?", re.IGNORECASE)


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges an assignment by its inputs. A scope that isn't known yet matters for broad roles alone, and the SDK says so."""
    if azure_type(args.resource_type) != ASSIGNMENT:
        args.not_applicable("no role assignment")
    if not args.props.get("principalType"):
        report(f"{args.name}: principalType must be said, or Azure looks for a person and a new identity is not found.", None)
    role = BROAD.get(args.props.get("roleDefinitionId", "").rpartition("/")[2].lower())
    if role and _WIDE.fullmatch(args.props.get("scope", "")):
        report(f"{args.name}: {role} over a whole subscription or more; give a narrower role, or this one for a resource group.", None)


AZURE_ROLES_ARE_NARROW: Final = ResourceValidationPolicy(
    name="azure-roles-are-narrow",
    description="Checks whether a role on Azure is given to a principal of no said type, or lets it do everything in a subscription.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
