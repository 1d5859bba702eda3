"""Plain Kubernetes objects: creating, reading, changing and deleting them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.kubernetes import checkpoint, ownership, readiness, sentences
from rehearsal.plugins.kubernetes.api import APPLY, JSON_PATCH, ApiError, Unreachable
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.documents import Object
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


@dataclass(frozen=True)
class _Subject:
    """What one call is about: inputs as the program gave them and as the API server takes them, and under whose name fields are set."""

    call: Call
    given: Properties
    inputs: Object
    version: str
    manager: str

    @classmethod
    def of(cls, call: Call, given: Properties, stored: Properties) -> _Subject:
        inputs = checkpoint.plain(given)
        return cls(call, given, inputs, checkpoint.initial_api_version(stored, inputs), checkpoint.field_manager(stored, inputs))

    @property
    def api_version(self) -> str:
        return str(self.inputs.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        return str(self.inputs.get("kind", ""))

    def state(self, live: Object) -> Properties:
        return checkpoint.state(self.inputs, live, self.given, self.version, self.manager)

    def look(self) -> readiness.Look | None:
        """Return how to tell whether the object is ready; None when nobody asked to wait."""
        if checkpoint.annotated(self.inputs, _SKIP_AWAIT):
            return None
        try:
            return readiness.look_for(self.inputs)
        except ValueError as error:
            raise ProviderError(f'resource "{self.call.urn}": {error}') from None


class Objects:
    """What the provider does with every resource that is one object of the API."""

    def __init__(self, cluster: Cluster, *, upsert: bool, log: EngineLog, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._upsert = upsert
        self._log = log
        self._cancelled = cancelled

    def create(self, call: Call, given: Properties) -> tuple[str, Properties]:
        """Create an object and wait until it is ready; in a preview, ask the API server what it would become."""
        subject = _Subject.of(call, given, {})
        if call.preview:
            previewed = self._preview_creation(subject)
            return "", given if previewed is None else subject.state(previewed)
        look = subject.look()
        try:
            kind, live = self._create_patiently(subject)
        except NoMatch as error:
            raise ProviderError(sentences.kind_missing_on_create(call.urn, subject.inputs, error)) from None
        except ApiError as error:
            raise ProviderError(sentences.not_created(call.urn, subject.manager, error)) from None
        try:
            live = self._until_ready(subject, kind, live, look)
        except NotReady as error:
            message = sentences.created_but_not_live(call.urn, error)
            raise PartialFailure(message, checkpoint.qualified(error.live), subject.state(error.live), error.reasons) from None
        return checkpoint.qualified(live), subject.state(live)

    def read(self, call: Call, stored: Properties, given: Properties) -> Live | None:
        """Return an object as it is; without stored inputs, as an import does, everything that can be an input."""
        subject = _Subject.of(call, given, stored)
        _, last = checkpoint.parse(stored)
        namespace, name = checkpoint.split_id(call.id)
        version, kind_name = _identity(call, subject.inputs, last)
        try:
            kind = self._cluster.kinds.find(version, kind_name)
            live = self._cluster.api.get(kind.item(namespace or self._cluster.namespace, name))
        except NoMatch:
            return None
        except ApiError as error:
            if error.not_found:
                return None
            raise ProviderError(str(error)) from None
        imported = not subject.inputs
        found = _importable(live) if imported else pruned(live, normalized(subject.inputs))
        state = checkpoint.state(found, live, given, subject.version or version, subject.manager)
        inputs = checkpoint.with_secrets(found, given)
        # A Service whose Pods are gone is still the Service that was asked for: recorded in a refresh after a deleted Deployment.
        look = None if imported or kind_name == "Service" else subject.look()
        told = look(live, self._cluster.api) if look else readiness.READY
        if not told.ready:
            raise PartialFailure(sentences.not_ready(told), call.id, state, told.reasons, inputs)
        return Live(call.id, state, inputs)

    def update(self, call: Call, stored: Properties, given: Properties) -> Properties:
        """Change an object in place by a server-side apply."""
        subject = _Subject.of(call, given, stored)
        if call.preview and (contains(given, Unknown) or self._cluster.serves(subject.api_version, subject.kind) is None):
            return given
        look = subject.look()
        try:
            kind = self._cluster.kinds.find(subject.api_version, subject.kind)
            live = self._apply(subject, kind)
            return subject.state(live if call.preview else self._until_ready(subject, kind, live, look))
        except NoMatch as error:
            raise ProviderError(sentences.kind_missing_on_update(call.urn, error)) from None
        except ApiError as error:
            if call.preview and error.forbidden:
                return given
            raise self._failed_update(subject, error) from None
        except NotReady as error:
            message = sentences.not_live(checkpoint.qualified(subject.inputs), error)
            raise PartialFailure(message, call.id, subject.state(error.live), error.reasons) from None

    def delete(self, call: Call, stored: Properties) -> None:
        """Delete an object and wait until it is gone. What is gone already, or whose kind is, counts as deleted."""
        inputs, last = checkpoint.parse(stored)
        namespace, name = checkpoint.split_id(call.id)
        version, kind_name = _identity(call, last, inputs)
        policy = checkpoint.annotation(last, _PROPAGATION) or "Foreground"
        try:
            path = self._cluster.kinds.find(version, kind_name).item(namespace or self._cluster.namespace, name)
            live = self._cluster.api.get(path)
            self._cluster.api.delete(path, {"propagationPolicy": policy.capitalize()})
            if not checkpoint.annotated(last, _SKIP_AWAIT):
                self._waiter(call, path).until_gone(live, _timeout(call, last))
        except NoMatch:
            return
        except ApiError as error:
            if not error.not_found:
                raise ProviderError(str(error)) from None
        except NotReady as error:
            state = checkpoint.state(inputs, error.live, stored, version, checkpoint.field_manager(stored, inputs))
            raise PartialFailure(str(error), call.id, state, error.reasons) from None

    def _preview_creation(self, subject: _Subject) -> Object | None:
        """Return what the API server would make of the inputs; None when it cannot tell yet."""
        unknown = contains(cast("Properties", subject.inputs), Unknown)
        kind = None if unknown else self._cluster.serves(subject.api_version, subject.kind)
        if kind is None:
            return None
        try:
            live = self._send_new(subject, kind, dryRun="All")
        except Unreachable:
            return None
        except ApiError as error:
            if error.exists or error.forbidden or error.not_found or "does not support dry run" in str(error):
                return None
            raise ProviderError(sentences.not_created(subject.call.urn, subject.manager, error)) from None
        return {key: value for key, value in live.items() if key != "status"}

    def _create_patiently(self, subject: _Subject) -> tuple[Kind, Object]:
        for pause in (*_CREATE_PAUSES, 0.0):
            try:
                kind = self._cluster.kinds.find(subject.api_version, subject.kind)
                return kind, self._send_new(subject, kind)
            except (NoMatch, ApiError) as error:
                passing = isinstance(error, NoMatch) or error.not_found
                if not passing or not pause or self._cancelled.is_set():
                    raise
                self._log.status(subject.call.urn, f"creation failed, trying again: {error}")
                self._cancelled.wait(pause)
        raise AssertionError("the last try returns or raises")

    def _send_new(self, subject: _Subject, kind: Kind, **query: str) -> Object:
        if self._upsert:
            options = {"fieldManager": subject.manager, "force": _flag(ownership.force(subject.inputs))}
            return self._cluster.api.patch(self._path(kind, subject.inputs), subject.inputs, APPLY, **options, **query)
        collection = kind.collection(checkpoint.namespace_of(subject.inputs) or self._cluster.namespace)
        return self._cluster.api.post(collection, subject.inputs, **query)

    def _apply(self, subject: _Subject, kind: Kind) -> Object:
        api, path, preview = self._cluster.api, self._path(kind, subject.inputs), subject.call.preview
        live = api.get(path)
        dry_run = {"dryRun": "All"} if preview else {}
        if subject.kind == "CustomResourceDefinition":
            # Replaced whole, as `kubectl replace` does: a patch could not remove a version.
            metadata = {**subject.inputs["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return api.put(path, {**subject.inputs, "metadata": metadata}, fieldManager=subject.manager, **dry_run)
        if not preview and (patch := ownership.takeover(live, subject.manager)):
            live = api.patch(path, patch, JSON_PATCH)
        force = _flag(ownership.force(subject.inputs, live, preview=preview))
        return api.patch(path, subject.inputs, APPLY, fieldManager=subject.manager, force=force, **dry_run)

    def _failed_update(self, subject: _Subject, error: ApiError) -> ProviderError:
        """Return the failure; with the object as it is now, when it can still be read."""
        sentence = sentences.refusal(subject.manager, error)
        try:
            kind = self._cluster.kinds.find(subject.api_version, subject.kind)
            live = self._cluster.api.get(self._path(kind, subject.inputs))
        except (ApiError, NoMatch, Unreachable):
            return ProviderError(sentences.not_updated(subject.call.urn, sentence))
        message = sentences.not_live(checkpoint.qualified(subject.inputs), sentence)
        return PartialFailure(message, subject.call.id, subject.state(live))

    def _until_ready(self, subject: _Subject, kind: Kind, live: Object, look: readiness.Look | None) -> Object:
        if look is None:
            return live
        waiter = self._waiter(subject.call, self._path(kind, live))
        return waiter.until_ready(live, look, _timeout(subject.call, subject.inputs))

    def _waiter(self, call: Call, path: str) -> Waiter:
        return Waiter(self._cluster.api, path, self._cancelled, lambda message: self._log.status(call.urn, message))

    def _path(self, kind: Kind, inputs: Object) -> str:
        return kind.item(checkpoint.namespace_of(inputs) or self._cluster.namespace, checkpoint.name_of(inputs))


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


def _importable(live: Object) -> Object:
    found = {key: value for key, value in normalized(live).items() if key != "status"}
    annotations = found["metadata"].get("annotations") or {}
    dropped = {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"}
    kept = {key: value for key, value in annotations.items() if key not in dropped}
    metadata = {key: value for key, value in found["metadata"].items() if key != "annotations"}
    return {**found, "metadata": {**metadata, "annotations": kept} if kept else metadata}


def _flag(value: bool) -> str:
    return "true" if value else "false"
