"""Helm releases: checking, comparing, installing, looking up, upgrading and uninstalling them."""

from __future__ import annotations

import json
import threading
from typing import cast

import grpc

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.kubernetes import checkpoint
from rehearsal.plugins.kubernetes.api import ApiError, Unreachable
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.difference import differences
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.release import charts, inputs, record
from rehearsal.plugins.kubernetes.release.helm import Helm, HelmError, flags
from rehearsal.plugins.kubernetes.release.record import Record
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.properties import UNKNOWN, Properties, Secret, Unknown, contains, mark_secrets, reveal, revealed
from rehearsal.plugins.provider import Autonaming, Call, Checked, Difference, Live, PartialFailure, ProviderError

_INPUTS = "__inputs"
_OUTPUTS = ("resourceNames", "status")
_IDENTITY = (".name", ".namespace")
_IN_USE = "cannot re-use a name that is still in use"
_DEADLINE = "context deadline exceeded"

_INSTALL_SWITCHES = {
    "atomic": "--atomic",
    "createNamespace": "--create-namespace",
    "dependencyUpdate": "--dependency-update",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "disableWebhooks": "--no-hooks",
    "renderSubchartNotes": "--render-subchart-notes",
    "replace": "--replace",
    "skipCrds": "--skip-crds",
}
_UPGRADE_SWITCHES = {
    "atomic": "--atomic",
    "cleanupOnFail": "--cleanup-on-fail",
    "dependencyUpdate": "--dependency-update",
    "disableCRDHooks": "--no-hooks",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "forceUpdate": "--force",
    "recreatePods": "--recreate-pods",
    "renderSubchartNotes": "--render-subchart-notes",
    "resetValues": "--reset-values",
    "reuseValues": "--reuse-values",
    "skipCrds": "--skip-crds",
}


