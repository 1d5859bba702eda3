"""One pass of the NIM operator over a NIMCache: a claim, and a Job that fetches the model onto it.

Left out: the pod that reads the image's manifest, and the choice of profiles by the GPUs that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rehearsal.api import ACCOUNTS, CLAIMS, JOBS, Api, ApiError, Object, Resource
from rehearsal.events import timestamp
from rehearsal.nims import rendering, status
from rehearsal.nims.kinds import NIM_CACHES
from rehearsal.nims.pods import MANAGER
from rehearsal.nims.programs import CACHING
from rehearsal.nims.reconciling import Again, Rejected, Writer

FINALIZER: Final = "finalizer.nimcache.apps.nvidia.com"
ACCOUNT, ROLE, BINDING = "nim-cache-sa", "nim-cache-role", "nim-cache-rolebinding"
RETRIES, KEPT = 5, 600  # of the Job: how often it is tried, and seconds that it stays when it has ended
VOLUME: Final = "nim-cache-volume"


class Caches:
    """Reconciles NIMCaches."""

    def __init__(self, api: Api) -> None:
        self._api, self._writer = api, Writer(api, NIM_CACHES, FINALIZER, "nimcache-controller")

    def reconcile(self, item: Object) -> None:
        """One pass.

        Raises:
            Again: it must be looked at again.
            ApiError: the API server didn't answer, or somebody else changed the same.
        """
        if self._writer.is_going(item):
            return
        try:
            self._sync(item)
        except (Rejected, rendering.Unusable) as error:
            self._say(item, "NotReady", status.condition("NIM_CACHE_RECONCILE_FAILED", True, "ReconcileFailed", str(error)))
            raise Again from None

    def _sync(self, item: Object) -> None:
        namespace = item["metadata"]["namespace"]
        for resource, body in around(namespace):
            if self._api.get(resource, body["metadata"]["name"], namespace) is None:
                self._api.create(resource, body)
        self._claim(item)
        name = f"{item['metadata']['name']}-job"
        made = self._api.get(JOBS, name, namespace)
        state = (item.get("status") or {}).get("state", "")
        if made is None and state != status.READY:
            self._create(item)
            self._say(item, "Started", status.condition("NIM_CACHE_JOB_CREATED", True, "JobCreated", "The Job to cache NIM was created"))
        elif made is not None:
            self._follow(item, made.get("status") or {}, state)

    def _create(self, item: Object) -> None:
        try:
            self._api.create(JOBS, job(item))
        except ApiError as error:
            if error.code == 422:  # noqa: PLR2004 - Unprocessable: the API server does not take what the NIMCache says
                raise Rejected("JobFailed", str(error)) from None
            raise

    def _claim(self, item: Object) -> None:
        if self._api.get(CLAIMS, rendering.claim_name(item), item["metadata"]["namespace"]) is not None:
            return
        if not rendering.creates_claim(item):
            raise Rejected("Failed", f'persistentvolumeclaims "{rendering.claim_name(item)}" not found')
        self._api.create(CLAIMS, rendering.claim(item))
        words = "The PVC has been created for caching NIM model"
        self._say(item, "PVC-Created", status.condition("NIM_CACHE_PVC_CREATED", True, "PVCCreated", words))

    def _follow(self, item: Object, of_job: Object, state: str) -> None:
        conditions = {one["type"] for one in of_job.get("conditions") or [] if one["status"] == "True"}
        if "Complete" in conditions and state != status.READY:
            words = "The Job to cache NIM has successfully completed"
            self._say(item, status.READY, status.condition("NIM_CACHE_JOB_COMPLETED", True, "JobCompleted", words))
            self._writer.say(item, {"pvc": rendering.claim_name(item)})
        elif "Failed" in conditions and state != status.FAILED:
            words = "The Job to cache NIM has failed"
            self._say(item, status.FAILED, status.condition("NIM_CACHE_JOB_COMPLETED", False, "JobFailed", words))
        elif of_job.get("active") and state not in {"InProgress", status.READY}:
            words = "The Job to cache NIM is in progress"
            self._say(item, "InProgress", status.condition("NIM_CACHE_JOB_PENDING", False, "JobRunning", words))

    def _say(self, item: Object, state: str, condition: Object) -> None:
        conditions = status.merged(item.get("status") or {}, [condition], timestamp())
        ready = {"pvc": rendering.claim_name(item)} if state == status.READY else {}
        self._writer.say(item, {"state": state, "conditions": conditions, **ready})


def around(namespace: str) -> Sequence[tuple[Resource, Object]]:
    """What all NIMCaches of a namespace share; it stays when they go."""
    named = {"namespace": namespace, "labels": {"app": MANAGER}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE}
    subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}]
    rbac = rendering.ROLES.group_version
    return (
        (ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**named, "name": ACCOUNT}}),
        (rendering.ROLES, {"apiVersion": rbac, "kind": "Role", "metadata": {**named, "name": ROLE}, "rules": rendering.RULES}),
        (
            rendering.BINDINGS,
            {"apiVersion": rbac, "kind": "RoleBinding", "metadata": {**named, "name": BINDING}, "roleRef": role, "subjects": subjects},
        ),
    )


def job(item: Object) -> Object:
    """The Job that fetches a NIMCache's model: from NGC with the image's own tool, from the Hub into one flat folder."""
    metadata, spec = item["metadata"], item["spec"]
    source = spec["source"].get("ngc") or spec["source"].get("hf") or spec["source"]["dataStore"]
    named = {"app": MANAGER, "app.kubernetes.io/name": metadata["name"], "app.kubernetes.io/managed-by": MANAGER}
    user, group = spec.get("userID", rendering.USER), spec.get("groupID", rendering.USERS_GROUP)
    optional = {key: spec[key] for key in ("tolerations", "nodeSelector", "runtimeClassName") if spec.get(key)}
    pod = {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": user, "runAsGroup": group, "fsGroup": group, "runAsNonRoot": True},
        "containers": [_container(spec, source)],
        "volumes": [{"name": VOLUME, "persistentVolumeClaim": {"claimName": rendering.claim_name(item)}}],
        **({"imagePullSecrets": [{"name": source["pullSecret"]}]} if source.get("pullSecret") else {}),
        **optional,
    }
    return {
        "apiVersion": JOBS.group_version,
        "kind": "Job",
        "metadata": {
            "name": f"{metadata['name']}-job",
            "namespace": metadata["namespace"],
            "labels": named,
            "ownerReferences": [rendering.owner(item)],
        },
        "spec": {
            "backoffLimit": RETRIES,
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": named, "annotations": {"openshift.io/scc": "nonroot"}}, "spec": pod},
        },
    }


def _container(spec: Object, source: Object) -> Object:
    profiles = (source.get("model") or {}).get("profiles") or []
    command: Object = {"command": [CACHING]}
    if "ngc" not in spec["source"]:
        name = f"{source['namespace']}/{source.get('modelName') or source.get('datasetName')}"
        command = {"command": ["huggingface-cli", "download"], "args": [name, "--local-dir", rendering.STORE]}
    elif profiles:
        command["args"] = ["--all"] if "all" in profiles else ["--profiles", *profiles]
    asked = {key: value for key, value in (spec.get("resources") or {}).items() if value}
    return {
        "name": "nim-cache",
        "image": source["modelPuller"],
        **command,
        "env": [
            {"name": "HF_HOME", "value": f"{rendering.STORE}/huggingface"},
            {"name": "NIM_CACHE_PATH", "value": rendering.STORE},
            *(spec.get("env") or []),
        ],
        "envFrom": [{"secretRef": {"name": source["authSecret"]}}],
        "volumeMounts": [{"name": VOLUME, "mountPath": rendering.STORE}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **({"resources": {"requests": asked, "limits": asked}} if asked else {}),
    }
