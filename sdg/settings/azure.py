"""`sdg:cluster` of kind `azure`: AKS with its network, PostgreSQL, Redis and Blob storage, and what watches over them.

A field's default is what the preset `dev` stands for; `azure_presets.yaml` says what the others choose instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from sdg.catalog.azure_presets import Preset, with_preset
from sdg.catalog.versions import versions
from sdg.catalog.vm_sizes import vm_sizes
from sdg.settings.base import Guid, Seconds, Settings, as_text
from sdg.settings.platform import BUCKET

CIDR: Final = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"
Cidr = Annotated[str, Field(pattern=CIDR, examples=["10.0.0.0/16"])]
# a single host may be written as its address
Range = Annotated[str, Field(pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}(/[0-9]{1,2})?$", examples=["198.51.100.7/32"])]
VmSizeName = Annotated[str, Field(pattern=r"^Standard_[A-Za-z0-9_]+$", examples=["Standard_NC40ads_H100_v5"])]
PoolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,11}$", examples=["gpu"])]
Zone = Annotated[Literal["1", "2", "3"], BeforeValidator(as_text)]
NodeCount = Annotated[int, Field(ge=0, le=1000)]
Region = Annotated[str, AfterValidator(lambda text: text.replace(" ", "").lower()), Field(pattern=r"^[A-Za-z0-9 ]+$", examples=["eastus2"])]

SYSTEM_POOL: Final = "system"
CPU_POOL: Final = "cpu"
TAGS: Final = 15  # that a private DNS zone takes; most resources take 50

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "osmo": {"database": {"kind": "managed"}, "redis": {"kind": "managed"}},
    "platform": {"objectStore": {"provider": "managed"}},
}
"""What other sections say on this kind of cluster, where they say nothing themselves."""


class Subnets(Settings):
    """Ranges of the subnets. Unset, each is a sixteenth of the network: the second to the fifth."""

    nodes: Cidr | None = Field(default=None, description="Nodes without GPUs.")
    gpu_nodes: Cidr | None = Field(default=None, description="Nodes with GPUs.")
    database: Cidr | None = Field(default=None, description="PostgreSQL, which has it to itself.")
    endpoints: Cidr | None = Field(default=None, description="Private endpoints of Redis, storage and key vault.")


class Network(Settings):
    """The virtual network. None of it can change later without a new cluster."""

    range: Cidr = Field(default="10.0.0.0/16", description="Addresses of the virtual network; private ones.")
    subnets: Subnets = Field(default=Subnets(), description="Ranges of the subnets.")
    pods: Cidr = Field(default="10.244.0.0/16", description="Addresses of pods, an overlay: each node takes a /24 of it.")
    services: Cidr = Field(default="192.168.0.0/16", description="Addresses of Kubernetes Services.")
    egress: Literal["nat-gateway", "load-balancer"] = Field(
        default="nat-gateway",
        description="How the cluster reaches the internet: through a NAT gateway of one known address, or through AKS' own load balancer.",
    )


class ApiServer(Settings):
    """Who reaches the API server."""

    access: Literal["public", "private"] = Field(
        default="public",
        description="`public`: from `sdg:cluster.allowedRanges`, and from nowhere else. `private`: from the virtual network alone; then "
        "whoever runs the update must be inside it.",
    )
    local_accounts: bool = Field(
        default=True,
        description="Whether the cluster has an administrator's certificate, which updates then use. False: people and updates log in with "
        "Entra ID, through the program `kubelogin`. By preset.",
    )
    admin_groups: tuple[Guid, ...] = Field(default=(), description="Object ids of Entra groups whose members administer the cluster.")


class Upgrades(Settings):
    """What AKS changes by itself, and when."""

    channel: Literal["none", "patch", "stable", "rapid", "node-image"] = Field(
        default="none",
        description="Kubernetes upgrades that AKS makes by itself. With `patch` the version is written without one; with `stable` and "
        "`rapid` it counts only when the cluster is made; `node-image` goes with nodeOs `NodeImage`.",
    )
    node_os: Literal["None", "Unmanaged", "SecurityPatch", "NodeImage"] = Field(
        default="None", description="Upgrades of the nodes' system that AKS makes by itself."
    )
    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = Field(
        default="Sunday", description="Day of the week of the maintenance window."
    )
    start_hour: int = Field(default=2, ge=0, le=23, description="Hour at which the window opens, UTC.")
    hours: int = Field(default=4, ge=4, le=24, description="Hours that it stays open.")


class Pool(Settings):
    """A node pool whose autoscaler adds and removes nodes."""

    size: VmSizeName = Field(default="Standard_D16ds_v5", description="VM size.")
    min: NodeCount = Field(default=1, description="Nodes at least.")
    max: NodeCount = Field(default=3, description="Nodes at most.")
    zones: tuple[Zone, ...] = Field(default=(), description="Availability zones; none pins no zone.")
    os_disk_gib: int = Field(default=128, ge=30, le=2048, description="Managed OS disk, in GiB; images and emptyDir volumes lie there.")
    max_pods: int = Field(default=110, ge=30, le=250, description="Pods per node.")


class CpuPool(Pool):
    """Nodes for workflows that need no GPUs."""

    min: NodeCount = Field(default=0, description="Nodes at least.")
    max: NodeCount = Field(default=4, description="Nodes at most.")
    spot: bool = Field(default=False, description="Whether spare capacity is used, which Azure may take back at any time.")


class GpuPool(Pool):
    """Nodes with GPUs, tainted `nvidia.com/gpu=present:NoSchedule` and labelled `nvidia.com/gpu.present=true` from the start."""

    name: PoolName = Field(default="gpu", description="Name of the pool.")
    size: VmSizeName = Field(default="Standard_NC40ads_H100_v5", description="VM size; one with GPUs. Another one makes the pool anew.")
    min: NodeCount = Field(default=0, description="Nodes at least; 0 costs nothing while no workflow asks for GPUs.")
    max: NodeCount = Field(default=1, description="Nodes at most.")
    os_disk_gib: int = Field(default=256, ge=30, le=2048, description="Managed OS disk, in GiB; images and emptyDir volumes lie there.")
    spot: bool = Field(default=False, description="Whether spare capacity is used, which Azure may take back at any time.")


class PostgreSql(Settings):
    """PostgreSQL Flexible Server inside the virtual network, for OSMO."""

    size: str = Field(
        default="B_Standard_B2s",
        pattern=r"^(B|GP|MO)_Standard_[A-Za-z0-9_]+$",
        description="Compute size, with the prefix of its tier: `B_`, `GP_` or `MO_`. By preset.",
        examples=["GP_Standard_D2s_v3"],
    )
    version: Annotated[Literal["15", "16", "17", "18"], BeforeValidator(as_text)] = Field(
        default="16", description="Major version. Updates don't change it; docs/data.md says what does."
    )
    storage_gib: Literal[32, 64, 128, 256, 512, 1024, 2048, 4096] = Field(
        default=32, description="Storage, in GiB. It cannot shrink. By preset."
    )
    high_availability: Literal["none", "same-zone", "zone-redundant"] = Field(
        default="none", description="Whether a standby takes over, and where it is; not with tier `B_`. By preset."
    )
    zone: Zone | None = Field(
        default=None,
        description="Availability zone of the server that starts as the primary one; Azure chooses when unset. Fixed at creation.",
    )
    backup_days: int = Field(default=7, ge=7, le=35, description="Days that backups are kept. By preset.")
    geo_backup: bool = Field(default=False, description="Whether backups are kept in the paired region too. Fixed at creation. By preset.")
    require_tls: bool = Field(default=True, description="Whether the server refuses connections without TLS.")


class Redis(Settings):
    """Azure Managed Redis behind a private endpoint, for OSMO."""

    size: str = Field(
        default="Balanced_B1",
        pattern=r"^(Balanced_B|ComputeOptimized_X|MemoryOptimized_M|FlashOptimized_A)[0-9]+$",
        description="Size. Small ones are sold out in some regions at times. By preset.",
        examples=["Balanced_B1", "ComputeOptimized_X3"],
    )
    high_availability: bool = Field(
        default=False,
        description="Whether a replica takes over; doubles the cost. Another value makes it anew, with empty queues. By preset.",
    )


class Storage(Settings):
    """The storage account of workflow data, behind a private endpoint."""

    redundancy: Literal["LRS", "ZRS", "GRS", "GZRS"] = Field(default="LRS", description="How many copies there are, and where. By preset.")
    auth: Literal["workload-identity", "key"] = Field(
        default="workload-identity",
        description="How OSMO logs in: as an identity of its own, without any key, or with the account's key.",
    )
    containers: tuple[Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")], ...] = Field(
        default=("datasets",), description=f"Containers beside `{BUCKET}`."
    )
    versioning: bool = Field(default=False, description="Whether overwritten objects are kept as versions. By preset.")
    soft_delete_days: int = Field(default=7, ge=1, le=365, description="Days for which deleted objects can be restored. By preset.")
    cool_after_days: PositiveInt | None = Field(
        default=None, description="Days without change after which objects get cheaper to keep. By preset."
    )
    delete_after_days: PositiveInt | None = Field(default=None, description="Days without change after which workflow data is deleted.")


class KeyVault(Settings):
    """A vault with copies of the generated passwords."""

    enabled: bool = Field(default=False, description="Whether there is one. By preset.")
    purge_protection: bool = Field(
        default=False, description="Whether nobody can remove it for good before 90 days have passed. Cannot be taken back. By preset."
    )


class Observability(Settings):
    """What watches over the cluster."""

    logs: bool = Field(default=False, description="Container logs and the API server's audit log, in Log Analytics. By preset.")
    log_days: int = Field(default=30, ge=30, le=730, description="Days that logs are kept.")
    metrics: bool = Field(default=False, description="Metrics of nodes and pods, in Azure's managed Prometheus. By preset.")
    grafana: bool = Field(default=False, description="A managed Grafana that shows them. By preset.")


class Azure(Settings):
    """AKS with its network, PostgreSQL, Redis and Blob storage. Subscription and tenant are those that you are logged in to."""

    kind: Literal["azure"] = Field(description="What this cluster is.")
    preset: Preset = Field(
        default="dev",
        description="What the fields that cost money default to: `dev` for trying out, `team` for daily work, `production` for what must "
        "not stop. docs/azure.md compares them.",
    )
    subscription: Guid | None = Field(
        default=None, description="Id of the subscription; that of `ARM_SUBSCRIPTION_ID`, else the one that `az` works on, when unset."
    )
    location: Region = Field(default="eastus2", description="Azure region.")
    prefix: str = Field(default="sdg", pattern=r"^[a-z][a-z0-9]*$", description="First part of every name.", examples=["sdg"])
    environment: str = Field(default="dev", pattern=r"^[a-z0-9]+$", description="Second part of every name.", examples=["dev"])
    suffix: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]{5}$",
        description="Last part of names that all of Azure shares; made of stack and subscription when unset. Another "
        "one helps where a name is taken.",
        examples=["k3x9a"],
    )
    kubernetes: str = Field(
        default_factory=lambda: versions().aks.kubernetes,
        pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$",
        description="Kubernetes version; without a patch, AKS chooses it.",
        examples=["1.35"],
    )
    lts: bool = Field(default=False, description="Long-term support, for versions whose community support has ended; needs tier Premium.")
    tier: Literal["Free", "Standard", "Premium"] = Field(
        default="Free", description="AKS' tier; only Free has no uptime promise. By preset."
    )
    allowed_ranges: tuple[Range, ...] = Field(
        default=(),
        max_length=200,
        description="Public addresses that reach the API server, storage and the key vault: of people and CI that deploy, your own "
        "among them.",
        examples=[["198.51.100.7/32"]],
    )
    api_server: ApiServer = Field(default=ApiServer(), description="Who reaches the API server.")
    network: Network = Field(default=Network(), description="The virtual network.")
    system_pool: Pool = Field(default=Pool(), description="Nodes of Kubernetes and OSMO themselves. By preset.")
    cpu_pool: CpuPool | None = Field(
        default=None, description="Nodes for workflows that need no GPUs; the system pool runs them when unset. By preset."
    )
    gpu_pools: tuple[GpuPool, ...] = Field(default=(GpuPool(),), description="Pools of nodes with GPUs; an empty list for none. By preset.")
    upgrades: Upgrades = Field(default=Upgrades(), description="What AKS changes by itself, and when.")
    database: PostgreSql = Field(default=PostgreSql(), description="PostgreSQL, for OSMO.")
    redis: Redis = Field(default=Redis(), description="Redis, for OSMO.")
    storage: Storage = Field(default=Storage(), description="Blob storage, for workflow data.")
    key_vault: KeyVault = Field(default=KeyVault(), description="A vault with copies of the generated passwords.")
    observability: Observability = Field(default=Observability(), description="What watches over the cluster.")
    storage_class: str = Field(
        default="managed-csi", description="StorageClass of every volume claim: a disk. Databases break on shared files."
    )
    accept_unvalidated: bool = Field(
        default=False,
        description="Whether versions of Kubernetes, GPU operator and KAI may be combined that nobody has validated together.",
    )
    unlock: tuple[Literal["cluster", "database", "redis", "storage", "key-vault"], ...] = Field(
        default=(), description="What an update may make anew although that loses its data; for that one update."
    )
    tags: Mapping[str, str] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": TAGS},
        description=f"Tags of every resource; at most {TAGS}, with keys of letters, digits, `_`, `.` and `-` that don't begin with a "
        "digit: private DNS zones keep no others.",
    )
    deadline: Seconds = Field(default=1800, description="Seconds that the cluster's gate waits for nodes, storage class and GPUs.")

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, given: Any) -> Any:  # noqa: ANN401 -- whatever a stack file may hold
        return with_preset(given) if isinstance(given, Mapping) else given

    @property
    def gpus(self) -> int:
        """GPUs that workflows may use, when every pool has grown to its maximum; unknown sizes count as none."""
        return sum(gpus_of(pool) * pool.max for pool in self.gpu_pools)

    @property
    def gpus_per_node(self) -> int:
        """GPUs of the largest node that there can be."""
        return max((gpus_of(pool) for pool in self.gpu_pools if pool.max), default=0)

    @property
    def min_nodes(self) -> int:
        """Nodes that there always are."""
        pools = [self.system_pool, *([self.cpu_pool] if self.cpu_pool else []), *self.gpu_pools]
        return sum(pool.min for pool in pools)

    @property
    def gpus_may_be_absent(self) -> bool:
        """Whether there may be no node with GPUs until somebody asks for one."""
        return any(gpus_of(pool) and pool.min < pool.max for pool in self.gpu_pools) and not any(pool.min for pool in self.gpu_pools)

    @property
    def dedicated_gpu_nodes(self) -> bool:
        """GPU nodes are tainted from the start."""
        return bool(self.gpus)


def gpus_of(pool: GpuPool) -> int:
    """GPUs of one node of a pool; 0 for a size that the catalog doesn't know, which a rule refuses."""
    size = vm_sizes().get(pool.size)
    return size.gpu.count if size and size.gpu else 0
