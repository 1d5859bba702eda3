"""PostgreSQL Flexible Server and Managed Redis."""

from __future__ import annotations

import re
import secrets

from rehearsal.azure.behaviour import Fields, Request, View, makes_keys, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.identity import system_assigned
from rehearsal.azure.services.network import POSTGRES, SUBNET, delegated_to
from rehearsal.azure.services.private_link import LINK

BAD_REQUEST = 400
DATABASE, CONFIGURATION = f"{POSTGRES}/databases", f"{POSTGRES}/configurations"
REDIS = "Microsoft.Cache/redisEnterprise"
REDIS_DATABASE = f"{REDIS}/databases"
SUFFIX = ".postgres.database.azure.com"
STORAGE_SIZES = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767)
"""GiB of a server on Premium SSD (learn.microsoft.com, "Azure Database for PostgreSQL, storage options")."""
RESERVED_LOGINS = ("azure_superuser", "azure_pg_admin", "admin", "administrator", "root", "guest", "public")
TIERS = {"Burstable": r"Standard_B\d+", "GeneralPurpose": r"Standard_D", "MemoryOptimized": r"Standard_E"}
CLASSES = (r"[A-Z]", r"[a-z]", r"[0-9]", r"[^A-Za-z0-9]")
SHORTEST_PASSWORD, LONGEST_PASSWORD, CLASSES_NEEDED = 8, 128, 3
DEFAULTS = {"require_secure_transport": "on", "azure.extensions": "", "max_connections": "50"}
"""Of parameters that somebody sets here; others begin empty."""
EXTENSIONS = {"hstore", "uuid-ossp", "pg_stat_statements", "pgcrypto", "pg_trgm", "btree_gin", "btree_gist", "citext", "vector", "postgis"}
"""Extensions that can be allowed, of those that anybody here asks for (learn.microsoft.com, "PostgreSQL extensions")."""
_REDIS_SIZES = re.compile(r"(Balanced_B|ComputeOptimized_X|MemoryOptimized_M|FlashOptimized_A|Enterprise_E|EnterpriseFlash_F)\d+")
_PORTS = range(10000, 10001)


@rule(POSTGRES)
def _server(request: Request) -> None:
    given, old = request.inputs, request.old
    region = request.view.offers.region(str(given.get("location", "")))
    if region is None or (region.postgresql.restricted and old is None):
        reason = region.postgresql.restricted if region else "The location is not available for flexible servers."
        raise _bad("RegionIsOfferRestricted" if region else "LocationNotAvailableForResourceType", reason)
    sku = given.get("sku") or {}
    tier, size = str(sku.get("tier", "")), str(sku.get("name", ""))
    if tier not in TIERS or not re.match(TIERS[tier], size):
        raise _bad(
            "InvalidSku", f"The size {size} is not of the tier {tier}: sizes are {', '.join(f'{k} {v}…' for k, v in TIERS.items())}."
        )
    _check_storage(request)
    mode = str((given.get("highAvailability") or {}).get("mode", "Disabled"))
    if mode != "Disabled" and tier == "Burstable":
        raise _bad("HighAvailabilityNotSupported", "High availability is not supported for the tier Burstable.")
    if mode == "ZoneRedundant" and not region.postgresql.zone_redundant:
        raise _bad("ZoneRedundantHANotSupported", "Zone redundant high availability is not supported in this region.")
    if (given.get("backup") or {}).get("geoRedundantBackup") == "Enabled" and not region.postgresql.geo_backup:
        raise _bad("GeoBackupNotSupported", "Geo redundant backup is not supported in this region.")
    days = (given.get("backup") or {}).get("backupRetentionDays", 7)
    if not 7 <= days <= 35:  # noqa: PLR2004 -- the service's own limits
        raise _bad("InvalidBackupRetentionDays", f"backupRetentionDays {days} is out of range: 7 to 35 are allowed.")
    if old and int(str(given.get("version", "0")).split(".")[0]) < int(str(old.inputs.get("version", "0")).split(".")[0]):
        raise _bad("MajorVersionDowngradeNotSupported", "The major version of a server cannot go back.")


