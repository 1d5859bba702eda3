"""`sdg:cluster`: where everything runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from sdg.settings.base import DnsLabel, Planned, Seconds, Settings, VersionRange


class ExistingCluster(Settings):
    """A cluster that something else made: only its kubeconfig is read, and destroy leaves the cluster itself alone."""

    kind: Literal["existing"] = Field(description="What this cluster is.")
    name: DnsLabel = Field(
        description="Stable name of the cluster. Another name means another cluster and replaces everything; credentials may rotate.",
        examples=["lab-1"],
    )
    kubeconfig: str | None = Field(
        None,
        description="Path of the kubeconfig: absolute, below `~`, or relative to the project. Unset: `$KUBECONFIG`, else `~/.kube/config`.",
        examples=["~/.kube/lab-1"],
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig; its current context when unset.")
    kubernetes: VersionRange | None = Field(
        default=None, description="Kubernetes versions that are accepted; those of the OSMO profile when unset.", examples=[">=1.30,<1.37"]
    )
    min_nodes: PositiveInt = Field(default=1, description="Nodes that must be Ready and schedulable.")
    storage_class: str | None = Field(
        default=None, description="StorageClass of every volume claim; the cluster's default class when unset."
    )
    gpus: int = Field(default=0, ge=0, description="GPUs that workflows may use, over all nodes; 0 for a CPU-only cluster.")
    gpus_per_node: int = Field(default=0, ge=0, description="GPUs that at least one node must offer by itself; 0 checks the total only.")
    deadline: Seconds = Field(default=300, description="Seconds that the cluster's gate waits for nodes, storage class and GPUs.")


class MicroK8s(Planned):
    """A single-node MicroK8s on this machine or on a host reached over SSH."""

    kind: Literal["microk8s"]


class Azure(Planned):
    """AKS with its network, PostgreSQL, Redis and Blob storage."""

    kind: Literal["azure"]


Cluster = Annotated[ExistingCluster | MicroK8s | Azure, Field(discriminator="kind")]
