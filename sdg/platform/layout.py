"""Where the platform's parts live in a cluster."""

from __future__ import annotations

from typing import Final

# what the program itself makes and Helm does not, so that it is known again
OURS: Final = {"app.kubernetes.io/managed-by": "sdg"}

MINIO_NAMESPACE: Final = "minio-operator"
MINIO_ROOT_SECRET: Final = "minio-root"  # noqa: S105 - a Secret's name
MINIO_CLAIM: Final = "minio-data"

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

# what stands in for the GPU operator's RuntimeClass on nodes without GPUs: pods that name it run as any other
RUNTIME_CLASS: Final = "nvidia"
STUB_HANDLER: Final = "runc"

GPU_OPERATOR_NAMESPACE: Final = "gpu-operator"
GPU_OPERATOR_RELEASE: Final = "gpu-operator"
