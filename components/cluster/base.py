"""What a cluster hands to the stages that are built on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes

from sdg.gates.resource import GateVerdict
from sdg.platform.taints import NodeTaints, further

if TYPE_CHECKING:  # Azure's SDK takes seconds, which other stacks need not spend
    from components.cluster.azure.base import NetworkHandle

ConnectionOutput = pulumi.Output[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class ManagedDatabase:
    """A PostgreSQL server that comes with the cluster; its password is secret.

    Attributes:
        tls: whether it refuses connections without TLS.
        resources: what must be there before it can be used.
    """

    host: pulumi.Input[str]
    port: int
    name: str
    user: str
    password: pulumi.Output[str]
    tls: bool = True
    resources: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedRedis:
    """A Redis that comes with the cluster; its password is secret.

    Attributes:
        resources: what must be there before it can be used.
    """

    host: pulumi.Input[str]
    port: int
    tls: bool
    password: pulumi.Output[str]
    resources: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedStore:
    """Blob storage that comes with the cluster.

    Attributes:
        client_id: of the identity that OSMO's pods log in as; None where they log in with the key.
        key: of the account, secret; None where pods log in as an identity.
        resources: what must be there before it can be used.
    """

    account: pulumi.Input[str]
    container: str
    location: str
    client_id: pulumi.Output[str] | None = None
    key: pulumi.Output[str] | None = None
    resources: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedShares:
    """File shares that come with the cluster, for volumes that many nodes write to.

    Attributes:
        storage_class: name of the StorageClass that is to be made for them.
        provisioner, parameters, mount_options: of that class.
        resources: what must be there before a volume can be made.
    """

    storage_class: str
    provisioner: str
    parameters: Mapping[str, pulumi.Input[str]]
    mount_options: tuple[str, ...]
    resources: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedServices:
    """What a cluster's provider runs beside it; None for what OSMO has elsewhere, and for shares that nobody needs."""

    database: ManagedDatabase | None = None
    redis: ManagedRedis | None = None
    store: ManagedStore | None = None
    shares: ManagedShares | None = None

    @property
    def resources(self) -> tuple[pulumi.Resource, ...]:
        """What must be there before OSMO can use all of them."""
        return tuple(resource for each in (self.database, self.redis, self.store) if each for resource in each.resources)


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """A node pool as the cluster's gate checks it.

    Attributes:
        minimum, maximum: nodes; the autoscaler adds and removes those between.
        gpus: of one node.
        labels, taints: of every node; taints as `key=value:Effect`.
    """

    name: str
    minimum: int
    maximum: int
    gpus: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()

    def as_input(self) -> dict[str, Any]:
        """As an entry of the cluster gate's input `pools`."""
        bounds = {"name": self.name, "minimum": self.minimum, "maximum": self.maximum}
        return {**bounds, "gpus": self.gpus, "labels": dict(self.labels), "taints": list(self.taints)}


@dataclass(frozen=True, slots=True)
class ClusterBinding:
    """A cluster that can be reached and has not been looked at yet.

    Attributes:
        kind: the cluster's kind as the settings name it; policies read it.
        identity: stable name of the cluster, whatever its address and credentials.
        gpus: GPUs that workflows may use, over all nodes; 0 for a CPU-only cluster.
        dedicated_gpu_nodes: whether nodes with GPUs are kept for workflows that ask for GPUs.
        provider: Kubernetes provider bound to the cluster.
        connection: how gates and dynamic resources reach the cluster: kubeconfig text and context; secret.
        deleted_with: what takes everything in the cluster along when it is deleted; None for a cluster that the stack doesn't own,
            whose releases must really be uninstalled.
        revision: what the stack itself made the cluster of, as far as an update may change it; another one is looked at anew. None for a
            cluster that the stack doesn't own.
        pools: node pools that grow and shrink; none where the cluster's nodes are just there.
        nodes: what makes nodes beside those that the cluster starts with; its gate looks when they are done.
        services: what the cluster's provider runs beside it; None where it runs nothing.
        host_driver: whether nodes with GPUs are known to have the driver from their host, and with it all of its files.
        azure: where the cluster is in Azure; None for a cluster that the stack doesn't make there.
    """

    kind: str
    identity: str
    gpus: int
    dedicated_gpu_nodes: bool
    provider: kubernetes.Provider
    connection: ConnectionOutput
    deleted_with: pulumi.Resource | None
    revision: str | None = field(default=None, kw_only=True)
    host_driver: bool = field(default=False, kw_only=True)
    pools: tuple[PoolPlan, ...] = field(default=(), kw_only=True)
    nodes: tuple[pulumi.Resource, ...] = field(default=(), kw_only=True)
    services: ManagedServices | None = field(default=None, kw_only=True)
    azure: NetworkHandle | None = field(default=None, kw_only=True)

    @property
    def taints(self) -> NodeTaints:
        """What pods for workflows have to tolerate, so that every pool is of use."""
        gpus = [taint for pool in self.pools if pool.gpus for taint in pool.taints]
        others = [taint for pool in self.pools if not pool.gpus for taint in pool.taints]
        return NodeTaints(further(gpus), further(others))


@dataclass(frozen=True, slots=True)
class ClusterHandle(ClusterBinding):
    """What later stages need of a cluster, whoever made it.

    Attributes:
        ready: what comes after the cluster's verdict before all else; depend on this, never on the component itself.
        verdict: of the cluster's gate.
        kubernetes: version of the API server, as the gate found it.
        storage_class: name of the class for volumes of the platform, as the gate found it.
    """

    ready: pulumi.Resource
    verdict: GateVerdict
    kubernetes: pulumi.Output[str]
    storage_class: pulumi.Output[str]


def bound_provider(name: str, identity: str, connection: ConnectionOutput, opts: pulumi.ResourceOptions) -> kubernetes.Provider:
    """A Kubernetes provider with this project's options, for a cluster of a stable name."""
    return kubernetes.Provider(
        name,
        kubeconfig=connection["kubeconfig"],
        context=connection["context"],
        cluster_identifier=identity,
        # a killed update leaves objects that the state doesn't know: the next one takes them over
        upsert_existing_objects=True,
        # changed content is written in place: pods that mount a name must not find it gone for a moment
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )
