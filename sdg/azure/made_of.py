"""What the resources that hold data were made of, as far as Azure would make them anew for a change of it.

Where nothing is said of it, a change is refused by ARM or makes the resource anew: names, places and networks always, and what ARM's own
definitions mark as fixed at creation. Some of it may go one way: storage can grow, a version can rise.
Sources: `x-ms-mutability` in Microsoft's API definitions, and what Microsoft's pages say about scaling, conversion and deletion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sdg.azure.names import Names
from sdg.azure.network import Layout
from sdg.settings.azure import Azure

Kind = Literal["cluster", "database", "redis", "storage", "key-vault"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# how a fact may change with the resource staying as it is: not at all, to a greater number, or from off to on
Change = Literal["none", "greater", "on"]
ON: Final = "on"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a resource was made of.

    Attributes:
        said: where it comes from: a setting, or what it is made of.
        change: how it may change all the same.
        final: why not even making the resource anew would help, and what to do; empty where it would. Other facts stand in braces.
        instead: how to have what is wanted without losing anything; empty where there is no way.
    """

    said: str
    change: Change = "none"
    final: str = ""
    instead: str = ""

    def breaks(self, before: str, now: str) -> bool:
        """Whether a change would make the resource anew."""
        match self.change:
            case "greater":
                return int(now) < int(before)
            case "on":
                return (before, now) == (ON, OFF)
            case "none":
                return before != now


@dataclass(frozen=True, slots=True)
class Kept:
    """A resource that holds data.

    Attributes:
        what: it is, for people.
        lost: what would be lost with it.
        facts: by key.
    """

    what: str
    lost: str
    facts: Mapping[str, Fact]


_REST: Final = (
    "nothing can move there while the rest of the stack is in its place. Set it back; for another one, `pulumi destroy` comes first, or "
    "make a new stack"
)
_NAMES: Final = "(sdg:cluster.prefix, environment and suffix)"
_PLACE: Final[Mapping[str, Fact]] = {
    "name": Fact(f"its name {_NAMES}"),
    "resourceGroup": Fact(f"its resource group {_NAMES}"),
    "location": Fact("sdg:cluster.location", final=_REST),
}
_NETWORK: Final[Mapping[str, Fact]] = {"network": Fact(f"its virtual network {_NAMES}")}
_OTHER_NODES: Final = "For other nodes with nothing lost, leave this pool and set sdg:cluster.cpuPool"
# the API has an operation of its own for it, and no way back
_UPGRADE: Final = (
    "updates don't upgrade a server, and nothing takes one back to an older version. Set it back; for a newer version, "
    "`az postgres flexible-server upgrade --resource-group {resourceGroup} --name {name} --version {version}` comes first, and then "
    "`pulumi refresh`, which finds it"
)