class Releases:
    """What the provider does with every Helm release."""

    def __init__(self, cluster: Cluster, settings: Settings, log: EngineLog, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._driver = settings.helm.get("driver", "secret")
        self._log = log
        self._helm = Helm(cluster, settings, cancelled)

    def check(self, call: Call, olds: Properties, news: Properties, autonaming: Autonaming) -> Checked:
        """Fill in every default and the chart's version, which is asked of its repository."""
        logical_name = call.name or call.urn.rpartition("::")[2]
        given = inputs.named(news, revealed(olds), logical_name, self._cluster.namespace, autonaming)
        if contains(given, Unknown):
            return Checked(given)
        release = inputs.completed(given)
        try:
            release["version"] = charts.version_of(release, self._helm)
        except HelmError as error:
            return Checked(_marked(release, given), [("chart", f"{error}; check the chart name and repository configuration.")])
        return Checked(_marked(release, given))

    def diff(self, state: Properties, news: Properties) -> Difference:
        """Compare inputs with inputs: what became of a release's objects is invisible here, as it is to the official provider."""
        old = cast("Object", reveal(state.get(_INPUTS)) or {})
        new = cast("Object", revealed(news))
        found = differences(cast("Object", revealed(state)), new, old, _IDENTITY)
        if not found.changes:
            return Difference(changed=False)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return Difference(
            changed=True,
            detailed=found.changes,
            replaces=found.replaces,
            properties=changed,
            removed_inputs=frozenset(found.removed_inputs),
        )

    def create(self, call: Call, given: Properties) -> tuple[str, Properties]:
        """Install a release."""
        if call.preview:
            return "", _previewed(given)
        release = inputs.completed(given)
        id_ = f"{release['namespace']}/{release['name']}"
        try:
            chart = charts.located(release, self._helm)
            arguments = ["install", release["name"], chart.reference, *chart.options, *flags(release, _INSTALL_SWITCHES)]
            found = self._run(release, arguments)
        except HelmError as error:
            failed = None if str(error) == _IN_USE else self._recorded(release)
            if failed is None:
                raise _failure(error) from None
            self._log.warning(
                call.urn,
                f'Helm release "{release["name"]}" was created but has a failed status. Use the `helm` command to investigate the error, '
                f"correct it, then retry. Reason: {error}",
            )
            raise PartialFailure(
                f'Helm release "{id_}" was created, but failed to initialize completely. Use Helm CLI to investigate: '
                f"failed to become available within allocated timeout. Error: Helm Release {id_}: {error}",
                id_,
                _state(given, release, failed),
            ) from None
        return id_, _state(given, release, found)

    def read(self, call: Call, state: Properties, given: Properties) -> Live | None:
        """Look at Helm's own record of a release, and at nothing else."""
        namespace, name = checkpoint.split_id(call.id)
        stored = cast("Object", revealed(state))
        found = record.last(
            self._cluster.api, self._driver, stored.get("namespace") or namespace or self._cluster.namespace, stored.get("name") or name
        )
        if found is None:
            return None
        if not state:
            return self._imported(call, found)
        asked = cast("Properties", reveal(state.get(_INPUTS)) or {})
        marked = mark_secrets(asked, given)
        release = {key: value for key, value in stored.items() if key not in {_INPUTS, *_OUTPUTS}}
        seen = {**asked, "version": found.version, "values": _merged_values(release, found)}
        return Live(call.id, _state(marked, release, found), mark_secrets(cast("Properties", seen), given))

    def update(self, call: Call, state: Properties, given: Properties) -> Properties:
        """Upgrade a release."""
        if call.preview:
            return _previewed(given)
        release = inputs.completed(given)
        history = str(release.get("maxHistory", 0))
        try:
            chart = charts.located(release, self._helm)
            switches = [*flags(release, _UPGRADE_SWITCHES), "--history-max", history]
            found = self._run(release, ["upgrade", release["name"], chart.reference, *chart.options, *switches])
        except HelmError as error:
            before = (reveal(state.get("status")) or {}) if state.get("status") is not UNKNOWN else {}
            failed = self._recorded(release)
            if failed is None or failed.revision == cast("Object", before).get("revision"):
                raise _failure(error) from None
            raise PartialFailure(
                f'Helm release "{call.id}" failed to initialize completely. Use Helm CLI to investigate: '
                f"failed to become available within allocated timeout. Error: Helm Release {call.id}: {error}",
                call.id,
                _state(given, release, failed),
            ) from None
        return _state(given, release, found)

    def delete(self, call: Call, state: Properties) -> None:
        """Uninstall a release; waits for its objects to go unless the release does not wait."""
        release = cast("Object", revealed(state))
        namespace, name = checkpoint.split_id(call.id)
        arguments = ["uninstall", release.get("name") or name, "--namespace", release.get("namespace") or namespace]
        if release.get("atomic") or not release.get("skipAwait"):
            arguments += ["--wait", "--timeout", _seconds(release)]
        try:
            self._helm.run(arguments)
        except HelmError as error:
            raise ProviderError(str(error)) from None

    def _run(self, release: Object, arguments: list[str]) -> Record:
        waits = not release["skipAwait"]
        options = [*(["--wait"] if waits else []), *(["--wait-for-jobs"] if waits and release["waitForJobs"] else [])]
        options += ["--description", release["description"]] if release["description"] else []
        options += ["--post-renderer", release["postrender"]] if release["postrender"] else []
        options += ["--namespace", release["namespace"], "--timeout", _seconds(release), "--output", "json"]
        return Record.from_json(json.loads(self._helm.run([*arguments, *options], values=release["values"])))

    def _recorded(self, release: Object) -> Record | None:
        """Return what Helm recorded of a release that failed; None when it recorded nothing, or cannot be asked."""
        try:
            return record.last(self._cluster.api, self._driver, release["namespace"], release["name"])
        except (ApiError, Unreachable):
            return None

    def _imported(self, call: Call, found: Record) -> Live:
        """Return a release that the program does not know yet. Where its chart came from, Helm does not record."""
        known: Properties = {"chart": found.chart, "name": found.name, "namespace": found.namespace, "values": found.values}
        given = inputs.named(known, {}, found.name, found.namespace, Autonaming())
        release = {**inputs.completed(given), "version": found.version}
        asked = cast("Properties", release)
        return Live(call.id, _state(asked, release, found), asked)


def _seconds(release: Object) -> str:
    return f"{release.get('timeout') or inputs.DEFAULT_TIMEOUT}s"


def _marked(release: Object, given: Properties) -> Properties:
    return mark_secrets(cast("Properties", release), given)


def _previewed(given: Properties) -> Properties:
    return {**given, _INPUTS: Secret(given), **dict.fromkeys(_OUTPUTS, UNKNOWN)}


def _merged_values(release: Object, found: Record) -> Object:
    return inputs.merged(release.get("values") or {}, found.values, nulls=bool(release.get("allowNullValues")))


def _state(given: Properties, release: Object, found: Record) -> Properties:
    """Return the state of a release: its inputs as they were asked for, kept secret as a whole, and what Helm recorded."""
    known = {
        **release,
        "version": found.version,
        "values": _merged_values(release, found),
        "resourceNames": found.resource_names(),
        "status": found.summary(),
    }
    return {**mark_secrets(cast("Properties", known), given), _INPUTS: Secret(given)}


def _failure(error: HelmError) -> ProviderError:
    deadline = str(error).endswith(_DEADLINE)
    return ProviderError(str(error), grpc.StatusCode.DEADLINE_EXCEEDED if deadline else grpc.StatusCode.UNKNOWN)
