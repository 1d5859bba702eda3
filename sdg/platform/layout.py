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

NIM_OPERATOR_NAMESPACE: Final = "nim-operator"
NIM_OPERATOR_RELEASE: Final = "nim-operator"
# where NIMs, their volumes, downloads and Secrets are; part of the host names that workflow specs refer to
NIM_NAMESPACE: Final = "osmo-nims"
NIM_PORT: Final = 8000
NIM_SERVICES: Final = "nimservices.apps.nvidia.com"
NIM_CACHES: Final = "nimcaches.apps.nvidia.com"
# of its chart; the operator stops where one of them is missing
NIM_CRDS: Final = (
    "nemocustomizers.apps.nvidia.com",
    "nemodatastores.apps.nvidia.com",
    "nemoentitystores.apps.nvidia.com",
    "nemoevaluators.apps.nvidia.com",
    "nemoguardrails.apps.nvidia.com",
    "nimbuilds.apps.nvidia.com",
    NIM_CACHES,
    "nimpipelines.apps.nvidia.com",
    NIM_SERVICES,
)
NIM_PULL_SECRET: Final = "nvcr-pull-secret"  # noqa: S105 - a Secret's name, as the next two
NGC_SECRET: Final = "ngc-api-secret"  # noqa: S105
NGC_KEY: Final = "NGC_API_KEY"
HF_SECRET: Final = "hf-token-secret"  # noqa: S105
HF_KEY: Final = "HF_TOKEN"


def nim_claim(nim: str) -> str:
    """Name of the claim of a NIM's model store, whoever makes it: the operator derives the same."""
    return f"{nim}-pvc"


def download_job(nim: str) -> str:
    """Name of the Job that fills a NIM's model store."""
    return f"{nim}-hf-download"