def _check_storage(request: Request) -> None:
    size = (request.inputs.get("storage") or {}).get("storageSizeGB")
    if size is not None and size not in STORAGE_SIZES:
        raise _bad("InvalidStorageSize", f"storageSizeGB {size} is not supported: {', '.join(str(one) for one in STORAGE_SIZES)} are.")
    before = (request.old.outputs.get("storage") or {}).get("storageSizeGB") if request.old else None
    if size is not None and before is not None and size < before:
        raise _bad("StorageSizeCannotBeReduced", f"Storage cannot shrink from {before} to {size} GiB.")


@rule(POSTGRES)
def _login(request: Request) -> None:
    given = request.inputs
    if str((given.get("authConfig") or {}).get("passwordAuth", "Enabled")) != "Enabled" or str(given.get("createMode", "Default")) not in {
        "Default",
        "Create",
    }:
        return
    login, password = str(given.get("administratorLogin", "")), str(given.get("administratorLoginPassword", ""))
    if not login or login.lower() in RESERVED_LOGINS or login.lower().startswith("pg_"):
        raise _bad("InvalidAdministratorLoginName", f"'{login}' is not a valid login name.")
    if request.old and not password:
        return
    kinds = sum(bool(re.search(one, password)) for one in CLASSES)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or kinds < CLASSES_NEEDED or login.lower() in password.lower():
        words = (
            "Password must be 8 to 128 characters of three of these kinds: upper case, lower case, digits, others; without the login name."
        )
        raise _bad("PasswordTooSimple" if password else "MissingAdministratorLoginPassword", words)


@rule(POSTGRES)
def _private(request: Request) -> None:
    network = request.inputs.get("network") or {}
    subnet_id, zone_id = network.get("delegatedSubnetResourceId"), network.get("privateDnsZoneArmResourceId")
    if not subnet_id:
        if zone_id:
            raise _bad("InvalidParameterValue", "privateDnsZoneArmResourceId is only for servers with delegatedSubnetResourceId.")
        return
    subnet = request.view.read(SUBNET, str(subnet_id))
    if subnet is None or POSTGRES.lower() not in delegated_to(subnet):
        raise _bad("SubnetNotDelegated", f"Subnet {subnet_id} must be delegated to {POSTGRES}.")
    zone = ResourceId.parse(str(zone_id or ""))
    if zone is None:
        raise _bad("PrivateDnsZoneRequired", "privateDnsZoneArmResourceId is required for servers inside of a virtual network.")
    if not zone.name.lower().endswith(SUFFIX) or zone.name.lower() == f"{request.name}{SUFFIX}".lower():
        words = "It must end in postgres.database.azure.com, and can not be server name plus zone suffix."
        raise _bad("PrivateDnsZoneNameNotValid", f"The Private DNS Zone name provided [{zone.name}] is not valid. {words}")
    parsed = ResourceId.parse(subnet.id)
    links = [one for one in request.view.resources(LINK) if key(one.id).startswith(f"{key(zone.text)}/") and one.state == "Succeeded"]
    if parsed and not any(key(str((one.inputs.get("virtualNetwork") or {}).get("id", ""))) == key(parsed.parent) for one in links):
        sentence = f"The private DNS zone {zone.name} is not linked to the virtual network {parsed.parent} of the server's subnet."
        raise _bad("PrivateDnsZoneNotLinkedToVirtualNetwork", sentence)


@outputs(POSTGRES)
def _server_outputs(view: View, resource: Resource) -> Fields:
    version = str(resource.inputs.get("version", ""))
    private = bool((resource.inputs.get("network") or {}).get("delegatedSubnetResourceId"))
    return {
        "fullyQualifiedDomainName": f"{resource.name}{SUFFIX}",
        "state": "Ready",
        "minorVersion": "10" if version else "",
        "replicationRole": "Primary",
        "replicaCapacity": 5,
        "availabilityZone": "1",
        "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
        "highAvailability": {"mode": "Disabled", "state": "NotEnabled" if _mode(resource) == "Disabled" else "Healthy"},
        "network": {"publicNetworkAccess": "Disabled" if private else "Enabled"},
        "storage": {"tier": "P10", "iops": 120, "autoGrow": "Disabled"},
        **system_assigned(resource, view),
    }


