"""`sdg:osmo`: the OSMO service and its operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from sdg.settings.base import Quantity, Seconds, Settings

# OSMO refuses tokens that live longer (its `max_token_duration`)
LONGEST_TOKEN_DAYS = 365
# their own, inside the cluster as well
POSTGRES_PORT = 5432
REDIS_PORT = 6379
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", examples=["db.example.com"])]
ImageLocation = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*$")]


class InClusterDatabase(Settings):
    """PostgreSQL from the OSMO chart, one pod on one volume that survives the release."""

    kind: Literal["in-cluster"] = Field(default="in-cluster", description="The pod that OSMO's chart brings, on a volume of its own.")


class ExternalDatabase(Settings):
    """A PostgreSQL 15 or newer that exists. Its password is `sdg:databasePassword`. OSMO uses TLS where the server offers it."""

    kind: Literal["external"] = Field(description="A server outside the stack.")
    host: HostName = Field(description="Host name of the server.")
    port: int = Field(default=POSTGRES_PORT, ge=1, le=65535, description="Port of the server.")
    name: str = Field(default="osmo", pattern=r"^[a-z_][a-z0-9_]{0,62}$", description="Database; made when the server lacks it.")
    user: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_@-]{0,62}$", description="User that owns the database.", examples=["osmo"])


class InClusterRedis(Settings):
    """Redis from the OSMO chart, one pod on one volume that survives the release."""

    kind: Literal["in-cluster"] = Field(default="in-cluster", description="The pod that OSMO's chart brings, on a volume of its own.")


class ExternalRedis(Settings):
    """A Redis 7 or newer that exists, without cluster mode on the client's side. Its password is `sdg:redisPassword`."""

    kind: Literal["external"] = Field(description="A server outside the stack.")
    host: HostName = Field(description="Host name of the server.", examples=["redis.example.com"])
    port: int = Field(default=REDIS_PORT, ge=1, le=65535, description="Port of the server; 10000 for Azure Managed Redis.")
    tls: bool = Field(default=True, description="Whether the server speaks TLS.")


class ManagedDatabase(Settings):
    """The PostgreSQL that comes with the cluster, as `sdg:cluster.database` describes it: on Azure, where it is the default."""

    kind: Literal["managed"] = Field(description="A server of the cluster's own provider.")


class ManagedRedis(Settings):
    """The Redis that comes with the cluster, as `sdg:cluster.redis` describes it: on Azure, where it is the default."""

    kind: Literal["managed"] = Field(description="A server of the cluster's own provider.")


Database = Annotated[InClusterDatabase | ExternalDatabase | ManagedDatabase, Field(discriminator="kind")]
Redis = Annotated[InClusterRedis | ExternalRedis | ManagedRedis, Field(discriminator="kind")]


class Images(Settings):
    """How OSMO's images are pulled."""

    credentials: Literal["none", "ngc"] = Field(
        default="none",
        description="`none`: anonymously. `ngc`: with `sdg:ngcApiKey`, by OSMO's own pods and by those of workflows.",
    )


class Pods(Settings):
    """What every workflow pod gets beside what its spec asks for."""

    shared_memory: Quantity | None = Field(
        default="32Gi", description="Upper bound of `/dev/shm`, in memory, on pods with GPUs; no volume when null.", examples=["32Gi"]
    )
    optix: bool | None = Field(
        default=None,
        description="Whether pods with GPUs get the node's OptiX denoiser, `/usr/share/nvidia/nvoptix.bin`, which rendering needs. The "
        "file comes with a driver of the host's own, and pods never start on a node that lacks it. Unset: on MicroK8s whose host owns the "
        "driver; nowhere else.",
    )


class Replicas(Settings):
    """Bounds of one service's autoscaler; it scales by CPU and memory, which needs a metrics server."""

    min: PositiveInt = Field(default=1, description="Replicas at least.")
    max: PositiveInt = Field(default=1, description="Replicas at most.")


