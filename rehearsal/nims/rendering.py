"""What the NIM operator makes of a NIMService: the objects, as it would write them. Pure functions.

Source: observed with operator 3.1.0 against a real API server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from rehearsal.api import ACCOUNTS, DEPLOYMENTS, SERVICES, Object, Resource
from rehearsal.nims.kinds import VERSION
from rehearsal.nims.pods import MANAGER, PORT, quantity

ROLES: Final = Resource("rbac.authorization.k8s.io/v1", "roles")
BINDINGS: Final = Resource("rbac.authorization.k8s.io/v1", "rolebindings")
PARENT_HASH: Final = "nvidia.com/parent-spec-hash"
APPLIED_HASH: Final = "nvidia.com/last-applied-hash"
STORE: Final = "/model-store"
KEY, TOKEN = "NGC_API_KEY", "HF_TOKEN"
USER, USERS_GROUP = 1000, 2000
RULES: Final = (
    {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "resourceNames": ["nonroot"], "verbs": ["use"]},
)
NO_STORE: Final = "neither external PVC name, NIMCache volume or empty dir is provided"


class Unusable(ValueError):
    """A NIMService that the manager cannot make objects of; the message is its own."""


def spec_hash(spec: object) -> str:
    """A short name for a specification, the same for the same content."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:10]


def claim_name(item: Object) -> str:
    """Name of the claim that a NIMService's or a NIMCache's store is."""
    return str(_pvc(item).get("name") or f"{item['metadata']['name']}-pvc")


def claim(item: Object) -> Object:
    """The claim that is made for a NIMService or a NIMCache.

    Raises:
        Unusable: its size is none.
    """
    pvc, name = _pvc(item), item["metadata"]["name"]
    if not quantity(str(pvc.get("size", ""))):
        raise Unusable(f"failed to parse size for pvc creation {claim_name(item)}, err quantities must match the regular expression")
    labels = {"app": MANAGER, "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": MANAGER}
    body = _object(("v1", "PersistentVolumeClaim"), item, claim_name(item), labels, {})
    mode = [pvc["volumeAccessMode"]] if pvc.get("volumeAccessMode") else []
    spec: Object = {"accessModes": mode, "resources": {"requests": {"storage": pvc["size"]}}}
    body["spec"] = spec | ({"storageClassName": pvc["storageClass"]} if pvc.get("storageClass") else {})
    return body


def creates_claim(item: Object) -> bool:
    """Whether the claim is made where there is none."""
    return bool(_pvc(item).get("create"))


def around(item: Object) -> list[tuple[Resource, Object]]:
    """What a NIMService needs beside its store and its Deployment, in the order in which it is made."""
    name, parent = item["metadata"]["name"], _parent(item)
    return [
        (ACCOUNTS, _stamped(_labelled("v1", "ServiceAccount", item, parent))),
        (ROLES, _stamped({**_labelled(ROLES.group_version, "Role", item, parent), "rules": RULES})),
        (BINDINGS, _stamped({**_labelled(BINDINGS.group_version, "RoleBinding", item, parent), **_binding(item, name)})),
        (SERVICES, _stamped(_service(item, parent))),
    ]


def deployment(item: Object, store: Object, more: Mapping[str, Object]) -> Object:
    """The Deployment of a NIMService.

    Args:
        store: source of the volume that the model is on.
        more: variables that its cache brings, by name; they give way to the user's.
    """
    return _stamped(_deployment(item, _parent(item), store, more))


def labels(item: Object) -> dict[str, str]:
    """Labels of everything that belongs to a NIMService: the user's where the operator has none of its own."""
    name = item["metadata"]["name"]
    own = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/operator-version": "",
        "app.kubernetes.io/part-of": "nim-service",
        "app.kubernetes.io/managed-by": MANAGER,
    }
    return {**(item["spec"].get("labels") or {}), **own}


def port(item: Object) -> int:
    """Port of a NIMService."""
    return int(_expose(item).get("port") or PORT)


def owner(item: Object) -> Object:
    """The reference that makes an object go with a NIMService or a NIMCache."""
    return {
        "apiVersion": VERSION,
        "kind": item["kind"],
        "name": item["metadata"]["name"],
        "uid": item["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _parent(item: Object) -> dict[str, str]:
    return {PARENT_HASH: spec_hash(item["spec"])}


def _stamped(body: Object) -> Object:
    content = {key: value for key, value in body.items() if key != "metadata"}
    body["metadata"]["annotations"][APPLIED_HASH] = spec_hash(content)
    return body


def _binding(item: Object, name: str) -> Object:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return {"roleRef": role, "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": item["metadata"]["namespace"]}]}


def _service(item: Object, parent: Mapping[str, str]) -> Object:
    expose = _expose(item)
    body = _labelled("v1", "Service", item, {**(expose.get("annotations") or {}), **parent})
    body["metadata"]["name"] = expose.get("name") or item["metadata"]["name"]
    ports = [{"name": "api", "port": port(item), "targetPort": "api", "protocol": "TCP"}]
    for name, key in (("grpc", "grpcPort"), ("metrics", "metricsPort")):
        if expose.get(key):
            ports.append({"name": name, "port": expose[key], "targetPort": name, "protocol": "TCP"})
    selector = {"app": item["metadata"]["name"]}
    return {**body, "spec": {"type": expose.get("type") or "ClusterIP", "selector": selector, "ports": ports}}


