"""Helm releases as the stand-in hands them to helm: options, secrets, errors. A script stands for helm and writes down what it got."""

from __future__ import annotations

import base64
import gzip
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.release import inputs
from rehearsal.plugins.kubernetes.release.helm import Helm, HelmError
from rehearsal.plugins.kubernetes.release.record import Record, last
from rehearsal.plugins.kubernetes.release.releases import Releases
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.properties import UNKNOWN, Asset, Properties, Secret, contains
from rehearsal.plugins.provider import Autonaming, Call, ProviderError

PLANTED = "planted-secret"
RELEASE = {
    "name": "rel",
    "namespace": "ns",
    "version": 3,
    "info": {"status": "deployed"},
    "chart": {"metadata": {"name": "mini", "version": "0.1.0", "appVersion": "9"}},
    "config": {"token": PLANTED},
    "manifest": "---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n---\napiVersion: apps/v1\nkind: Deployment\n"
    "metadata: {name: a, namespace: other}\n---\n# nothing\n",
}
CALL = Call("urn:pulumi:s::p::kubernetes:helm.sh/v3:Release::rel", "kubernetes:helm.sh/v3:Release", "rel", id="ns/rel")


class Recorder:
    """A script that stands for helm, and what it was called with."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "calls"
        self._log.mkdir()
        self.script = directory / "helm"
        self.answer(json.dumps(RELEASE))

    def answer(self, output: str, *, errors: str = "", status: int = 0) -> None:
        """What helm prints from now on."""
        (self._log.parent / "output").write_text(output, encoding="utf-8")
        (self._log.parent / "errors").write_text(errors, encoding="utf-8")
        self.script.write_text(
            f'#!/bin/sh\ncd {self._log.parent}\nprintf "%s\\n" "$@" > calls/arguments\ncat > calls/stdin\nenv > calls/environment\n'
            f'stat -c %a "$KUBECONFIG" > calls/mode\ncat errors >&2\ncat output\nexit {status}\n',
            encoding="utf-8",
        )
        self.script.chmod(0o700)

    @property
    def arguments(self) -> list[str]:
        return self._read("arguments").splitlines()

    @property
    def stdin(self) -> str:
        return self._read("stdin")

    @property
    def environment(self) -> dict[str, str]:
        return dict(line.partition("=")[::2] for line in self._read("environment").splitlines())

    @property
    def kubeconfig_mode(self) -> str:
        return self._read("mode").strip()

    def _read(self, name: str) -> str:
        return (self._log / name).read_text(encoding="utf-8")


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(tmp_path)
    monkeypatch.setenv("SDG_HELM", str(recorder.script))
    monkeypatch.setenv("SDG_HELM_HOME", str(tmp_path / "home"))
    return recorder


SETTINGS = Settings(kubeconfig='{"token": "kube-secret"}')


@pytest.fixture
def releases() -> Releases:
    return Releases(Cluster(SETTINGS), SETTINGS, EngineLog(""), threading.Event())


def _given(**options: Any) -> Properties:
    return {"chart": "mini", "name": "rel", "namespace": "ns", "version": "0.1.0", "values": {"token": Secret(PLANTED)}, **options}


def test_values_reach_helm_through_its_stdin_and_nothing_secret_through_its_arguments(helm: Recorder, releases: Releases) -> None:
    releases.create(CALL, _given())
    assert json.loads(helm.stdin) == {"token": PLANTED}
    assert helm.arguments[-2:] == ["--values", "-"]
    assert not any(PLANTED in text for text in (*helm.arguments, *helm.environment.values()))


def test_the_kubeconfig_is_readable_by_its_owner_alone_and_goes_with_the_process(helm: Recorder, tmp_path: Path) -> None:
    program = Helm(Cluster(SETTINGS), SETTINGS, threading.Event())
    program.run(["version"])
    file = Path(helm.environment["KUBECONFIG"])
    assert helm.kubeconfig_mode == "600"
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    program.end()
    assert not file.parent.exists()


def test_what_a_killed_plugin_left_is_removed_by_the_next(helm: Recorder, tmp_path: Path) -> None:
    left = tmp_path / "home" / "run-999999999-abc"
    left.mkdir(parents=True)
    Helm(Cluster(SETTINGS), SETTINGS, threading.Event()).run(["version"])
    assert not left.exists()


def test_helm_has_homes_of_its_own(helm: Recorder, releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_NAMESPACE", "theirs")
    releases.create(CALL, _given())
    homes = [helm.environment[f"HELM_{kind}_HOME"] for kind in ("CACHE", "CONFIG", "DATA")]
    assert all(home.startswith(str(tmp_path)) for home in homes)
    assert "HELM_NAMESPACE" not in helm.environment


@pytest.mark.parametrize(
    ("options", "present", "absent"),
    [
        ({}, ["--wait", "--timeout 300s"], ["--atomic", "--wait-for-jobs"]),
        ({"skipAwait": True}, [], ["--wait"]),
        ({"skipAwait": True, "waitForJobs": True}, [], ["--wait-for-jobs"]),
        ({"waitForJobs": True}, ["--wait", "--wait-for-jobs"], []),
        ({"atomic": True, "timeout": 15}, ["--atomic", "--timeout 15s"], []),
        (
            {"createNamespace": True, "dependencyUpdate": True, "skipCrds": True},
            ["--create-namespace", "--dependency-update", "--skip-crds"],
            [],
        ),
        ({"disableWebhooks": True, "description": "why"}, ["--no-hooks", "--description why"], []),
        ({"repositoryOpts": {"repo": "http://127.0.0.1:1"}}, ["--repo http://127.0.0.1:1", "--version 0.1.0"], []),
        ({"chart": "oci://registry/mini"}, ["oci://registry/mini", "--version 0.1.0"], ["--repo"]),
    ],
)
def test_a_release_is_installed_with_its_options(
    helm: Recorder, releases: Releases, options: dict[str, Any], present: list[str], absent: list[str]
) -> None:
    releases.create(CALL, _given(**options))
    line = " ".join(helm.arguments) + " "
    assert line.startswith("install rel ")
    assert all(f"{option} " in line for option in present)
    assert not any(f"{option} " in line for option in absent)


def test_an_upgrade_keeps_all_history_and_only_reuses_values_when_asked(helm: Recorder, releases: Releases) -> None:
    releases.update(CALL, {}, _given(resetValues=True, cleanupOnFail=True))
    line = " ".join(helm.arguments)
    assert line.startswith("upgrade rel ")
    assert "--history-max 0" in line
    assert "--reset-values" in line
    assert "--reuse-values" not in line


@pytest.mark.parametrize(("options", "waits"), [({}, True), ({"skipAwait": True}, False), ({"skipAwait": True, "atomic": True}, True)])
def test_uninstalling_waits_unless_the_release_does_not(helm: Recorder, releases: Releases, options: dict[str, bool], waits: bool) -> None:
    releases.delete(CALL, {"name": "rel", "namespace": "ns", **options})
    assert helm.arguments[:4] == ["uninstall", "rel", "--namespace", "ns"]
    assert ("--wait" in helm.arguments) == waits


def test_the_state_tells_what_helm_recorded_and_keeps_inputs_secret(helm: Recorder, releases: Releases) -> None:
    id_, state = releases.create(CALL, _given())
    assert id_ == "ns/rel"
    assert state["status"] == {
        "appVersion": "9",
        "chart": "mini",
        "name": "rel",
        "namespace": "ns",
        "revision": 3,
        "status": "deployed",
        "version": "0.1.0",
    }
    assert state["resourceNames"] == {"Deployment.apps/apps/v1": ["other/a"], "Secret/v1": ["b"]}
    assert state["values"] == {"token": Secret(PLANTED)}
    assert isinstance(state["__inputs"], Secret)


def test_a_preview_runs_no_helm_and_leaves_outputs_unknown(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDG_HELM", "/nowhere")
    _, state = releases.create(Call(CALL.urn, CALL.type, CALL.name, preview=True), _given())
    assert state["status"] is UNKNOWN
    assert state["resourceNames"] is UNKNOWN


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n", "cannot re-use a name that is still in use"),
        ("W1122 warning\nError: UPGRADE FAILED: two\n\tlines\n", "two\n\tlines"),
        ("Error: uninstall: Release not loaded: rel: release: not found\n", "uninstall: Release not loaded: rel: release: not found"),
        ("no prefix\n", "no prefix"),
    ],
)
def test_an_error_is_helms_own_sentence(helm: Recorder, printed: str, sentence: str) -> None:
    helm.answer("", errors=printed, status=1)
    with pytest.raises(HelmError) as failed:
        Helm(Cluster(SETTINGS), SETTINGS, threading.Event()).run(["install"])
    assert str(failed.value) == sentence


def test_a_name_that_is_in_use_is_refused_without_looking_further(helm: Recorder, releases: Releases) -> None:
    helm.answer("", errors="Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n", status=1)
    with pytest.raises(ProviderError, match=r"^cannot re-use a name that is still in use$"):
        releases.create(CALL, _given())


def test_a_password_of_a_repository_goes_through_stdin(helm: Recorder, releases: Releases) -> None:
    helm.answer("", errors="Error: stop here\n", status=1)
    with pytest.raises(ProviderError):
        releases.create(CALL, _given(repositoryOpts={"repo": "http://127.0.0.1:1", "username": "u", "password": Secret(PLANTED)}))
    assert helm.arguments[:2] == ["repo", "add"]
    assert "--password-stdin" in helm.arguments
    assert helm.stdin == PLANTED
    assert PLANTED not in " ".join(helm.arguments)


def test_values_of_files_come_before_the_programs_own_and_nulls_are_dropped() -> None:
    completed = inputs.completed(
        {"valueYamlFiles": [Asset(text="a: 1\nb: {c: 2, d: 3}\n")], "values": {"b": {"c": 9}, "gone": None}, "name": "r"}
    )
    assert completed["values"] == {"a": 1, "b": {"c": 9, "d": 3}}


def test_nulls_are_kept_where_they_are_wanted() -> None:
    assert inputs.completed({"values": {"a": None}, "allowNullValues": True})["values"] == {"a": None}


def test_a_chart_is_not_resolved_while_values_are_unknown(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDG_HELM", "/nowhere")
    checked = releases.check(CALL, {}, {"chart": "mini", "values": {"later": UNKNOWN}}, Autonaming())
    assert checked.failures == ()
    assert contains(checked.inputs, type(UNKNOWN))
    assert str(checked.inputs["name"]).startswith("rel-")


class _Records:
    """An API server that keeps Helm's records."""

    def __init__(self, *revisions: tuple[int, str]) -> None:
        self._items = [
            {"metadata": {"labels": {"version": str(number)}}, "data": {"release": _stored(number, status)}} for number, status in revisions
        ]

    def get(self, path: str, **query: str) -> dict[str, Any]:
        assert path == "/api/v1/namespaces/ns/secrets"
        assert query == {"labelSelector": "owner=helm,name=rel"}
        return {"items": self._items}


def _stored(number: int, status: str) -> str:
    record = {**RELEASE, "version": number, "info": {"status": status}}
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return base64.b64encode(packed).decode()


def test_the_newest_record_is_read_whatever_its_status() -> None:
    found = last(_Records((9, "superseded"), (10, "pending-upgrade")), "secret", "ns", "rel")  # type: ignore[arg-type]
    assert isinstance(found, Record)
    assert (found.revision, found.status) == (10, "pending-upgrade")


def test_a_release_without_a_record_is_gone() -> None:
    assert last(_Records(), "secret", "ns", "rel") is None  # type: ignore[arg-type]