class Scaling(Settings):
    """Replicas of OSMO's services."""

    service: Replicas = Field(default=Replicas(), description="The API.")
    router: Replicas = Field(default=Replicas(), description="The router, for streams into tasks.")
    agent: Replicas = Field(default=Replicas(), description="What backends talk to.")
    worker: Replicas = Field(default=Replicas(), description="What works through the queues.")
    logger: Replicas = Field(default=Replicas(), description="What takes the tasks' logs.")
    gateway: Replicas = Field(default=Replicas(max=6), description="The gateway's Envoy.")


class Quota(Settings):
    """Upper bounds for all workflow pods together, as a ResourceQuota of their namespace; none where unset."""

    cpu: PositiveInt | None = Field(default=None, description="CPUs requested.")
    memory: Quantity | None = Field(default=None, description="Memory requested.", examples=["256Gi"])
    gpus: PositiveInt | None = Field(default=None, description="GPUs requested.")
    pods: PositiveInt | None = Field(default=None, description="Pods at the same time.")


class OnDestroy(Settings):
    """What destroy does about workflows that are alive."""

    workflows: Literal["cancel", "drain", "refuse"] = Field(
        default="cancel", description="`cancel` ends them, `drain` waits until they are done, `refuse` ends the destroy before it began."
    )
    timeout: Seconds = Field(default=600, description="Seconds that cancelling or draining may take.")


class Gateway(Settings):
    """How OSMO's gateway is exposed. It has no authentication of its own, so it stays inside the cluster."""

    type: Literal["ClusterIP"] = Field(default="ClusterIP", description="Type of the gateway's Service.")


class OperatorToken(Settings):
    """The token with which the operator logs in to the service."""

    valid_days: int = Field(
        default=LONGEST_TOKEN_DAYS,
        ge=1,
        le=LONGEST_TOKEN_DAYS,
        description="Days until a token that is minted by the service expires (profile 6.3); one from a Secret does not.",
    )
    rotation: int = Field(
        default=0, ge=0, description="Another number makes another token; where it is a Secret, the last one stays accepted beside it."
    )


class Timeouts(Settings):
    """How long each stage may take, in seconds."""

    release: Seconds = Field(default=300, description="One Helm call; the gates wait, not Helm.")
    service: Seconds = Field(
        default=900, description="The service gate: every workload available, the API answering with the right version."
    )
    operator: Seconds = Field(default=600, description="The OSMO gate: operator connected, pool online, resources listed.")


class Osmo(Settings):
    """The OSMO service and its operator."""

    profile: str = Field(
        default="6.3", description="OSMO generation: charts, images and client that were released together.", examples=["6.3"]
    )
    chart_version: str | None = Field(
        default=None, description="Version of the profile's charts; the profile's preferred one when unset.", examples=["1.3.1"]
    )
    registry: ImageLocation | None = Field(
        default=None, description="Registry path of the OSMO images; NVIDIA's when unset.", examples=["registry.example.com/nvidia/osmo"]
    )
    adopt: bool = Field(
        default=False,
        description="Whether releases and keys that were installed by hand are taken over as they are. While it is on, their values stay; "
        "switch it off, and the preview shows what would be brought in line.",
    )
    migrate: bool = Field(
        default=False, description="Whether the chart brings the database's schema up to date; profile 6.4 asks for it after 6.3."
    )
    images: Images = Field(default=Images(), description="How OSMO's images are pulled.")
    database: Database = Field(default=InClusterDatabase(), description="Where OSMO keeps workflows and users.")
    redis: Redis = Field(default=InClusterRedis(), description="Where OSMO keeps queues.")
    pods: Pods = Field(default=Pods(), description="What every workflow pod gets beside what its spec asks for.")
    quota: Quota = Field(default=Quota(), description="Upper bounds for all workflow pods together.")
    scaling: Scaling = Field(default=Scaling(), description="Replicas of OSMO's services.")
    on_destroy: OnDestroy = Field(default=OnDestroy(), description="What destroy does about workflows that are alive.")
    gateway: Gateway = Field(default=Gateway(), description="How OSMO's gateway is exposed.")
    token: OperatorToken = Field(default=OperatorToken(), description="The operator's token.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each stage may take, in seconds.")