@rule(CONFIGURATION)
def _configuration(request: Request) -> None:
    value = str(request.inputs.get("value", ""))
    if request.name == "require_secure_transport" and value.lower() not in {"on", "off"}:
        raise _bad("InvalidParameterValue", f"Invalid value given for parameter {request.name}: '{value}'. Valid values are on, off.")
    if request.name == "azure.extensions":
        unknown = [one for one in value.split(",") if one.strip() and one.strip().lower() not in EXTENSIONS]
        if unknown:
            raise _bad(
                "InvalidParameterValue", f"Invalid value given for parameter azure.extensions: {', '.join(unknown)} cannot be allowed."
            )


@outputs(CONFIGURATION)
def _configuration_outputs(view: View, resource: Resource) -> Fields:  # noqa: ARG001 -- the registry's signature
    default = DEFAULTS.get(resource.name, "")
    kind = "Boolean" if default in {"on", "off"} else "Set" if resource.name == "azure.extensions" else "String"
    return {"defaultValue": default, "dataType": kind, "isReadOnly": False, "isDynamicConfig": True, "isConfigPendingRestart": False}


@rule(REDIS)
def _redis(request: Request) -> None:
    sku = request.inputs.get("sku") or {}
    region = request.view.offers.region(str(request.inputs.get("location", "")))
    if region is None or REDIS in region.absent:
        sentence = f"The provided location '{request.inputs.get('location')}' is not available for resource type '{REDIS}'."
        raise _bad("LocationNotAvailableForResourceType", sentence)
    if not _REDIS_SIZES.fullmatch(str(sku.get("name", ""))):
        raise _bad("InvalidRequestBody", f"The SKU {sku.get('name')} does not exist.")
    if sku.get("capacity") is not None and not str(sku["name"]).startswith("Enterprise"):
        raise _bad("InvalidRequestBody", f"capacity is not for the SKU {sku['name']}.")


@outputs(REDIS)
def _redis_outputs(view: View, resource: Resource) -> Fields:
    region = resource.outputs.get("location", "")
    redundant = str(resource.inputs.get("highAvailability", "Enabled")) == "Enabled"
    return {
        "hostName": f"{resource.name}.{region}.redis.azure.net",
        "highAvailability": "Enabled",
        "kind": "v2",
        "redisVersion": "7.4",
        "redundancyMode": "ZR" if redundant else "None",
        "resourceState": "Running",
        **system_assigned(resource, view),
    }


@rule(REDIS_DATABASE)
def _redis_database(request: Request) -> None:
    if request.name != "default":
        raise _bad("InvalidRequestBody", f"The database of a cluster is called default, not {request.name}.")
    port = request.inputs.get("port")
    if port is not None and port not in _PORTS:
        raise _bad("InvalidRequestBody", f"The port of a database is {_PORTS[0]}, not {port}.")


@makes_keys(REDIS_DATABASE)
def _redis_keys() -> dict[str, str]:
    return {"primaryKey": secrets.token_urlsafe(32), "secondaryKey": secrets.token_urlsafe(32)}


@outputs(REDIS_DATABASE)
def _redis_database_outputs(view: View, resource: Resource) -> Fields:  # noqa: ARG001
    return {
        "resourceState": "Running",
        "redisVersion": "7.4",
        "port": _PORTS[0],
        "clientProtocol": "Encrypted",
        "clusteringPolicy": "OSSCluster",
        "evictionPolicy": "VolatileLRU",
        "accessKeysAuthentication": "Disabled",
    }


def _mode(resource: Resource) -> str:
    return str((resource.inputs.get("highAvailability") or {}).get("mode", "Disabled"))


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
