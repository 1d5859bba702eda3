"""Where OSMO's parts live in a cluster: names that its charts and images fix.

Source: the rendered charts `service` and `backend-operator` 1.3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sdg.kube.workload import Workload

SERVICE_RELEASE: Final = "osmo-minimal"
OPERATOR_RELEASE: Final = "osmo-operator"

SERVICE_NAMESPACE: Final = "osmo-minimal"
OPERATOR_NAMESPACE: Final = "osmo-operator"
WORKFLOWS_NAMESPACE: Final = "osmo-workflows"

SERVICE_ACCOUNT: Final = "osmo"  # of the service chart's pods, unless `global.serviceAccountName` says another one
API_DEPLOYMENT: Final = "osmo-service"
GATEWAY_DEPLOYMENT: Final = "osmo-gateway-envoy"
LISTENER_DEPLOYMENT: Final = f"{OPERATOR_RELEASE}-osmo-backend-listener"
GATEWAY_SERVICE: Final = "osmo-gateway"
GATEWAY_PORT: Final = 80
# where the API answers
GATEWAY_HOST: Final = f"{GATEWAY_SERVICE}.{SERVICE_NAMESPACE}.svc.cluster.local"

# how gates and dynamic resources find the API, as their input
GATEWAY: Final[Mapping[str, str | int]] = {"namespace": SERVICE_NAMESPACE, "service": GATEWAY_SERVICE, "port": GATEWAY_PORT}

UI_SERVICE: Final = "osmo-ui"
UI: Final[Mapping[str, str | int]] = {"namespace": SERVICE_NAMESPACE, "service": UI_SERVICE, "port": 80}

# what is cheap to ask each of them for
HEALTH_PATHS: Final[Mapping[str, str]] = {GATEWAY_SERVICE: "/api/version", UI_SERVICE: "/"}

BACKEND: Final = "default"
POOL: Final = "default"
GPU_PLATFORM: Final = "gpu"

# hard-coded in the charts' templates or read from there by the images
ADMIN_SECRET: Final = "default-admin-secret"  # noqa: S105 - a Secret's name
MEK_CONFIG_MAP: Final = "mek-config"
MEK_KEY: Final = "mek.yaml"
OPERATOR_TOKEN_SECRET: Final = "osmo-operator-token"  # noqa: S105 - a Secret's name
DATABASE_SECRET: Final = "db-secret"  # noqa: S105 - a Secret's name
DATABASE_KEY: Final = "db-password"
PULL_SECRET: Final = "nvcr-secret"  # noqa: S105 - a Secret's name
REDIS_SECRET: Final = "redis-secret"  # noqa: S105 - a Secret's name
REDIS_KEY: Final = "redis-password"
IMAGE_SECRET: Final = "osmo-image-cred"  # noqa: S105 - a Secret's name
STORAGE_SECRETS: Final = ("osmo-workflow-data-cred", "osmo-workflow-log-cred", "osmo-workflow-app-cred")

# the chart's volumes, which outlive their release: Helm keeps them by their resource policy
DATABASE_CLAIM: Final = "postgres-volume"
REDIS_CLAIM: Final = "redis-volume"

# what OSMO's operator writes into the cluster and leaves there: queues and topologies of the KAI scheduler, labelled with the namespace
# that workflows run in
SCHEDULER_LABEL: Final = "osmo.namespace"
QUEUE_PREFIXES: Final = (f"osmo-pool-{WORKFLOWS_NAMESPACE}-", f"osmo-default-{WORKFLOWS_NAMESPACE}")

_SERVICE_DEPLOYMENTS: Final = (
    API_DEPLOYMENT,
    "osmo-router",
    "osmo-worker",
    "osmo-agent",
    "osmo-logger",
    "osmo-delayed-job-monitor",
    "osmo-ui",
    GATEWAY_DEPLOYMENT,
)


def service_workloads(stores: Iterable[str] = ()) -> tuple[Workload, ...]:
    """What the service's release runs; `stores` are the `postgres` and `redis` that it brings, which come first."""
    return tuple(Workload("Deployment", SERVICE_NAMESPACE, name) for name in (*stores, *_SERVICE_DEPLOYMENTS))


OPERATOR_WORKLOADS: Final = tuple(
    Workload("Deployment", OPERATOR_NAMESPACE, f"{OPERATOR_RELEASE}-osmo-backend-{part}") for part in ("listener", "worker")
)
