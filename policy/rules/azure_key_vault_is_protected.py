"""Rule: nobody can remove a production's key vault for good. Asked for by the pack's config, since it cannot be taken back."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, PolicyConfigSchema, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type

VAULT: Final = "keyvault:Vault"
REQUIRED: Final = "required"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a vault by its inputs. An unknown one is named by the SDK as not judged, since reading it raises."""
    if azure_type(args.resource_type) != VAULT:
        args.not_applicable("no key vault")
    if not args.get_config().get(REQUIRED, False):
        args.not_applicable("the pack's config doesn't ask for it")
    if (args.props.get("properties") or {}).get("enablePurgeProtection") is not True:
        report(f"{args.name}: a key vault must have purge protection (sdg:cluster.keyVault.purgeProtection).", None)


AZURE_KEY_VAULT_IS_PROTECTED: Final = ResourceValidationPolicy(
    name="azure-key-vault-is-protected",
    description="Checks whether a key vault on Azure can be removed for good; only where the pack's config says `required`.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(properties={REQUIRED: {"type": "boolean", "default": False}}),
)
