"""NVIDIA's GPU operator, from its chart: what makes the GPUs of a cluster's nodes usable."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.cluster.base import ClusterBinding
from components.ownership import Ground, Ownership, owned_namespace
from components.release import pinned_release
from components.remains import Remains, of_gpu_operator
from sdg.catalog.gpu_driver import driver_values
from sdg.platform import layout
from sdg.platform.taints import gpu_operator_values
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.mirror import Mirror
from sdg.settings.platform import GpuOperator as GpuOperatorSettings

TIMEOUT: Final = 300.0  # seconds of one Helm call; the cluster's gate waits for the GPUs
# drivers and toolkit are installed by privileged pods, which clusters may forbid by default
NAMESPACE_LABELS: Final = {"pod-security.kubernetes.io/enforce": "privileged"}
GROUND: Final = Ground(
    namespaces=(layout.GPU_OPERATOR_NAMESPACE,),
    kinds=("ClusterPolicy",),
    remedy="A cluster has one GPU operator: to use the one that is there:"
    " `pulumi config set --path sdg:platform.gpuOperator.install false`.",
)


class GpuOperator(pulumi.ComponentResource):
    """The release `gpu-operator`; nothing where the stack installs none, and on MicroK8s, whose addon does.

    Its chart has a registry for each of its images, which `sdg:mirror.images` doesn't reach.

    Args:
        after: what has to be out of its way.

    Attributes:
        resources: what has to be there before GPUs can be counted.
    """

    def __init__(
        self,
        name: str,
        settings: GpuOperatorSettings,
        binding: ClusterBinding,
        *,
        mirror: Mirror,
        after: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        plan = gpu_operator_plan(settings, cluster=binding.kind, gpus=binding.gpus)
        facts = {"cluster": binding.kind, "gpus": binding.gpus, "install": plan.install, "driver": plan.driver}
        super().__init__("sdg:platform:GpuOperator", name, facts, opts)
        installed = plan.install and binding.kind != "microk8s"
        self.resources: tuple[pulumi.Resource, ...] = (self._release(name, settings, binding, mirror, after),) if installed else ()
        self.register_outputs({})

    def _release(
        self, name: str, settings: GpuOperatorSettings, binding: ClusterBinding, mirror: Mirror, after: pulumi.Resource
    ) -> Release:
        plan = gpu_operator_plan(settings, cluster=binding.kind, gpus=binding.gpus)
        remains = Remains(f"{name}-remains", of_gpu_operator(settings), binding, after, pulumi.ResourceOptions(parent=self))
        ours = Ownership(f"{name}-ownership", GROUND, binding.connection, pulumi.ResourceOptions(parent=self, depends_on=[remains]))
        in_cluster = pulumi.ResourceOptions(parent=self, provider=binding.provider, depends_on=[ours])
        namespace = owned_namespace(f"{name}-namespace", layout.GPU_OPERATOR_NAMESPACE, in_cluster, NAMESPACE_LABELS)
        return pinned_release(
            f"{name}-release",
            "gpu-operator",
            release=layout.GPU_OPERATOR_RELEASE,
            namespace=layout.GPU_OPERATOR_NAMESPACE,
            values=driver_values(plan.driver) | gpu_operator_values(binding.taints.gpus),
            mirror=mirror,
            timeout=TIMEOUT,
            opts=pulumi.ResourceOptions.merge(
                in_cluster, pulumi.ResourceOptions(depends_on=[namespace], deleted_with=binding.deleted_with)
            ),
        )
