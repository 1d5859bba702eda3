"""One pass of the NIM operator over a NIMService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import urllib3

from rehearsal.api import CLAIMS, DEPLOYMENTS, Api, ApiError, Object, Resource
from rehearsal.api import SERVICES as K8S_SERVICES
from rehearsal.events import timestamp
from rehearsal.nims import rendering, status
from rehearsal.nims.kinds import NIM_CACHES, NIM_SERVICES
from rehearsal.nims.reconciling import Again, Rejected, Writer
from rehearsal.nims.serving import Servers
from rehearsal.state import HOST

FINALIZER: Final = "finalizer.nimservice.apps.nvidia.com"
ASK_AGAIN: Final = 1.0
"""Seconds until a model that didn't answer is asked again; five there."""
OK, NOT_FOUND = 200, 404
INVALID: Final = {400, 403, 422}
# what the real manager does and this one doesn't: it says so rather than pass over it
_NOT_REHEARSED: Final = ("multiNode", "draResources", "initContainers", "sidecarContainers")


class Services:
    """Reconciles NIMServices.

    Args:
        servers: where those are that stand for the pods behind a Service.
    """

    def __init__(self, api: Api, servers: Servers) -> None:
        self._api, self._servers = api, servers
        self._writer = Writer(api, NIM_SERVICES, FINALIZER, "nimservice-controller")
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=5.0))

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
        except Rejected as rejected:
            self._fail(item, rejected.reason, str(rejected))
            raise Again from None

    def _sync(self, item: Object) -> None:
        for name in _NOT_REHEARSED:
            if item["spec"].get(name):
                raise Rejected(status.FAILED, f"spec.{name} is not rehearsed")
        for resource, body in rendering.around(item):
            self._make(f"{body['kind']}Failed", resource, body)
        found = self._store(item)
        if found is None:
            return
        self._make("DeploymentFailed", DEPLOYMENTS, rendering.deployment(item, *found))
        metadata = item["metadata"]
        state = status.rollout(self._api.get(DEPLOYMENTS, metadata["name"], metadata["namespace"]))
        if not state.done:
            self._wait(item, status.NOT_READY, state.message)
            return
        self._writer.say(item, {"model": self._model(item)})
        if self._writer.say(item, status.ready(item.get("status") or {}, state.message, timestamp())):
            self._writer.events.inform(item, status.READY, f"NIMService {metadata['name']} ready, msg: {state.message}")

    def _store(self, item: Object) -> tuple[Object, Mapping[str, Object]] | None:
        """The volume that the model is on, and the variables that it brings; None while it has to be waited for."""
        storage = item["spec"].get("storage") or {}
        read_only = {"readOnly": True} if storage.get("readOnly") else {}
        if name := (storage.get("nimCache") or {}).get("name"):
            return self._cached(item, str(name), str(storage["nimCache"].get("profile", "")), read_only)
        if rendering.creates_claim(item):
            self._claim(item)
        elif not (storage.get("pvc") or {}).get("name"):
            if path := storage.get("hostPath"):
                return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}, {}
            if "emptyDir" in storage:
                return {"emptyDir": storage["emptyDir"]}, {}
            raise Rejected(status.FAILED, rendering.NO_STORE)
        return {"persistentVolumeClaim": {"claimName": rendering.claim_name(item), **read_only}}, {}

    def _cached(self, item: Object, name: str, profile: str, read_only: Object) -> tuple[Object, Mapping[str, Object]] | None:
        cache = self._api.get(NIM_CACHES, name, item["metadata"]["namespace"])
        if cache is None:
            self._fail(item, "NIMCacheNotFound", f"NIMCache {name} not found")
            return None
        state = (cache.get("status") or {}).get("state", "")
        if state == status.FAILED:
            said = [one["message"] for one in cache["status"].get("conditions") or [] if one["type"] == "NIM_CACHE_JOB_COMPLETED"]
            self._fail(item, "NIMCacheFailed", said[0] if said else "")
            return None
        if state != status.READY:
            self._wait(item, "NIMCacheNotReady", f"NIMCache {name} not ready")
            return None
        more: dict[str, Object] = {"NIM_MODEL_PROFILE": {"value": profile}} if profile else {}
        if "hf" in cache["spec"]["source"]:
            more |= {"NIM_MODEL_NAME": {"value": rendering.STORE}, rendering.TOKEN: {}}
        return {"persistentVolumeClaim": {"claimName": cache["status"]["pvc"], **read_only}}, more

    def _claim(self, item: Object) -> None:
        """Makes the claim unless there is one of its name, whosever it is."""
        if self._api.get(CLAIMS, rendering.claim_name(item), item["metadata"]["namespace"]) is not None:
            return
        try:
            self._api.create(CLAIMS, rendering.claim(item))
        except rendering.Unusable as error:
            raise Rejected(status.FAILED, str(error)) from None
        except ApiError as error:
            _reject(status.FAILED, error)
        self._writer.say(item, {"state": "PVC-Created"})

    def _model(self, item: Object) -> Object:
        """What the model that answers behind the Service is called.

        Raises:
            Again: nothing answers there.
        """
        name, namespace, port = item["metadata"]["name"], item["metadata"]["namespace"], rendering.port(item)
        local = self._servers.of_service(namespace, name, port)
        if local is None:
            raise Again(ASK_AGAIN)
        listed = self._ask(local, "/v1/models")
        found = "" if listed is None else _first(listed)
        if listed is None and (described := self._ask(local, "/v1/metadata")) is not None:
            found = str(((described.get("modelInfo") or [{}])[0]).get("shortName", "")).partition(":")[0]
        service = self._api.get(K8S_SERVICES, name, namespace) or {}
        return {"name": found, "clusterEndpoint": f"{service.get('spec', {}).get('clusterIP', '')}:{port}", "externalEndpoint": ""}

    def _ask(self, port: int, path: str) -> Object | None:
        """An answer as JSON; None for a path that isn't there."""
        try:
            response = self._http.request("GET", f"http://{HOST}:{port}{path}")
            if response.status == NOT_FOUND:
                return None
            if response.status != OK:
                raise Again(ASK_AGAIN)
            answer = response.json()
        except (urllib3.exceptions.HTTPError, ValueError):
            raise Again(ASK_AGAIN) from None
        return dict(answer)

    def _make(self, reason: str, resource: Resource, body: Object) -> None:
        try:
            self._writer.sync(resource, body)
        except ApiError as error:
            _reject(reason, error)

    def _wait(self, item: Object, reason: str, message: str) -> None:
        if self._writer.say(item, status.not_ready(item.get("status") or {}, reason, message, timestamp())):
            words = f"NIMService {item['metadata']['name']} not ready yet, msg: {message}"
            self._writer.events.inform(item, status.NOT_READY, words)

    def _fail(self, item: Object, reason: str, message: str) -> None:
        self._writer.say(item, status.failed(item.get("status") or {}, reason, message, timestamp()))
        self._writer.events.warn(item, status.FAILED, f"NIMService {item['metadata']['name']} failed, msg: {message}")


def _reject(reason: str, error: ApiError) -> None:
    """What the API server does not take is the object's fault; all else passes."""
    if error.code in INVALID:
        raise Rejected(reason, str(error)) from None
    raise error


def _first(listed: Object) -> str:
    data = listed.get("data") or []
    return str(data[0]["id"]) if len(data) == 1 else next((str(one["id"]) for one in data if one.get("root") == one["id"]), "")
