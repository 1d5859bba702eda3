"""Values of chart `service`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.servers import Servers
from sdg.osmo.values.base import GATEWAY_URL, Images, Values, global_values, rolled_by
from sdg.osmo.values.database import postgres_values, redis_passwords, redis_values
from sdg.osmo.values.pools import GpuPlan, pool_configs
from sdg.osmo.values.registry import workflow_credential
from sdg.osmo.values.storage import StorageChoice, pod_labels, secret_references, service_account, workflow_storage
from sdg.platform.taints import NONE, NodeTaints
from sdg.settings.osmo import Osmo, Replicas

# 30 probes, 5 s apart: the API needs the database, and the database needs its volume first
STARTUP_PROBE: Final[Mapping[str, Any]] = {"failureThreshold": 30}
SCALED_SERVICES: Final = ("service", "router", "agent", "worker", "logger")
TOKEN_CREDENTIAL: Final = "default"  # noqa: S105 - a name


def service_values(
    settings: Osmo,
    *,
    images: Images,
    storage: StorageChoice,
    gpus: GpuPlan,
    optix: bool,
    storage_class: object,
    database_password: object,
    secrets_fingerprint: object,
    token_rollout: str | None = None,
    servers: Servers | None = None,
    taints: NodeTaints = NONE,
) -> Values:
    """Values of chart `service`.

    Args:
        optix: whether pods with GPUs get their node's OptiX denoiser.
        storage_class: class of the in-cluster database's and Redis' volumes.
        database_password: of the in-cluster database; an external one's is in its Secret and not looked at here.
        secrets_fingerprint: any text that changes with what the Secrets and the ConfigMap hold that pods read when they start.
        token_rollout: any text that changes when the operator's token was changed by hand; profiles that read the token from a Secret only.
        servers: where database and Redis are; as the settings say, unless they come with the cluster.
        taints: of nodes that workflows are to run on all the same.
    """
    servers = servers or Servers.of(settings)
    return {
        "global": global_values(settings, images),
        **service_account(storage),
        "podMonitor": {"enabled": False},  # its objects need a definition that not every cluster has
        "gateway": _gateway(settings, images),
        "services": {
            "configFile": {"enabled": True},
            **_programs(settings, servers, storage, secrets_fingerprint),
            "ui": {"enabled": True, "apiHostname": f"{layout.GATEWAY_HOST}:{layout.GATEWAY_PORT}"},
            "defaultAdmin": {
                "enabled": True,
                "username": "admin",
                "passwordSecretName": layout.ADMIN_SECRET,
                "passwordSecretKey": "password",
            },
            **_backend_tokens(settings, token_rollout),
            **_migration(settings, images),
            "postgres": postgres_values(servers.database, database_password, storage_class, images),
            "redis": redis_values(servers.redis, storage_class, images),
            "configs": _configs(settings, images, storage, pool_configs(settings.pods, gpus, optix=optix, taints=taints)),
        },
    }


def _programs(settings: Osmo, servers: Servers, storage: StorageChoice, fingerprint: object) -> Values:
    programs: Values = {name: {"scaling": _bounds(getattr(settings.scaling, name))} for name in SCALED_SERVICES}
    programs["delayedJobMonitor"] = {}
    labels, passwords = pod_labels(storage), redis_passwords(servers)
    return {
        name: {**values, "startupProbe": dict(STARTUP_PROBE), **rolled_by(fingerprint), **labels.get(name, {}), **passwords.get(name, {})}
        for name, values in programs.items()
    }


def _bounds(replicas: Replicas) -> Values:
    return {"minReplicas": replicas.min, "maxReplicas": replicas.max}


def _gateway(settings: Osmo, images: Images) -> Values:
    return {
        "oauth2Proxy": {"enabled": False},
        "authz": {"enabled": False},
        "envoy": {
            **images.other("envoy"),
            # LoadBalancer is the chart's default; without one in the cluster nothing ever gets an address, with one the API is open to all
            "service": {"type": settings.gateway.type},
            "scaling": _bounds(settings.scaling.gateway),
            "defaultIdentity": {"user": "admin", "roles": "osmo-admin", "allowedPools": layout.POOL},
        },
    }


def _backend_tokens(settings: Osmo, rollout: str | None) -> Values:
    """What the API accepts the operator's token from. Older charts ignore it, and their API knows the tokens that it minted itself."""
    if versions().profiles[settings.profile].operator_token == "minted":  # noqa: S105 - a way, not a token
        return {}
    tokens: Values = {
        "enabled": True,
        "credentials": [{"name": TOKEN_CREDENTIAL, "existingSecret": {"name": layout.OPERATOR_TOKEN_SECRET}}],
    }
    return {"backendApiTokens": tokens | ({} if rollout is None else {"rolloutNonce": rollout})}


def _migration(settings: Osmo, images: Images) -> Values:
    """The chart's migration of the database's schema, for profiles that have one to run.

    Its Job runs beside the new pods, which start again until it is done. Helm's hooks are no way out: of one weight they are made by name,
    so that the Job would wait for a ConfigMap that comes after it.
    """
    asked = settings.migrate and versions().profiles[settings.profile].migrates
    return {"migration": {"enabled": True, **images.other("migration")}} if asked else {}


def _configs(settings: Osmo, images: Images, storage: StorageChoice, pools: Values) -> Values:
    secrets = secret_references(storage)
    backend_images: Values = {"init": images.reference("init-container"), "client": images.reference("client")}
    if settings.images.credentials == "ngc":
        backend_images["credential"] = workflow_credential()
        secrets = [layout.IMAGE_SECRET, *secrets]
    return {
        "enabled": True,
        "service": {"service_base_url": GATEWAY_URL},
        # the chart of 6.4 would fill in the release's namespace, and the queues made for it would stay unused; the images of 6.4 need one
        "backends": {layout.BACKEND: {"router_address": f"ws://{layout.GATEWAY_HOST}", "k8s_namespace": layout.WORKFLOWS_NAMESPACE}},
        **({"secretRefs": [{"secretName": name} for name in secrets]} if secrets else {}),
        "workflow": {"backend_images": backend_images, **workflow_storage(storage)},
        **pools,
    }
