"""A task as a Pod: the pool's template filled in, with the sidecar beside the user's container."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from rehearsal.services.osmo.configuration import Configuration
from rehearsal.services.osmo.defaults import CTRL_CONTAINER
from rehearsal.services.osmo.records import TaskRecord, WorkflowRecord
from rehearsal.services.osmo.templates import fill

JsonMap = dict[str, Any]
WORKFLOW_LABEL, TASK_LABEL = "osmo.workflow_id", "osmo.task_name"
_PRIORITY_CLASSES = {"HIGH": "osmo-high", "NORMAL": "osmo-normal", "LOW": "osmo-low"}
_TEMPLATE_KEYS = ("nodeSelector", "tolerations", "affinity", "volumes", "serviceAccountName", "hostNetwork", "runtimeClassName")


def pod_manifest(configuration: Configuration, workflow: WorkflowRecord, group: str, task: TaskRecord, namespace: str) -> JsonMap:
    """The Pod of a task. It asks for no scheduler by name: the standard one stands for KAI here."""
    template = fill(configuration.pod_template(configuration.pools[workflow.pool], task.platform), _variables(task)).get("spec") or {}
    images = configuration.workflow["backend_images"]
    user, ctrl = _container(template, task.name), _container(template, CTRL_CONTAINER)
    environment = [{"name": name, "value": value} for name, value in task.environment.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": task.pod_name,
            "namespace": namespace,
            "labels": {WORKFLOW_LABEL: workflow.name, "osmo.group_name": group, TASK_LABEL: task.name, "osmo.pool": workflow.pool},
        },
        "spec": {
            **{key: template[key] for key in _TEMPLATE_KEYS if key in template},
            "restartPolicy": "Never",
            "priorityClassName": _PRIORITY_CLASSES[workflow.priority],
            "terminationGracePeriodSeconds": 0,
            "initContainers": [{"name": "osmo-init", "image": images["init"]}],
            "containers": [
                {**user, "name": task.name.lower().replace("_", "-"), "image": task.image, "command": task.command, "env": environment},
                {**ctrl, "name": CTRL_CONTAINER, "image": images["client"]},
            ],
            **({"imagePullSecrets": [{"name": workflow.pull_secret}]} if workflow.pull_secret else {}),
        },
    }


def pull_secret_manifest(name: str, namespace: str, credential: Mapping[str, str]) -> JsonMap:
    """The Secret with which a workflow's pods pull the platform's own images."""
    login = {"username": credential.get("username", ""), "password": credential.get("auth", "")}
    content = credential.get(".dockerconfigjson") or json.dumps({"auths": {credential.get("registry", ""): login}})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": name, "namespace": namespace},
        "data": {".dockerconfigjson": base64.b64encode(content.encode()).decode()},
    }


def finished_status(succeeded: bool, exit_code: int) -> JsonMap:
    """The status that a kubelet would leave."""
    return {"phase": "Succeeded" if succeeded else "Failed", "message": f"the simulated container ended with {exit_code}"}


def _variables(task: TaskRecord) -> dict[str, str]:
    return {
        "USER_CPU": str(task.cpu),
        "USER_GPU": str(task.gpu),
        "USER_MEMORY": task.memory,
        "USER_STORAGE": task.storage,
        "USER_CONTAINER_NAME": task.name,
    }


def _container(template: Mapping[str, Any], name: str) -> JsonMap:
    return next((dict(container) for container in template.get("containers") or [] if container.get("name") == name), {})
