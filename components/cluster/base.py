"""What a cluster hands to the stages that are built on it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from sdg.gates.resource import GateVerdict

ConnectionOutput = pulumi.Output[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class ClusterHandle:
    """What later stages need of a cluster, whoever made it.

    Attributes:
        kind: the cluster's kind as the settings name it; policies read it.
        identity: stable name of the cluster, whatever its address and credentials.
        gpus: GPUs that workflows may use, over all nodes; 0 for a CPU-only cluster.
        provider: Kubernetes provider bound to the cluster.
        connection: how gates and dynamic resources reach the cluster: kubeconfig text and context; secret.
        ready: the verdict of the cluster's gate; depend on this, never on the component itself.
        kubernetes: version of the API server, as the gate found it.
        storage_class: name of the class for volumes of the platform, as the gate found it.
        deleted_with: what takes everything in the cluster along when it is deleted; None for a cluster that the stack doesn't own,
            whose releases must really be uninstalled.
    """

    kind: str
    identity: str
    gpus: int
    provider: kubernetes.Provider
    connection: ConnectionOutput
    ready: GateVerdict
    kubernetes: pulumi.Output[str]
    storage_class: pulumi.Output[str]
    deleted_with: pulumi.Resource | None
