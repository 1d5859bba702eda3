"""Helm values of OSMO's two charts, profile 6.3, as pure functions.

Every map here is complete for its chart version: lists replace a chart's list as a whole, and a null deletes a chart's default.
Secret values pass through as they are given (a Pulumi output stays one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sdg.osmo import layout

Values = dict[str, Any]

GATEWAY_URL: Final = f"http://{layout.GATEWAY_HOST}"
GPU_NODE_LABEL: Final = "nvidia.com/gpu.present"
GPU_TAINT: Final = "nvidia.com/gpu"

# 30 probes, 5 s apart: the API needs the database, and the database needs its volume first
STARTUP_PROBE: Final[Mapping[str, Any]] = {"failureThreshold": 30}
SCALED_SERVICES: Final = ("service", "router", "agent", "worker", "logger")
# the chart's defaults (1 CPU and 1-2 GiB each) don't fit beside the service on one workstation
OPERATOR_RESOURCES: Final[Mapping[str, Any]] = {
    "requests": {"cpu": "125m", "memory": "128Mi"},
    "limits": {"cpu": "250m", "memory": "256Mi"},
}


@dataclass(frozen=True, slots=True)
class Images:
    """Where OSMO's images come from: registry path and the one tag of the release set."""

    location: str
    tag: str

    def reference(self, image: str) -> str:
        return f"{self.location}/{image}:{self.tag}"

    def as_globals(self) -> Values:
        return {"osmoImageLocation": self.location, "osmoImageTag": self.tag}


def service_values(*, images: Images, database_password: object, storage_class: object, bucket_uri: str, gpu_platform: bool) -> Values:
    """Values of chart `service`: in-cluster database and Redis, static storage keys, gateway inside the cluster only."""
    return {
        "global": images.as_globals(),
        "podMonitor": {"enabled": False},
        "gateway": _gateway(),
        "services": {
            "configFile": {"enabled": True},
            **{name: _single(STARTUP_PROBE) for name in SCALED_SERVICES},
            "delayedJobMonitor": {"startupProbe": dict(STARTUP_PROBE)},
            "ui": {"enabled": True, "apiHostname": f"{layout.GATEWAY_HOST}:{layout.GATEWAY_PORT}"},
            "defaultAdmin": {
                "enabled": True,
                "username": "admin",
                "passwordSecretName": layout.ADMIN_SECRET,
                "passwordSecretKey": "password",
            },
            "postgres": _postgres(database_password, storage_class),
            "redis": _redis(storage_class),
            "configs": _configs(images, bucket_uri, gpu_platform=gpu_platform),
        },
    }


def operator_values(*, images: Images) -> Values:
    """Values of chart `backend-operator`: it reaches the API through the gateway, with the minted token."""
    return {
        "global": {
            **images.as_globals(),
            "serviceUrl": GATEWAY_URL,
            "agentNamespace": layout.OPERATOR_NAMESPACE,
            "backendNamespace": layout.WORKFLOWS_NAMESPACE,
            "backendName": layout.BACKEND,
            "loginMethod": "token",
            "accountTokenSecret": layout.OPERATOR_TOKEN_SECRET,
        },
        "services": {
            "backendListener": {"resources": dict(OPERATOR_RESOURCES)},
            "backendWorker": {"resources": dict(OPERATOR_RESOURCES)},
        },
        "podMonitor": {"enabled": False},
    }


def _single(probe: Mapping[str, Any]) -> Values:
    return {"scaling": {"minReplicas": 1, "maxReplicas": 1}, "startupProbe": dict(probe)}


def _gateway() -> Values:
    return {
        "oauth2Proxy": {"enabled": False},
        "authz": {"enabled": False},
        "envoy": {
            # LoadBalancer is the chart's default; without one in the cluster nothing ever gets an address, with one the API is open to all
            "service": {"type": "ClusterIP"},
            "scaling": {"minReplicas": 1},
            "defaultIdentity": {"user": "admin", "roles": "osmo-admin", "allowedPools": layout.POOL},
        },
    }


def _postgres(password: object, storage_class: object) -> Values:
    return {
        "enabled": True,
        "serviceName": "postgres",
        "port": 5432,
        "db": "osmo",
        "user": "postgres",  # the template sets no POSTGRES_USER, so no other name works
        "password": password,
        "storageClassName": storage_class,  # always a name: "" means no provisioning, and after null no upgrade succeeds
        "enableNodePort": False,
        "passwordSecretName": layout.DATABASE_SECRET,
        "passwordSecretKey": "db-password",
    }


def _redis(storage_class: object) -> Values:
    return {
        "enabled": True,
        "serviceName": "redis",
        "port": 6379,
        "tlsEnabled": False,
        "storageClassName": storage_class,
        "enableNodePort": False,
        "passwordSecretName": layout.REDIS_SECRET,
        "passwordSecretKey": "redis-password",
    }


def _configs(images: Images, bucket_uri: str, *, gpu_platform: bool) -> Values:
    data, log, app = layout.STORAGE_SECRETS
    configs: Values = {
        "enabled": True,
        "service": {"service_base_url": GATEWAY_URL},
        "backends": {layout.BACKEND: {"router_address": f"ws://{layout.GATEWAY_HOST}"}},
        "secretRefs": [{"secretName": name} for name in layout.STORAGE_SECRETS],
        "workflow": {
            "backend_images": {"init": images.reference("init-container"), "client": images.reference("client")},
            "workflow_data": {"credential": {"secretName": data}, "base_url": bucket_uri},
            "workflow_log": {"credential": {"secretName": log}},
            "workflow_app": {"credential": {"secretName": app}},
        },
    }
    if gpu_platform:
        configs |= _gpu_platform()
    return configs


def _gpu_platform() -> Values:
    """A platform `gpu` beside the default one, so that a workflow without GPUs doesn't occupy a GPU node."""
    template = {
        "spec": {
            "nodeSelector": {GPU_NODE_LABEL: "true"},
            "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        }
    }
    return {
        "podTemplates": {"gpu_toleration": template},
        "pools": {layout.POOL: {"platforms": {layout.GPU_PLATFORM: {"override_pod_template": ["gpu_toleration"]}}}},
    }
