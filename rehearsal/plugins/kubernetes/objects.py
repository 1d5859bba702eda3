"""Plain Kubernetes objects: checking, comparing, creating, reading, changing and deleting them."""

from __future__ import annotations

import threading
from typing import cast

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.kubernetes import checkpoint, ownership, readiness
from rehearsal.plugins.kubernetes.api import APPLY, JSON_PATCH, Api, ApiError, Object, Unreachable
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.kinds import Kind, NoMatch, from_token
from rehearsal.plugins.kubernetes.normalize import normalized, pruned
from rehearsal.plugins.kubernetes.waiting import NotReady, Waiter
from rehearsal.plugins.properties import Properties, Unknown, contains
from rehearsal.plugins.provider import Call, Live, PartialFailure, ProviderError

_SKIP_AWAIT = "pulumi.com/skipAwait"
_TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
_CREATE_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between tries to create what needs something that another resource is just creating: its namespace, its CRD."""

_EXISTS = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


class Objects:
    """What the provider does with every resource that is one object of the API."""

    def __init__(self, cluster: Cluster, *, upsert: bool, log: EngineLog, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._upsert = upsert
        self._log = log
        self._cancelled = cancelled

    def create(self, call: Call, given: Properties) -> tuple[str, Properties]:
        """Create an object and wait until it is ready; in a preview, ask the API server what it would become."""
        inputs = checkpoint.plain(given)
        manager = checkpoint.field_manager({}, inputs)
        version = str(inputs.get("apiVersion", ""))
        if call.preview:
            live = self._preview_creation(inputs, manager)
            return "", given if live is None else checkpoint.state(inputs, live, given, version, manager)
        look = _look(call, inputs)
        try:
            kind, live = self._create_patiently(call, inputs, manager)
        except NoMatch as error:
            raise ProviderError(
                f'creation of resource "{call.urn}" with kind {version}/{inputs.get("kind")} failed because the Kubernetes API server '
                f"reported that the apiVersion for this resource does not exist. Verify that any required CRDs have been created: {error}"
            ) from None
        except ApiError as error:
            hint = _EXISTS if error.exists else ""
            sentence = ownership.conflict_sentence(manager, error) if error.conflict else str(error)
            raise ProviderError(
                f'resource "{call.urn}" was not successfully created by the Kubernetes API server: {sentence}{hint}'
            ) from None
        try:
            live = self._until_ready(call, kind, inputs, live, look)
        except NotReady as error:
            raise PartialFailure(
                f'resource "{call.urn}" was successfully created, but the Kubernetes API server reported that it failed to fully '
                f"initialize or become live: {error}",
                checkpoint.qualified(error.live),
                checkpoint.state(inputs, error.live, given, version, manager),
                error.reasons,
            ) from None
        return checkpoint.qualified(live), checkpoint.state(inputs, live, given, version, manager)

    def read(self, call: Call, stored: Properties, given: Properties) -> Live | None:
        """Return an object as it is; without stored inputs, as an import does, everything that can be an input."""
        inputs, (_, last) = checkpoint.plain(given), checkpoint.parse(stored)
        imported = not inputs
        namespace, name = checkpoint.split_id(call.id)
        version, kind_name = _identity(call, inputs, last)
        try:
            kind = self._cluster.kinds.find(version, kind_name)
            live = self._cluster.api.get(kind.item(namespace or self._cluster.namespace, name))
        except NoMatch:
            return None
        except ApiError as error:
            if error.not_found:
                return None
            raise ProviderError(str(error)) from None
        shape = inputs or {"apiVersion": version, "kind": kind_name}
        found = _importable(live) if imported else _pruned(live, inputs)
        manager = checkpoint.field_manager(stored, inputs)
        version = checkpoint.initial_api_version(stored, shape)
        state = checkpoint.state(found, live, given, version, manager)
        result = Live(call.id, state, checkpoint.with_secrets(found, given))
        look = None if imported else _look(call, inputs)
        told = look(live, self._cluster.api) if look else readiness.READY
        if not told.ready:
            sentence = told.failed or "; ".join(told.reasons) or told.waiting_for
            raise PartialFailure(sentence, call.id, state, told.reasons, result.inputs)
        return result

    def update(self, call: Call, stored: Properties, given: Properties) -> Properties:
        """Change an object in place by a server-side apply."""
        inputs = checkpoint.plain(given)
        version = str(inputs.get("apiVersion", ""))
        kind = self._served(inputs)
        if call.preview and (kind is None or contains(given, Unknown)):
            return given
        manager = checkpoint.field_manager(stored, inputs)
        initial = checkpoint.initial_api_version(stored, inputs)
        look = _look(call, inputs)
        try:
            kind = kind or self._cluster.kinds.find(version, str(inputs.get("kind")))
            live = self._apply(call, kind, inputs, manager)
            if not call.preview:
                live = self._until_ready(call, kind, inputs, live, look)
        except NoMatch as error:
            raise ProviderError(
                f'update of resource "{call.urn}" failed because the Kubernetes API server reported that the apiVersion for this resource '
                f"does not exist. Verify that any required CRDs have been created: {error}"
            ) from None
        except ApiError as error:
            if call.preview and error.forbidden:
                return given
            raise self._failed_update(call, inputs, given, initial, manager, error) from None
        except NotReady as error:
            raise PartialFailure(
                f'the Kubernetes API server reported that "{checkpoint.qualified(inputs)}" failed to fully initialize or become live: {error}',
                call.id,
                checkpoint.state(inputs, error.live, given, initial, manager),
                error.reasons,
            ) from None
        return checkpoint.state(inputs, live, given, initial, manager)

    def delete(self, call: Call, stored: Properties) -> None:
        """Delete an object and wait until it is gone. What is gone already, or whose kind is, counts as deleted."""
        inputs, last = checkpoint.parse(stored)
        namespace, name = checkpoint.split_id(call.id)
        version, kind_name = _identity(call, last, inputs)
        try:
            kind = self._cluster.kinds.find(version, kind_name)
            path = kind.item(namespace or self._cluster.namespace, name)
            live = self._cluster.api.get(path)
            policy = checkpoint.annotation(last, _PROPAGATION) or "Foreground"
            self._cluster.api.delete(path, {"propagationPolicy": policy.capitalize()})
        except NoMatch:
            return
        except ApiError as error:
            if error.not_found:
                return
            raise ProviderError(str(error)) from None
        if checkpoint.annotated(last, _SKIP_AWAIT):
            return
        try:
            self._waiter(call, path).until_gone(live, _timeout(call, last))
        except NotReady as error:
            manager = checkpoint.field_manager(stored, inputs)
            state = checkpoint.state(inputs, error.live, stored, version, manager)
            raise PartialFailure(str(error), call.id, state, error.reasons) from None

    def _preview_creation(self, inputs: Object, manager: str) -> Object | None:
        """Return what the API server would make of the inputs; None when it cannot tell yet."""
        kind = None if contains(cast("Properties", inputs), Unknown) else self._served(inputs)
        if kind is None:
            return None
        try:
            live = self._send_new(kind, inputs, manager, dryRun="All")
        except Unreachable:
            return None
        except ApiError as error:
            hopeless = not (error.exists or error.forbidden or error.not_found or "does not support dry run" in str(error))
            if hopeless:
                raise ProviderError(f"resource was not successfully created by the Kubernetes API server: {error}") from None
            return None
        return {key: value for key, value in live.items() if key != "status"}

    def _create_patiently(self, call: Call, inputs: Object, manager: str) -> tuple[Kind, Object]:
        for pause in (*_CREATE_PAUSES, 0.0):
            try:
                kind = self._cluster.kinds.find(str(inputs.get("apiVersion", "")), str(inputs.get("kind", "")))
                return kind, self._send_new(kind, inputs, manager)
            except (NoMatch, ApiError) as error:
                passing = isinstance(error, NoMatch) or error.not_found
                if not passing or not pause or self._cancelled.is_set():
                    raise
                self._log.status(call.urn, f"creation failed, trying again: {error}")
                self._cancelled.wait(pause)
        raise AssertionError("the last try returns or raises")

    def _send_new(self, kind: Kind, inputs: Object, manager: str, **query: str) -> Object:
        namespace = checkpoint.namespace_of(inputs) or self._cluster.namespace
        if self._upsert:
            options = {"fieldManager": manager, "force": _flag(ownership.force(inputs))}
            return self._cluster.api.patch(kind.item(namespace, checkpoint.name_of(inputs)), inputs, APPLY, **options, **query)
        return self._cluster.api.post(kind.collection(namespace), inputs, **query)

    def _apply(self, call: Call, kind: Kind, inputs: Object, manager: str) -> Object:
        api: Api = self._cluster.api
        path = kind.item(checkpoint.namespace_of(inputs) or self._cluster.namespace, checkpoint.name_of(inputs))
        live = api.get(path)
        dry_run = {"dryRun": "All"} if call.preview else {}
        if inputs.get("kind") == "CustomResourceDefinition":
            # Replaced whole, as `kubectl replace` does: a patch could not remove a version.
            metadata = {**inputs["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return api.put(path, {**inputs, "metadata": metadata}, fieldManager=manager, **dry_run)
        if not call.preview and (patch := ownership.takeover(live, manager)):
            live = api.patch(path, patch, JSON_PATCH)
        force = _flag(ownership.force(inputs, live, preview=call.preview))
        return api.patch(path, inputs, APPLY, fieldManager=manager, force=force, **dry_run)

    def _failed_update(self, call: Call, inputs: Object, given: Properties, version: str, manager: str, error: ApiError) -> ProviderError:
        sentence = ownership.conflict_sentence(manager, error) if error.conflict else str(error)
        try:
            kind = self._cluster.kinds.find(str(inputs["apiVersion"]), str(inputs["kind"]))
            live = self._cluster.api.get(kind.item(checkpoint.namespace_of(inputs) or self._cluster.namespace, checkpoint.name_of(inputs)))
        except (ApiError, NoMatch, Unreachable):
            return ProviderError(
                f'update of resource "{call.urn}" failed because the Kubernetes API server reported that it failed to fully initialize '
                f"or become live: {sentence}"
            )
        return PartialFailure(
            f'the Kubernetes API server reported that "{checkpoint.qualified(inputs)}" failed to fully initialize or become live: {sentence}',
            call.id,
            checkpoint.state(inputs, live, given, version, manager),
        )

    def _until_ready(self, call: Call, kind: Kind, inputs: Object, live: Object, look: readiness.Look | None) -> Object:
        if look is None:
            return live
        path = kind.item(checkpoint.namespace_of(live) or self._cluster.namespace, checkpoint.name_of(live))
        return self._waiter(call, path).until_ready(live, look, _timeout(call, inputs))

    def _waiter(self, call: Call, path: str) -> Waiter:
        return Waiter(self._cluster.api, path, self._cancelled, lambda message: self._log.status(call.urn, message))

    def _served(self, inputs: Object) -> Kind | None:
        return self._cluster.serves(str(inputs.get("apiVersion", "")), str(inputs.get("kind", "")))


def _look(call: Call, inputs: Object) -> readiness.Look | None:
    if checkpoint.annotated(inputs, _SKIP_AWAIT):
        return None
    try:
        return readiness.look_for(inputs)
    except ValueError as error:
        raise ProviderError(f'resource "{call.urn}": {error}') from None


def _timeout(call: Call, inputs: Object) -> float:
    """Return the seconds to wait: the resource's custom timeout, else its annotation, else 0 for the kind's own."""
    if call.timeout:
        return call.timeout
    annotated = checkpoint.annotation(inputs, _TIMEOUT_SECONDS)
    return float(annotated) if annotated.replace(".", "", 1).isdigit() else 0.0


def _identity(call: Call, *objects: Object) -> tuple[str, str]:
    """Return API version and kind as the object itself names them, else as the resource's type does."""
    for candidate in objects:
        if candidate.get("apiVersion") and candidate.get("kind"):
            return str(candidate["apiVersion"]), str(candidate["kind"])
    return from_token(call.type)


def _pruned(live: Object, inputs: Object) -> Object:
    return pruned(live, normalized(inputs))


def _importable(live: Object) -> Object:
    found = {key: value for key, value in normalized(live).items() if key != "status"}
    annotations = found["metadata"].get("annotations") or {}
    dropped = {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"}
    kept = {key: value for key, value in annotations.items() if key not in dropped}
    metadata = {key: value for key, value in found["metadata"].items() if key != "annotations"}
    return {**found, "metadata": {**metadata, "annotations": kept} if kept else metadata}


def _flag(value: bool) -> str:
    return "true" if value else "false"
