"""Rule: data services are spoken to over TLS, 1.2 or newer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.azure import azure_type

STORAGE: Final = "storage:StorageAccount"
REDIS: Final = frozenset({"redisenterprise:RedisEnterprise", "redis:Redis"})
REDIS_DATABASE: Final = "redisenterprise:Database"
POSTGRES_PARAMETER: Final = "dbforpostgresql:Configuration"
_OF_STORAGE: Final = frozenset({"TLS1_2", "TLS1_3"})
_OF_REDIS: Final = frozenset({"1.2", "1.3"})
_OF_POSTGRES: Final = frozenset({"tlsv1.2", "tlsv1.3"})


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a service by its inputs; one that doesn't say what it takes may take less, depending on when Azure made it."""
    kind = azure_type(args.resource_type)
    if kind == STORAGE:
        found = _storage(args.props)
    elif kind in REDIS:
        found = _version(args.props, _OF_REDIS)
    elif kind == REDIS_DATABASE:
        found = _redis_database(args.props)
    elif kind == POSTGRES_PARAMETER:
        found = _postgres(args.props)
    else:
        args.not_applicable("no data service")
    for sentence in found:
        report(f"{args.name}: {sentence}", None)


def _version(properties: Mapping[str, Any], legal: frozenset[str]) -> Iterator[str]:
    if properties.get("minimumTlsVersion") not in legal:
        yield f"minimumTlsVersion must be one of {', '.join(sorted(legal))}."


def _storage(properties: Mapping[str, Any]) -> Iterator[str]:
    yield from _version(properties, _OF_STORAGE)
    if properties.get("enableHttpsTrafficOnly") is False and not _is_of_nfs(properties):
        yield "enableHttpsTrafficOnly must not be false."


def _is_of_nfs(properties: Mapping[str, Any]) -> bool:
    """Whether an account is of file shares that the virtual network alone reaches: NFS knows no TLS, and no mount succeeds with it on."""
    return properties.get("kind") == "FileStorage" and properties.get("publicNetworkAccess") == "Disabled"


def _redis_database(properties: Mapping[str, Any]) -> Iterator[str]:
    if properties.get("clientProtocol") not in (None, "Encrypted"):
        yield 'clientProtocol must be "Encrypted".'


def _postgres(properties: Mapping[str, Any]) -> Iterator[str]:
    match properties.get("configurationName"), str(properties.get("value")).lower():
        case "require_secure_transport", "off":
            yield "require_secure_transport must not be off (sdg:cluster.database.requireTls)."
        case "ssl_min_protocol_version", version if version not in _OF_POSTGRES:
            yield "ssl_min_protocol_version must be TLSv1.2 or TLSv1.3."


AZURE_TLS_IS_RECENT: Final = ResourceValidationPolicy(
    name="azure-tls-is-recent",
    description="Checks whether storage, Redis and PostgreSQL on Azure take connections without TLS 1.2 or newer.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
