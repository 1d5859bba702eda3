"""Rule: no list of who is let in lets in the internet."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type
from policy.rules.leaves import Path, known, leaves

# where lists stand; all texts below are judged
LISTS: Final[Mapping[str, Path]] = {
    "containerservice:ManagedCluster": ("apiServerAccessProfile", "authorizedIPRanges"),
    "storage:StorageAccount": ("networkRuleSet", "ipRules"),
    "keyvault:Vault": ("properties", "networkAcls", "ipRules"),
}
# where rules of security groups stand: steps to one
RULES: Final[Mapping[str, int]] = {"network:NetworkSecurityGroup": 2, "network:SecurityRule": 0}
_SOURCES: Final = ("sourceAddressPrefix", "sourceAddressPrefixes")
_EVERYBODY: Final = frozenset({"*", "any", "internet"})
_LARGEST: Final = 8  # bits of a prefix that is still somebody's


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges every known range. Unknown ones, such as the address of a gateway that isn't made yet, hide no others."""
    kind = azure_type(args.resource_type)
    if kind not in {*LISTS, *RULES}:
        args.not_applicable("no list of ranges")
    for leaf in leaves(args.props):
        if _lets_in(kind, args.props, leaf.path) and _everybody(leaf.text):
            report(f'{args.name}: {leaf.shown_path} is "{leaf.text}", which lets in everybody; name the ranges that need it.', None)


def _lets_in(kind: str, properties: Mapping[str, Any], path: Path) -> bool:
    """Whether what stands at a path says who is let in."""
    if kind in LISTS:
        return path[: len(LISTS[kind])] == LISTS[kind]
    rule, rest = path[: RULES[kind]], path[RULES[kind] :]
    allows = (known(properties, (*rule, "access")), known(properties, (*rule, "direction"))) == ("Allow", "Inbound")
    return allows and bool(rest) and rest[0] in _SOURCES


def _everybody(text: str) -> bool:
    if text.lower() in _EVERYBODY:
        return True
    try:
        network: IPv4Network | IPv6Network = ip_network(text, strict=False)
    except ValueError:  # a tag of a service, or another key's text
        return False
    return network.prefixlen < _LARGEST


AZURE_RANGES_ARE_NARROW: Final = ResourceValidationPolicy(
    name="azure-ranges-are-narrow",
    description="Checks whether the API server, a firewall or a security group on Azure lets in the whole internet.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
