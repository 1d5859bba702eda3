"""The inputs of a release: defaults, values from files, and what becomes of them in Helm's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from rehearsal.plugins.kubernetes import documents
from rehearsal.plugins.kubernetes.documents import Json, Object
from rehearsal.plugins.kubernetes.naming import unique
from rehearsal.plugins.properties import Asset, Properties, revealed
from rehearsal.plugins.provider import Autonaming, ProviderError

DEFAULT_TIMEOUT = 300
"""Seconds that Helm may wait when the program says nothing."""

_DEFAULTS: Properties = {
    "allowNullValues": False,
    "atomic": False,
    "chart": "",
    "cleanupOnFail": False,
    "createNamespace": False,
    "dependencyUpdate": False,
    "description": "",
    "devel": False,
    "disableCRDHooks": False,
    "disableOpenapiValidation": False,
    "disableWebhooks": False,
    "forceUpdate": False,
    "keyring": "",
    "lint": False,
    "name": "",
    "namespace": "",
    "postrender": "",
    "recreatePods": False,
    "renderSubchartNotes": False,
    "replace": False,
    "resetValues": False,
    "reuseValues": False,
    "skipAwait": False,
    "skipCrds": False,
    "timeout": 0,
    "values": {},
    "verify": False,
    "version": "",
    "waitForJobs": False,
}
_REPOSITORY_DEFAULTS: Properties = {"caFile": "", "certFile": "", "keyFile": "", "password": "", "repo": "", "username": ""}
_OPTIONAL = ("maxHistory",)


def named(given: Properties, old: Properties, logical_name: str, namespace: str, autonaming: Autonaming) -> Properties:
    """Return inputs with a name, a namespace and a timeout, all that can be told while values are still unknown.

    Raises:
        ProviderError: the project switched autonaming off and the program gives no name.
    """
    result = dict(given)
    if not result.get("name"):
        if not old.get("name") and autonaming.disabled:
            raise ProviderError(f"autonaming is disabled, release {logical_name!r} requires the name field to be set")
        result["name"] = old.get("name") or autonaming.proposed or unique(logical_name)
    result["namespace"] = result.get("namespace") or namespace
    if "timeout" not in result and not result.get("skipAwait"):
        result["timeout"] = DEFAULT_TIMEOUT
    if result.get("verify") is True and not result.get("keyring"):
        result["keyring"] = str(Path.home() / ".gnupg" / "pubring.gpg")
    return result


def completed(given: Properties) -> Object:
    """Return known inputs with every default, without secret marks, and with values files read into the values.

    Raises:
        ProviderError: a values file cannot be read.
    """
    plain = cast("Object", revealed(given))
    result: Object = {key: plain.get(key, default) for key, default in _DEFAULTS.items()}
    result.update({key: plain[key] for key in _OPTIONAL if plain.get(key) is not None})
    if isinstance(plain.get("repositoryOpts"), Mapping):
        result["repositoryOpts"] = {**_REPOSITORY_DEFAULTS, **plain["repositoryOpts"]}
    nulls = bool(result["allowNullValues"])
    result["values"] = merged(_from_files(plain.get("valueYamlFiles")), plain.get("values") or {}, nulls=nulls)
    return result


def merged(base: Object, over: Object, *, nulls: bool = False) -> Object:
    """Merge two maps of values, the second one winning; nulls are dropped unless they are wanted."""
    result: Object = {key: _without_nulls(value, nulls=nulls) for key, value in base.items() if nulls or value is not None}
    for key, value in over.items():
        if value is None and not nulls:
            continue
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(before, value, nulls=nulls)
        else:
            result[key] = _without_nulls(value, nulls=nulls)
    return result


def _without_nulls(value: Json, *, nulls: bool) -> Json:
    if nulls:
        return value
    if isinstance(value, dict):
        return {key: _without_nulls(item, nulls=False) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item, nulls=False) for item in value if item is not None]
    return value


def _from_files(files: object) -> Object:
    values: Object = {}
    for asset in files if isinstance(files, list) else []:
        if not isinstance(asset, Asset):
            raise ProviderError("valueYamlFiles holds something that is not a file")
        try:
            read = documents.load(asset.read()) or {}
        except (OSError, ValueError, documents.YAMLError) as error:
            raise ProviderError(f"valueYamlFiles: {error}") from None
        values.update(read)
    return values
