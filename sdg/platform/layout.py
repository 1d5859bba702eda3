"""Where the platform's parts live in a cluster, and what they and GPUs are called there."""

from __future__ import annotations

from typing import Final

# what the program itself makes and Helm does not, so that it is known again
OURS: Final = {"app.kubernetes.io/managed-by": "sdg"}

MINIO_NAMESPACE: Final = "minio-operator"
MINIO_ROOT_SECRET: Final = "minio-root"  # noqa: S105 - a Secret's name
MINIO_CLAIM: Final = "minio-data"

# where MinIO says its buckets are, and S3's first region
S3_REGION: Final = "us-east-1"

KAI_NAMESPACE: Final = "kai-scheduler"
KAI_RELEASE: Final = "kai-scheduler"
# made by KAI itself when it starts, the child before its parent
KAI_DEFAULT_QUEUES: Final = ("default-queue", "default-parent-queue")
KAI_POD_GROUPS: Final = "podgroups.scheduling.run.ai"
KAI_QUEUES: Final = "queues.scheduling.run.ai"
# of its chart; Helm leaves CRDs behind
KAI_CRDS: Final = (
    "bindrequests.scheduling.run.ai",
    "configs.kai.scheduler",
    KAI_POD_GROUPS,
    KAI_QUEUES,
    "schedulingshards.kai.scheduler",
    "topologies.kai.scheduler",
)

# how NVIDIA's device plugin, its feature discovery and everybody else call GPUs, nodes that have some, and nodes kept for those who ask
GPU_RESOURCE: Final = "nvidia.com/gpu"
GPU_NODE_LABEL: Final = "nvidia.com/gpu.present"
GPU_TAINT: Final = GPU_RESOURCE
# what stands in for the GPU operator's RuntimeClass on nodes without GPUs: pods that name it run as any other
RUNTIME_CLASS: Final = "nvidia"
STUB_HANDLER: Final = "runc"

GPU_OPERATOR_NAMESPACE: Final = "gpu-operator"
GPU_OPERATOR_RELEASE: Final = "gpu-operator"
# of its chart, and of the feature discovery that it brings along
GPU_OPERATOR_CRDS: Final = (
    "clusterpolicies.nvidia.com",
    "nodefeaturegroups.nfd.k8s-sigs.io",
    "nodefeaturerules.nfd.k8s-sigs.io",
    "nodefeatures.nfd.k8s-sigs.io",
    "nvidiadrivers.nvidia.com",
)
