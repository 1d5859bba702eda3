"""What the stack's state says of its resources that hold data, and of its node pools, from before the update.

The engine shows a resource nothing of what comes after it, and what a resource was made of is written down only after it was made. So a
check that comes before it must read the state. The program asks its engine for that, which works with every backend, at preview and
without one, and takes hundredths of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

from sdg.azure.made_of import KINDS, Kind
from sdg.settings.azure import SYSTEM_POOL

_ASK: Final = "pulumi:pulumi:readStackResourceOutputs"  # a function of the engine itself
# an engine that keeps its state in files writes part of it in place, and cannot read it in that moment ("failed to load checkpoint: EOF")
TRIES: Final = 8
PAUSE: Final = 0.25  # seconds
LOCK: Final = "pulumi-python:dynamic/cluster:DataLock"
TYPES: Final[Mapping[str, Kind]] = {
    "azure-native:containerservice:ManagedCluster": "cluster",
    "azure-native:dbforpostgresql:Server": "database",
    "azure-native:redisenterprise:RedisEnterprise": "redis",
    "azure-native:storage:StorageAccount": "storage",
    "azure-native:keyvault:Vault": "key-vault",
}
POOL: Final = "azure-native:containerservice:AgentPool"
# resource of an account that holds models, which can be downloaded again: no lock keeps it
SHARES: Final = "nfs-storage"
_FAILED: Final = "Failed"


@dataclass(frozen=True, slots=True)
class Stored:
    """The state's part.

    Attributes:
        made_of: what resources were made of, by kind; only of those that were made, or changed, with success.
        unfinished: kinds whose creation Azure says has failed; the resource is there all the same.
        pools: what Azure said last of each node pool, by name.
        open: URNs of resources that no lock speaks of, by kind: an update ended before, or they were imported.
    """

    made_of: Mapping[Kind, Mapping[str, str]] = field(default_factory=dict)
    unfinished: frozenset[Kind] = frozenset()
    open: Mapping[Kind, str] = field(default_factory=dict)
    pools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def stored() -> Stored:
    """Asks for the stack's own state."""
    return of_outputs(state())


def state() -> Mapping[str, Mapping[str, Any]]:
    """Outputs of the resources that the stack's state holds, each with its type, by URN. Secrets are among them.

    Raises:
        Exception: the engine cannot read its state, at the last try either.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for _ in range(TRIES - 1):
        try:
            return _outputs(stack)
        except Exception:  # noqa: BLE001 (the SDK raises nothing more exact)
            time.sleep(PAUSE)
    return _outputs(stack)


def _outputs(stack: str) -> Mapping[str, Mapping[str, Any]]:
    answer = pulumi.runtime.invoke(_ASK, {"stackName": stack}).value or {}
    return answer.get("outputs") or {}


def of_outputs(resources: Mapping[str, Mapping[str, Any]]) -> Stored:
    """Reads outputs of resources, each with its type, by URN."""
    made_of: dict[Kind, Mapping[str, str]] = {}
    there: dict[Kind, str] = {}
    failed: set[Kind] = set()
    version = ""
    for urn, each in resources.items():
        kind_of, outputs = str(each.get("type", "")), each.get("outputs") or {}
        if kind_of == LOCK and outputs.get("kind") in KINDS:
            made_of[outputs["kind"]] = {str(key): str(value) for key, value in (outputs.get("madeOf") or {}).items()}
        elif (kind := TYPES.get(kind_of)) and not urn.endswith(f"::{SHARES}"):
            there[kind] = urn
            if outputs.get("provisioningState") == _FAILED:
                failed.add(kind)
            if kind == "database":
                version = str(outputs.get("version") or "")
    if version and "version" in made_of.get("database", {}):
        # it is upgraded from outside, and a refresh finds that
        made_of["database"] = {**made_of["database"], "version": version}
    unfinished = frozenset(failed - made_of.keys())
    unlocked = {kind: urn for kind, urn in there.items() if kind not in made_of.keys() | unfinished}
    return Stored(made_of, unfinished, unlocked, dict(_pools(resources.values())))


def _pools(resources: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each pool's own resource, and the entry of the one that is its cluster's: the cluster lists them all, of some former day."""
    for each in resources:
        kind_of, outputs = str(each.get("type", "")), each.get("outputs") or {}
        if kind_of == POOL:
            yield str(outputs.get("name")), outputs
        elif TYPES.get(kind_of) == "cluster":
            yield from ((SYSTEM_POOL, one) for one in outputs.get("agentPoolProfiles") or [] if one.get("name") == SYSTEM_POOL)
