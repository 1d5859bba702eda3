"""`sdg:cluster`: where everything runs."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PositiveInt

from sdg.settings.azure import Azure
from sdg.settings.base import DnsLabel, Seconds, Settings, VersionRange

DEDICATED: Final = "Whether nodes with GPUs are kept for workflows that ask for GPUs. Needs another node; leave it off on one machine."
SnapChannel = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+(-strict)?/(stable|candidate|beta|edge)$", examples=["1.31/stable"])]


class Capacity(Settings):
    """What a cluster must offer, whoever makes it."""

    min_nodes: PositiveInt = Field(default=1, description="Nodes that must be Ready and schedulable.")
    storage_class: str | None = Field(
        default=None, description="StorageClass of every volume claim; the cluster's default class when unset."
    )
    gpus: int = Field(default=0, ge=0, description="GPUs that workflows may use, over all nodes; 0 for a CPU-only cluster.")
    gpus_per_node: int = Field(default=0, ge=0, description="GPUs that at least one node must offer by itself; 0 checks the total only.")
    dedicated_gpu_nodes: bool = Field(default=False, description=DEDICATED)


class ExistingCluster(Capacity):
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
    deadline: Seconds = Field(default=300, description="Seconds that the cluster's gate waits for nodes, storage class and GPUs.")


class SshHost(Settings):
    """A host that commands reach over SSH, as a user who may use `sudo` without a password. The key is `sdg:sshPrivateKey`."""

    address: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$", description="Host name or IP address.", examples=["gpu-box.example.com"])
    user: str = Field(pattern=r"^[a-z_][a-z0-9_-]*$", description="User to log in as.", examples=["ubuntu"])
    port: int = Field(default=22, ge=1, le=65535, description="Port of the SSH server.")
    host_key: str | None = Field(
        default=None, description="Public key that the host must show, as in `known_hosts` without the host's name; any when unset."
    )


class MicroK8s(Capacity):
    """A MicroK8s on this machine or on a host reached over SSH."""

    kind: Literal["microk8s"] = Field(description="What this cluster is.")
    name: DnsLabel = Field(
        default="microk8s",
        description="Stable name of the cluster, and of its context in your kubeconfig. A stack keeps it for as long as it lives.",
        examples=["workstation"],
    )
    adopt: bool = Field(
        default=False,
        description="Whether a MicroK8s that something else installed is taken as it is; destroy then uninstalls OSMO and leaves it.",
    )
    channel: SnapChannel | None = Field(default=None, description="Snap channel to install from; the pinned one when unset.")
    host: SshHost | None = Field(default=None, description="Host to install on, over SSH; this machine when unset.")
    kubeconfig: str = Field(
        default="~/.kube/config",
        description="Kubeconfig of yours that gets a context of the cluster's name; nothing else in it is touched.",
    )
    deadline: Seconds = Field(default=600, description="Seconds that the cluster's gate waits for nodes, storage class and GPUs.")


Cluster = Annotated[ExistingCluster | MicroK8s | Azure, Field(discriminator="kind")]
