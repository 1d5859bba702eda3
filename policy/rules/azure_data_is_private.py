"""Rule: databases are reached from the virtual network alone."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type, says

POSTGRES: Final = "dbforpostgresql:Server"
OPENING: Final = "dbforpostgresql:FirewallRule"
REDIS: Final = frozenset({"redisenterprise:RedisEnterprise", "redis:Redis"})
DISABLED: Final = "Disabled"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a server by its inputs. An unknown one is named by the SDK as not judged, since reading it raises."""
    kind = azure_type(args.resource_type)
    if kind == OPENING:
        report(f"{args.name}: a firewall rule opens a PostgreSQL server to the internet; put the server into the virtual network.", None)
    elif kind == POSTGRES:
        network = args.props.get("network") or {}
        # a server in a subnet has no public address, whatever else it says
        if not says(network, "delegatedSubnetResourceId") and network.get("publicNetworkAccess") != DISABLED:
            report(f'{args.name}: PostgreSQL must be in a subnet, or have network.publicNetworkAccess "{DISABLED}".', None)
    elif kind in REDIS:
        if args.props.get("publicNetworkAccess") != DISABLED:
            report(f'{args.name}: Redis must have publicNetworkAccess "{DISABLED}", and a private endpoint.', None)
    else:
        args.not_applicable("no database")


AZURE_DATA_IS_PRIVATE: Final = ResourceValidationPolicy(
    name="azure-data-is-private",
    description="Checks whether PostgreSQL or Redis on Azure can be reached from the internet.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
