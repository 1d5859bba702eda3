"""Every question that Azure is asked before anything exists: its path and the version of its API. The one place for both.

Versions are those of Microsoft's own `azure-mgmt-*` packages in requirements.txt where one has the question, else the last stable one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_COGNITIVE: Final = "2025-06-01"
_COMPUTE: Final = "2024-07-01"
_CONTAINER_SERVICE: Final = "2025-08-01"
_KEY_VAULT: Final = "2025-05-01"
_POSTGRESQL: Final = "2025-08-01"
_RESOURCES: Final = "2021-04-01"
_STORAGE: Final = "2025-06-01"


@dataclass(frozen=True, slots=True)
class Question:
    """Where something is asked.

    Attributes:
        template: the path, with places such as `{location}`.
        api_version: the version of its API.
    """

    template: str
    api_version: str

    def at(self, subscription: str, **places: str) -> str:
        """The path for a subscription and whatever else the template names."""
        return self.template.format(subscription=subscription, **places)


_S: Final = "/subscriptions/{subscription}"
_P: Final = f"{_S}/providers"

SUBSCRIPTION: Final = Question(_S, "2022-12-01")
"""`state`: Enabled, Warned, PastDue, Disabled or Deleted; `tenantId`, `displayName`, `subscriptionPolicies.quotaId`."""
LOCATIONS: Final = Question(f"{_S}/locations", "2022-12-01")
"""A list of `name`, `displayName`, `metadata.regionType`, `availabilityZoneMappings`."""

COMPUTE_USAGES: Final = Question(f"{_P}/Microsoft.Compute/locations/{{location}}/usages", _COMPUTE)
"""A list of `name.value` (a family, `cores`, `lowPriorityCores`), `currentValue`, `limit`. Case and spaces of family names vary."""
VM_SKUS: Final = Question(f"{_P}/Microsoft.Compute/skus", "2021-07-01")
"""With `$filter`: `location eq 'NAME'`, the only filter there is. A list of `resourceType`, `name`, `family`, `locationInfo[0].zones`,
`capabilities[]` of `name` and `value`, `restrictions[]` of `type` (Location, Zone), `reasonCode`, `restrictionInfo.zones`."""

PERMISSIONS: Final = Question(f"{_P}/Microsoft.Authorization/permissions", "2022-04-01")
"""What this login may do in the subscription: a list of `actions`, `notActions`, `dataActions`, `notDataActions`."""
PERMISSIONS_OF_GROUP: Final = Question(f"{_S}/resourcegroups/{{group}}/providers/Microsoft.Authorization/permissions", "2022-04-01")
"""The same in a resource group, where roles on the group alone count too; 404 when there is none."""

KUBERNETES_VERSIONS: Final = Question(f"{_P}/Microsoft.ContainerService/locations/{{location}}/kubernetesVersions", _CONTAINER_SERVICE)
"""One object, no list: `values[]` of `version` (a minor), `isDefault`, `isPreview`, `capabilities.supportPlan[]`, `patchVersions`."""
POSTGRESQL_CAPABILITIES: Final = Question(f"{_P}/Microsoft.DBforPostgreSQL/locations/{{location}}/capabilities", _POSTGRESQL)
"""A list of one: `restricted` (Enabled, Disabled), `reason`, `zoneRedundantHaSupported`, `geoBackupSupported`,
`supportedServerEditions[]` of `name` (Burstable, …) and `supportedServerSkus[]` with `name`, `supportedZones`, `supportedHaMode`,
`supportedServerVersions[]`."""
POSTGRESQL_NAME: Final = Question(f"{_P}/Microsoft.DBforPostgreSQL/locations/{{location}}/checkNameAvailability", _POSTGRESQL)
"""POST `{"name", "type": "Microsoft.DBforPostgreSQL/flexibleServers"}` → `nameAvailable`, `reason`, `message`."""
STORAGE_NAME: Final = Question(f"{_P}/Microsoft.Storage/checkNameAvailability", _STORAGE)
"""POST `{"name", "type": "Microsoft.Storage/storageAccounts"}` → `nameAvailable`, `reason` (AlreadyExists, …), `message`."""
STORAGE_SKUS: Final = Question(f"{_P}/Microsoft.Storage/skus", _STORAGE)
"""A list of `name` (Standard_ZRS), `kind`, `locations`, `restrictions`."""
KEY_VAULT_NAME: Final = Question(f"{_P}/Microsoft.KeyVault/checkNameAvailability", _KEY_VAULT)
"""POST `{"name", "type": "Microsoft.KeyVault/vaults"}` → as STORAGE_NAME; a vault that was deleted and not purged holds its name."""
DELETED_VAULTS: Final = Question(f"{_P}/Microsoft.KeyVault/deletedVaults", _KEY_VAULT)
"""A list of `name` and `properties` with `location`, `deletionDate`, `scheduledPurgeDate`, `purgeProtectionEnabled`."""
COGNITIVE_MODELS: Final = Question(f"{_P}/Microsoft.CognitiveServices/locations/{{location}}/models", _COGNITIVE)
"""A list of `kind`, `skuName`, `model` with `format`, `name`, `version`, `lifecycleStatus`, `deprecation.inference`, `skus[]`."""
DELETED_ACCOUNTS: Final = Question(f"{_P}/Microsoft.CognitiveServices/deletedAccounts", _COGNITIVE)
"""A list of `name`, `location`, `properties.scheduledPurgeDate`; each holds its name, and its sub domain, until then."""
PROVIDER: Final = Question(f"{_P}/{{namespace}}", _RESOURCES)
"""`namespace`, `registrationState` (Registered, Registering, NotRegistered, Unregistered), and `resourceTypes[]` with `resourceType` and
`locations`, the only word ARM has on where `redisEnterprise` is."""
RESOURCE_GROUP: Final = Question(f"{_S}/resourcegroups/{{group}}", _RESOURCES)
"""`name`, `location`, `tags`; 404 when there is none."""
CLUSTER: Final = Question(
    f"{_S}/resourceGroups/{{group}}/providers/Microsoft.ContainerService/managedClusters/{{name}}", _CONTAINER_SERVICE
)
"""`properties.privateFQDN` of a cluster whose API server is private; 404 when there is none."""