def _deployment(item: Object, parent: Mapping[str, str], store: Object, more: Mapping[str, Object]) -> Object:
    name, spec = item["metadata"]["name"], item["spec"]
    annotations = {**(spec.get("annotations") or {}), "openshift.io/required-scc": "nonroot"}
    body = _labelled(DEPLOYMENTS.group_version, "Deployment", item, parent)
    template = {"metadata": {"labels": {**labels(item), "app": name}, "annotations": annotations}, "spec": _pod(item, store, more)}
    body["spec"] = {
        "replicas": spec.get("replicas", 1),
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}},
        "template": template,
    }
    return body


def _pod(item: Object, store: Object, more: Mapping[str, Object]) -> Object:
    spec, name = item["spec"], item["metadata"]["name"]
    size = (spec.get("storage") or {}).get("sharedMemorySizeLimit")
    memory = {"medium": "Memory"} | ({} if size is None else {"sizeLimit": size})
    user, group = spec.get("userID", USER), spec.get("groupID", USERS_GROUP)
    affinity = dict(spec.get("affinity") or {})
    if spec.get("podAffinity"):
        affinity.setdefault("podAffinity", spec["podAffinity"])
    given = {
        "nodeSelector": spec.get("nodeSelector"),
        "tolerations": spec.get("tolerations"),
        "affinity": affinity or None,
        "schedulerName": spec.get("schedulerName"),
        "runtimeClassName": spec.get("runtimeClassName"),
        "imagePullSecrets": [{"name": secret} for secret in spec["image"].get("pullSecrets") or []] or None,
    }
    return {
        "serviceAccountName": name,
        "securityContext": {"runAsUser": user, "runAsGroup": group, "fsGroup": group},
        "containers": [_container(item, more)],
        "volumes": [{"name": "dshm", "emptyDir": memory}, {"name": "model-store", **store}],
        **{key: value for key, value in given.items() if value is not None},
    }


def _container(item: Object, more: Mapping[str, Object]) -> Object:
    spec, name = item["spec"], item["metadata"]["name"]
    mount = {"name": "model-store", "mountPath": STORE} | ({"subPath": _pvc(item)["subPath"]} if _pvc(item).get("subPath") else {})
    read_only = {"readOnly": True} if (spec.get("storage") or {}).get("readOnly") else {}
    ports = [{"name": "api", "containerPort": port(item), "protocol": "TCP"}]
    for kind, key in (("grpc", "grpcPort"), ("metrics", "metricsPort")):
        if _expose(item).get(key):
            ports.append({"name": kind, "containerPort": _expose(item)[key], "protocol": "TCP"})
    optional = {
        "command": spec.get("command"),
        "args": spec.get("args"),
        "resources": spec.get("resources"),
        "imagePullPolicy": spec["image"].get("pullPolicy"),
    }
    return {
        "name": f"{name}-ctr",
        "image": f"{spec['image']['repository']}:{spec['image']['tag']}",
        "env": environment(item, more),
        "ports": ports,
        "volumeMounts": [mount | read_only, {"name": "dshm", "mountPath": "/dev/shm"}],  # noqa: S108 - a path in the container
        **{key: value for key, value in optional.items() if value},
        **_probes(spec),
    }


def environment(item: Object, more: Mapping[str, Object]) -> list[Object]:
    """The container's variables: the operator's own, and in their place or after them the user's."""
    spec = item["spec"]
    secret = {"secretKeyRef": {"name": spec["authSecret"], "key": KEY}}
    own: dict[str, Object] = {
        "NIM_CACHE_PATH": {"value": STORE},
        KEY: {"valueFrom": secret},
        "OUTLINES_CACHE_DIR": {"value": "/tmp/outlines"},  # noqa: S108 - a path in the container
        "NIM_SERVER_PORT": {"value": str(port(item))},
        "NIM_HTTP_API_PORT": {"value": str(port(item))},
        "NIM_JSONL_LOGGING": {"value": "1"},
        "NIM_LOG_LEVEL": {"value": "INFO"},
        **more,
    }
    users: dict[str, Object] = {variable["name"]: variable for variable in spec.get("env") or []}
    if TOKEN in more or str(users.get("NIM_MODEL_NAME", {}).get("value", "")).startswith("hf://"):
        own.pop(KEY)
        own[TOKEN] = {"valueFrom": {"secretKeyRef": {"name": spec["authSecret"], "key": TOKEN}}}
    return [{"name": name, **body} for name, body in {**own, **users}.items()]


def _probes(spec: Object) -> dict[str, Object]:
    live, ready = "/v1/health/live", "/v1/health/ready"
    defaults = {"livenessProbe": (live, 15, 3), "readinessProbe": (ready, 15, 3), "startupProbe": (ready, 30, 120)}
    found: dict[str, Object] = {}
    for key, (path, delay, failures) in defaults.items():
        given = spec.get(key) or {}
        if given.get("enabled", True):
            found[key] = given.get("probe") or {
                "httpGet": {"path": path, "port": "api"},
                "initialDelaySeconds": delay,
                "periodSeconds": 10,
                "timeoutSeconds": 1,
                "successThreshold": 1,
                "failureThreshold": failures,
            }
    return found


def _labelled(version: str, kind: str, item: Object, annotations: Mapping[str, str]) -> Object:
    return _object((version, kind), item, item["metadata"]["name"], labels(item), annotations)


def _object(kind: tuple[str, str], item: Object, name: str, named: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": item["metadata"]["namespace"],
        "labels": dict(named),
        "annotations": dict(annotations),
        "ownerReferences": [owner(item)],
    }
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata}


def _pvc(item: Object) -> Object:
    return dict((item["spec"].get("storage") or {}).get("pvc") or {})


def _expose(item: Object) -> Object:
    return dict((item["spec"].get("expose") or {}).get("service") or {})
