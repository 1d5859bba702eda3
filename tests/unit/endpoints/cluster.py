"""A namespace of NIMs as the NIM operator leaves it, for probes to read."""

from datetime import UTC, datetime, timedelta

from sdg.kube.errors import ObjectNotFoundError, UnreachableError

NAMESPACE = "osmo-nims"
IMAGE = {"repository": "nvcr.io/nim/nvidia/model-free-nim", "tag": "2.0.2"}
ENV = [{"name": "NIM_SERVED_MODEL_NAME", "value": "m"}]
RESOURCES = {"limits": {"nvidia.com/gpu": 1, "memory": "48Gi"}, "requests": {"nvidia.com/gpu": 1, "memory": "48Gi"}}


def ago(minutes):
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def service(name="llm", ready="True", reason="Ready", message="", failed="", **spec):
    conditions = [
        {"type": "Ready", "status": ready, "reason": reason, "message": message},
        {"type": "Failed", "status": "True" if failed else "False", "reason": "ReconcileFailed", "message": failed},
    ]
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {"image": IMAGE, "env": ENV, "resources": RESOURCES, "replicas": 1, **spec},
        "status": {"state": "Ready" if ready == "True" else "NotReady", "conditions": conditions},
    }


def container(name="llm", image=None, env=None, resources=None, **more):
    given = {"nvidia.com/gpu": "1", "memory": "48Gi"}
    return {
        "name": f"{name}-ctr",
        "image": image or f"{IMAGE['repository']}:{IMAGE['tag']}",
        "env": [*(env or ENV), {"name": "NIM_CACHE_PATH", "value": "/model-store"}],
        "resources": resources or {"limits": given, "requests": given},
        **more,
    }


def deployment(name="llm", available=1, replicas=1, **changes):
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [container(name, **changes)]}},
        },
        "status": {"observedGeneration": 1, "updatedReplicas": replicas, "replicas": replicas, "availableReplicas": available},
    }


def pod(name="llm", *, node="gpu-0", scheduled="True", words="", state=None, last=None, restarts=0, minutes=3.0, gpus=1):
    own = {"name": f"{name}-ctr", "state": state or {}, "restartCount": restarts, "lastState": {"terminated": last}}
    return {
        "metadata": {"name": f"{name}-1", "namespace": NAMESPACE, "labels": {"app": name}, "creationTimestamp": ago(minutes)},
        "spec": {
            **({"nodeName": node} if node else {}),
            "containers": [{"name": f"{name}-ctr", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}],
            "volumes": [{"persistentVolumeClaim": {"claimName": f"{name}-pvc"}}],
        },
        "status": {
            "phase": "Running" if (state or {}).get("running") else "Pending",
            "startTime": ago(minutes),
            "conditions": [
                {"type": "PodScheduled", "status": scheduled, "reason": "Unschedulable", "message": words},
                {"type": "Ready", "status": "False", "message": "containers with unready status"},
            ],
            "containerStatuses": [own] if node else [],
        },
    }


def waiting(reason, message=""):
    return {"waiting": {"reason": reason, "message": message}}


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def claim(name="llm-pvc", phase="Bound", storage_class="fast"):
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"storageClassName": storage_class}, "status": {"phase": phase}}


def event(reason, message, name="llm-1", kind="Pod"):
    return {"reason": reason, "message": message, "involvedObject": {"kind": kind, "name": name}, "lastTimestamp": ago(0)}


def job(name="llm-hf-download", condition="", reason="", minutes=2.0):
    conditions = [{"type": condition, "status": "True", "reason": reason, "message": "tried too often"}] if condition else []
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "creationTimestamp": ago(minutes)},
        "spec": {"selector": {"matchLabels": {"job-name": name}}},
        "status": {"conditions": conditions, "startTime": ago(minutes)},
    }


def job_pod(name="llm-hf-download", **more):
    found = pod(name, gpus=0, **more)
    found["metadata"]["labels"] = {"job-name": name}
    return found


OPERATOR = {
    "metadata": {"name": "k8s-nim-operator", "namespace": "nim-operator", "generation": 1},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "operator"}}},
    "status": {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1},
}


class Cluster:
    """Answers lists from what it holds, by the last word of their path; logs by the pod's name, `NAME/previous` for ended ones."""

    def __init__(self, **held):
        self.held = {"nimservices": [service()], "deployments": [deployment()], "persistentvolumeclaims": [claim()], **held}
        self.objects, self.logs, self.operator, self.down = {}, {}, [OPERATOR], False
        self.operator_pods, self.operator_events = [], []
        self.asked = []

    def get(self, path, query=None):
        if self.down:
            raise UnreachableError("no route to the cluster")
        if path in self.objects:
            return self.objects[path]
        where, _, kind = path.rpartition("/")
        if where.endswith("/nim-operator"):
            return {"items": {"deployments": self.operator, "pods": self.operator_pods, "events": self.operator_events}.get(kind, [])}
        if kind in ("nimservices", "deployments", "jobs", "pods", "events", "persistentvolumeclaims", "secrets"):
            found = self.held.get(kind, [])
            if found is None:
                raise ObjectNotFoundError(path)
            return {"items": found}
        raise ObjectNotFoundError(path)

    def text(self, path, query=None):
        self.asked.append(path)
        name = path.split("/")[-2] + ("/previous" if (query or {}).get("previous") else "")
        if name not in self.logs:
            raise ObjectNotFoundError(path)
        return self.logs[name]
