"""The configuration: everything can be read, nothing written, since it comes from a ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fastapi import APIRouter

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.clock import stamp
from rehearsal.services.osmo.configuration import Configuration, Pool
from rehearsal.services.osmo.context import Service, ServiceDep
from rehearsal.services.osmo.errors import InternalError, ManagedByConfigMapError, user_error
from rehearsal.services.osmo.pools import pool_config_view, pool_status

router = APIRouter(prefix="/api/configs")
JsonMap = dict[str, Any]
_SECRET_KEYS = frozenset({"access_key", "auth", "password", "slack_token", "private_key"})
_WRITES = ["PUT", "PATCH", "POST", "DELETE"]


@router.get("/service")
def get_service(*, service: ServiceDep) -> JsonMap:
    return _masked(service.configuration().service)


@router.get("/workflow")
def get_workflow(*, service: ServiceDep) -> JsonMap:
    shown = {**service.configuration().workflow}
    for key in ("workflow_data", "workflow_log", "workflow_app"):
        shown[key] = {**shown[key], "credential": _resolved(service, shown[key].get("credential"))}
    return _masked(shown)


@router.get("/dataset")
def get_dataset(*, service: ServiceDep) -> JsonMap:
    return _masked(service.configuration().dataset)


@router.get("/backend")
def list_backends(*, service: ServiceDep) -> JsonMap:
    return {"backends": _backends(service)}


@router.get("/backend/{name}")
def get_backend(*, service: ServiceDep, name: str) -> JsonMap:
    for backend in _backends(service):
        if backend["name"] == name:
            return backend
    raise InternalError(f"Backend {name} is not found.")


@router.get("/pool")
def list_pools(*, service: ServiceDep, verbose: bool = False, backend: str | None = None) -> JsonMap:
    configuration, view = service.configuration(), _PoolView.of(service, verbose=verbose)
    pools = [pool for pool in configuration.pools.values() if backend in (None, pool.backend)]
    return {"pools": {pool.name: view.show(configuration, pool, expanded=False) for pool in pools}}


@router.get("/pool/{name}")
def get_pool(*, service: ServiceDep, name: str, verbose: bool = False) -> JsonMap:
    configuration = service.configuration()
    return _PoolView.of(service, verbose=verbose).show(configuration, service.pool(configuration, name), expanded=True)


@router.get("/pool/{name}/platform")
def list_platforms(*, service: ServiceDep, name: str) -> JsonMap:
    platforms: JsonMap = get_pool(service=service, name=name)["platforms"]
    return platforms


@router.get("/pool/{name}/platform/{platform}")
def get_platform(*, service: ServiceDep, name: str, platform: str) -> JsonMap:
    found: JsonMap = _one(list_platforms(service=service, name=name), platform, f"Platform {platform} not found in pool {name}.")
    return found


@router.get("/pod_template")
def list_pod_templates(*, service: ServiceDep) -> JsonMap:
    return service.configuration().pod_templates


@router.get("/pod_template/{name}")
def get_pod_template(*, service: ServiceDep, name: str) -> JsonMap:
    found: JsonMap = _one(service.configuration().pod_templates, name, f"Pod Template {name} does not exist.")
    return found


@router.get("/group_template")
def list_group_templates(*, service: ServiceDep) -> JsonMap:
    return service.configuration().group_templates


@router.get("/group_template/{name}")
def get_group_template(*, service: ServiceDep, name: str) -> JsonMap:
    found: JsonMap = _one(service.configuration().group_templates, name, f"Group Template {name} does not exist.")
    return found


@router.get("/resource_validation")
def list_resource_validations(*, service: ServiceDep) -> JsonMap:
    return {name: [rule.model_dump() for rule in rules] for name, rules in service.configuration().resource_validations.items()}


@router.get("/resource_validation/{name}")
def get_resource_validation(*, service: ServiceDep, name: str) -> list[JsonMap]:
    rules: list[JsonMap] = _one(list_resource_validations(service=service), name, f"Resource Validation {name} does not exist.")
    return rules


@router.get("/role")
def list_roles(*, service: ServiceDep) -> list[JsonMap]:
    return [_role(role) for _name, role in sorted(service.configuration().roles.items())]


@router.get("/role/{name}")
def get_role(*, service: ServiceDep, name: str) -> JsonMap:
    return _role(_one(service.configuration().roles, name, f"Role {name} does not exist."))


@router.get("/backend_test")
def list_backend_tests(*, service: ServiceDep) -> JsonMap:
    return service.configuration().backend_tests


@router.get("/history")
def get_history(*, service: ServiceDep, offset: int = 0, limit: int = 20, omit_data: bool = False) -> JsonMap:
    """One revision of each: the one that the ConfigMap made."""
    configuration = service.configuration()
    with service.reading() as database:
        created = stamp(database.created_at)
    rows = [
        {
            "config_type": kind,
            "name": "",
            "revision": 1,
            "username": "system",
            "created_at": created,
            "description": "Initial configuration",
            "tags": ["initial-config"],
            "data": None if omit_data else data,
        }
        for kind, data in _history(configuration, list_roles(service=service)).items()
    ]
    return {"configs": rows[offset : offset + limit]}


@router.api_route("/{path:path}", methods=_WRITES, include_in_schema=False)
def refuse_write(path: str) -> None:
    """Every write, whatever it says."""
    del path
    raise ManagedByConfigMapError


@dataclass(frozen=True, slots=True)
class _PoolView:
    """How pools are shown now."""

    online: bool
    heartbeats: Mapping[str, str]
    verbose: bool

    @classmethod
    def of(cls, service: Service, *, verbose: bool) -> Self:
        with service.reading() as database:
            heartbeats = {name: row["last_heartbeat"] for name, row in database.backends.items()}
        return cls(service.backend_online(), heartbeats, verbose)

    def show(self, configuration: Configuration, pool: Pool, *, expanded: bool) -> JsonMap:
        status = pool_status(pool, online=self.online)
        shown = pool_config_view(configuration, pool, status, verbose=self.verbose, expanded=expanded)
        return {**shown, "last_heartbeat": self.heartbeats.get(pool.backend)} if self.verbose else shown


def _history(configuration: Configuration, roles: list[JsonMap]) -> JsonMap:
    return {
        "RESOURCE_VALIDATION": {name: [rule.model_dump() for rule in rules] for name, rules in configuration.resource_validations.items()},
        "BACKEND_TEST": configuration.backend_tests,
        "ROLE": roles,
        "WORKFLOW": _masked(configuration.workflow),
        "SERVICE": _masked(configuration.service),
    }


def _backends(service: Service) -> list[JsonMap]:
    """The backends that ever connected, with what the configuration says about them."""
    configuration, online = service.configuration(), service.backend_online()
    if online:
        service.note_backends(configuration)
    version, layout = str(service.version()), service.cluster.layout
    with service.reading() as database:
        return [
            {
                "name": name,
                **defaults.merged(defaults.BACKEND, configuration.backends.get(name) or {}),
                "version": version,
                "k8s_uid": name,
                "k8s_namespace": layout.workflows,
                "last_heartbeat": row["last_heartbeat"],
                "created_date": row["created_date"],
                "online": online,
            }
            for name, row in database.backends.items()
        ]


def _one(found: Mapping[str, Any], name: str, missing: str) -> Any:  # noqa: ANN401 - whatever the section holds
    if name not in found:
        raise user_error(missing)
    return found[name]


def _role(role: JsonMap) -> JsonMap:
    """A role as it is read: actions sorted, what was left out filled in."""
    policies = [
        {
            "effect": policy.get("effect", "Allow"),
            "actions": sorted(policy.get("actions") or []),
            "resources": policy.get("resources") or [],
        }
        for policy in role.get("policies") or []
    ]
    shown = {"description": "", "immutable": False, "sync_mode": "import", **role}
    return {**shown, "policies": policies, "external_roles": role.get("external_roles") or [role["name"]]}


def _resolved(service: Service, credential: JsonMap | None) -> JsonMap | None:
    """A storage credential with the contents of the Secret that it names."""
    if not credential or "secretName" not in credential:
        return credential
    secret = service.cluster.secret(service.cluster.layout.service, str(credential["secretName"])) or {}
    return {**{key: value for key, value in credential.items() if key != "secretName"}, **secret}


def _masked(section: JsonMap) -> JsonMap:
    masked: JsonMap = _mask(section)
    return masked


def _mask(value: Any) -> Any:  # noqa: ANN401 - any part of a configuration
    if isinstance(value, Mapping):
        return {
            key: defaults.SECRET_MASK if key in _SECRET_KEYS and item and not isinstance(item, Mapping) else _mask(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_mask(item) for item in value]
    return value
