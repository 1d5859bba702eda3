"""What a stack wants of Azure, as far as the preflight asks about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sdg.azure.names import Names
from sdg.catalog.azure_requirements import Part, azure_requirements
from sdg.catalog.gpu_driver import DriverOwner
from sdg.settings.azure import CPU_POOL, SYSTEM_POOL, Azure, CpuPool, GpuPool, Pool
from sdg.settings.azure_rules import PoolKind, driver_owner
from sdg.settings.inference import Foundry, NoInference, Primary, Server, servers, shares_models
from sdg.settings.osmo import ManagedDatabase, ManagedRedis, Osmo
from sdg.settings.platform import GpuOperator, ManagedStore, Platform
from sdg.settings.rules import Sections

_ARM = "Microsoft.Resources"  # ARM itself: always registered


@dataclass(frozen=True, slots=True)
class WantedPool:
    """A pool of nodes, whatever its kind.

    Attributes:
        key: where the stack says it, such as `sdg:cluster.gpuPools[0]`.
        kind: what its nodes are for.
    """

    name: str
    key: str
    pool: Pool
    kind: PoolKind
    spot: bool = False


@dataclass(frozen=True, slots=True)
class WantedStack:
    """What is to be made, and where.

    Attributes:
        subscription: id of the subscription.
        region: Azure region, by its short name.
        sections: those of the settings that could be read.
    """

    cluster: Azure
    sections: Sections
    names: Names
    subscription: str
    region: str

    def elsewhere(self, region: str) -> WantedStack:
        """The same in another region."""
        return replace(self, region=region)

    @property
    def pools(self) -> tuple[WantedPool, ...]:
        """Every pool."""
        cluster = self.cluster
        return (
            WantedPool(SYSTEM_POOL, "sdg:cluster.systemPool", cluster.system_pool, "system"),
            *((_cpu_pool(cluster.cpu_pool),) if cluster.cpu_pool else ()),
            *(_gpu_pool(number, pool) for number, pool in enumerate(cluster.gpu_pools)),
        )

    @property
    def driver(self) -> DriverOwner | None:
        """Who installs the GPU driver, as far as that is known."""
        platform = self.sections.get("platform")
        return driver_owner(self.cluster, platform.gpu_operator if isinstance(platform, Platform) else GpuOperator())

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that it consists of."""
        return tuple(_parts(self.cluster, self.sections))

    def has(self, part: Part) -> bool:
        return part in self.parts

    @property
    def types(self) -> list[str]:
        """Types of the resources that it makes."""
        return _once(kind for part in self.parts for kind in azure_requirements().parts[part].types)

    @property
    def namespaces(self) -> list[str]:
        """Resource providers that it needs."""
        parts = [azure_requirements().parts[part] for part in self.parts]
        needed = [name for part in parts for name in (*part.namespaces, *(kind.partition("/")[0] for kind in part.types))]
        return _once(name for name in needed if name != _ARM)

    @property
    def actions(self) -> list[str]:
        """What the deployer must be allowed to do."""
        return [
            *(f"{kind}/write" for kind in self.types),
            *_once(action for part in self.parts for action in azure_requirements().parts[part].actions),
        ]


def _cpu_pool(pool: CpuPool) -> WantedPool:
    return WantedPool(CPU_POOL, "sdg:cluster.cpuPool", pool, "cpu", pool.spot)


def _gpu_pool(number: int, pool: GpuPool) -> WantedPool:
    return WantedPool(pool.name, f"sdg:cluster.gpuPools[{number}]", pool, "gpu", pool.spot)


def _parts(cluster: Azure, sections: Sections) -> Iterator[Part]:
    # a section that cannot be read is an error of its own; until then, what Azure's default is
    osmo, platform = sections.get("osmo"), sections.get("platform")
    database = osmo is None or (isinstance(osmo, Osmo) and isinstance(osmo.database, ManagedDatabase))
    redis = osmo is None or (isinstance(osmo, Osmo) and isinstance(osmo.redis, ManagedRedis))
    storage = platform is None or (isinstance(platform, Platform) and isinstance(platform.object_store, ManagedStore))
    key = cluster.storage.auth == "key"
    inference = sections.get("inference")
    shares = isinstance(inference, NoInference | Primary) and shares_models(inference)
    chosen: dict[Part, bool] = {
        "cluster": True,
        "local-accounts": cluster.api_server.local_accounts,
        "nat": cluster.network.egress == "nat-gateway",
        "endpoints": redis or storage or shares or cluster.key_vault.enabled,
        "database": database,
        "redis": redis,
        "storage": storage,
        "file-shares": shares,
        "storage-key": storage and key,
        "workload-identity": storage and not key,
        "key-vault": cluster.key_vault.enabled,
        "logs": cluster.observability.logs,
        "metrics": cluster.observability.metrics,
        "grafana": cluster.observability.grafana,
        "foundry": any(isinstance(server, Foundry) for server in _servers(sections)),
    }
    return (part for part, is_chosen in chosen.items() if is_chosen)


def _servers(sections: Sections) -> tuple[Server, ...]:
    inference = sections.get("inference")
    return servers(inference) if isinstance(inference, NoInference | Primary) else ()


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