KEPT: Final[Mapping[Kind, Kept]] = {
    "cluster": Kept(
        "the AKS cluster",
        "everything in it: running workflows, volumes, and the keys that were not backed up (`sdg backup keys`)",
        {
            **_PLACE,
            **_NETWORK,
            "nodeResourceGroup": Fact(f"the resource group of its nodes {_NAMES}"),
            "dnsPrefix": Fact(f"the first part of its host name {_NAMES}"),
            "nodes": Fact("sdg:cluster.network.subnets.nodes", final=_REST),
            "gpuNodes": Fact("sdg:cluster.network.subnets.gpuNodes", final=_REST),
            "endpoints": Fact("sdg:cluster.network.subnets.endpoints", final=_REST),
            "pods": Fact("sdg:cluster.network.pods"),
            "services": Fact("sdg:cluster.network.services"),
            "egress": Fact("sdg:cluster.network.egress"),
            "access": Fact("sdg:cluster.apiServer.access"),
            "systemSize": Fact("sdg:cluster.systemPool.size", instead=_OTHER_NODES),
            "systemDisk": Fact("sdg:cluster.systemPool.osDiskGib", instead=_OTHER_NODES),
            "systemPods": Fact("sdg:cluster.systemPool.maxPods", instead=_OTHER_NODES),
            "systemZones": Fact("sdg:cluster.systemPool.zones", instead=_OTHER_NODES),
        },
    ),
    "database": Kept(
        "the PostgreSQL server",
        "OSMO's database with all workflows and users in it, and its backups",
        {
            **_PLACE,
            **_NETWORK,
            "subnet": Fact("sdg:cluster.network.subnets.database", final=_REST),
            "geoBackup": Fact("sdg:cluster.database.geoBackup"),
            "version": Fact("sdg:cluster.database.version", final=_UPGRADE),
            "zone": Fact("sdg:cluster.database.zone"),
            "storageGib": Fact("sdg:cluster.database.storageGib", "greater"),
        },
    ),
    "redis": Kept(
        "the Managed Redis",
        "OSMO's queues, and with them workflows that wait or run",
        {**_PLACE, "highAvailability": Fact("sdg:cluster.redis.highAvailability")},
    ),
    "storage": Kept(
        "the storage account",
        "all data, logs and apps of workflows",
        {**_PLACE, "zones": Fact("sdg:cluster.storage.redundancy (LRS and GRS are of one zone, ZRS and GZRS of three)")},
    ),
    "key-vault": Kept(
        "the key vault",
        "the copies of generated passwords in it, with their versions",
        {
            **_PLACE,
            "purgeProtection": Fact("sdg:cluster.keyVault.purgeProtection", "on", final="Azure takes that back for nobody. Set it back"),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class UsedServices:
    """Which of the services OSMO uses, whether NIMs keep models on file shares, and whether Foundry serves any; nothing else is made."""

    database: bool = True
    redis: bool = True
    store: bool = True
    shares: bool = False
    models: bool = False


def made_of(settings: Azure, names: Names, wanted: UsedServices) -> Mapping[Kind, Mapping[str, str]]:
    """What a stack's resources are made of, by kind and fact; all of it is known at preview. What it doesn't make is not in it."""

    def place(name: str) -> dict[str, str]:
        return {"name": name, "resourceGroup": names.resource_group, "location": settings.location}

    found: dict[Kind, Mapping[str, str]] = {"cluster": {**place(names.cluster), **_cluster(settings, names)}}
    if wanted.database:
        found["database"] = {**place(names.postgres), **_database(settings, names)}
    if wanted.redis:
        found["redis"] = {**place(names.redis), "highAvailability": _on(settings.redis.high_availability)}
    if wanted.store:
        zones = "three" if settings.storage.redundancy in ("ZRS", "GZRS") else "one"
        found["storage"] = {**place(names.storage_account), "zones": zones}
    if settings.key_vault.enabled:
        found["key-vault"] = {**place(names.key_vault), "purgeProtection": _on(settings.key_vault.purge_protection)}
    return found


def _cluster(settings: Azure, names: Names) -> dict[str, str]:
    layout, pool = Layout.of(settings.network), settings.system_pool
    return {
        "network": names.network,
        "nodeResourceGroup": names.node_resource_group,
        "dnsPrefix": names.dns_prefix,
        "nodes": str(layout.nodes),
        "gpuNodes": str(layout.gpu_nodes),
        "endpoints": str(layout.endpoints),
        "pods": str(layout.pods),
        "services": str(layout.services),
        "egress": settings.network.egress,
        "access": settings.api_server.access,
        "systemSize": pool.size,
        "systemDisk": str(pool.os_disk_gib),
        "systemPods": str(pool.max_pods),
        "systemZones": ",".join(pool.zones) or "none",
    }


def _database(settings: Azure, names: Names) -> dict[str, str]:
    database = settings.database
    return {
        "network": names.network,
        "subnet": str(Layout.of(settings.network).database),
        "geoBackup": _on(database.geo_backup),
        "version": database.version,
        "zone": database.zone or "any",
        "storageGib": str(database.storage_gib),
    }


def broken(kind: Kind, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Facts whose change would make the resource anew. One that only one side knows says nothing."""
    facts = KEPT[kind].facts
    return [key for key in facts if key in before and key in now and facts[key].breaks(before[key], now[key])]


def problems(kind: Kind, before: Mapping[str, str], now: Mapping[str, str] | None, *, unlocked: bool) -> Iterator[str]:
    """Why a change is refused, in one sentence and what to do; nothing where it may be made.

    Args:
        before: what the resource was made of.
        now: what is asked for; None where the stack gives it up.
    """
    kept = KEPT[kind]
    if now is None:
        if not unlocked:
            lost = f"The stack would give up {kept.what}, and lose {kept.lost}"
            yield f"{lost}. Leave it as it was, or, for this one update: {_unlock(kind)}."
        return
    changed = [key for key in broken(kind, before, now) if kept.facts[key].final or not unlocked]
    if not changed:
        return
    told = " and ".join(f"{kept.facts[key].said} was {before[key]} and is {now[key]} now" for key in changed)
    if final := next((kept.facts[key].final for key in changed if kept.facts[key].final), ""):
        yield f"{told}: {final.format(**now)}."
        return
    instead = next((f"{kept.facts[key].instead}. " for key in changed if kept.facts[key].instead), "")
    yield (
        f"{told}: Azure would make {kept.what} anew, and {kept.lost} would be lost. {instead}Set it back, or, to lose that, for this one "
        f"update: {_unlock(kind)}."
    )


def _unlock(kind: Kind) -> str:
    command = f"pulumi config set --path 'sdg:cluster.unlock[0]' {kind}"
    # the engine cannot make what is in a cluster anew in the same update: it closes the way in when it plans that
    empty = "; the new cluster is empty until `pulumi refresh` and one more `pulumi up` after that update"
    return command + (empty if kind == "cluster" else "")


def _on(value: bool) -> str:
    return ON if value else OFF
