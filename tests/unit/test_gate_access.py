"""The gate before everything in a cluster whose rights come from elsewhere: it waits for them, and says what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from sdg.gates.access import AccessRecord
from sdg.gates.probes.access import NEEDED, REVIEWS
from sdg.kube.errors import RefusedError, UnreachableError

REMEDY = "Ask for the role."
FORBIDDEN = RefusedError(403, "forbidden")


class Cluster:
    """Answers access reviews: each entry for one look, the last one for all further ones."""

    def __init__(self) -> None:
        self.answers: list[bool | Exception] = [True]
        self.asked: list[tuple[str, str]] = []
        self.connections = 0

    def post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        assert path == REVIEWS
        wanted = document["spec"]["resourceAttributes"]
        assert wanted["verb"] == "create"
        self.asked.append((wanted["group"], wanted["resource"]))
        answer = self.answers[min(self.connections, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return {"status": {"allowed": answer, "reason": "" if answer else "Azure has no opinion"}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()

    def connect(_connection: object) -> Cluster:
        cluster.connections += 1
        return cluster

    monkeypatch.setattr("sdg.gates.access.KubernetesApi.connect", connect)
    monkeypatch.setattr("sdg.gates.interrupt.Interruption.sleep", lambda *_: None)
    return cluster


def asked(**changes: Any) -> dict[str, Any]:
    inputs = {"gate": "access", "connection": {"kubeconfig": "{}", "context": "c"}, "who": "principal a", "remedy": REMEDY, "deadline": 60}
    return inputs | changes


def test_whoever_may_do_everything_waits_for_nothing(cluster: Cluster) -> None:
    found = AccessRecord().create(asked()).outs
    assert found["status"] == "passed"
    assert cluster.asked == list(NEEDED)


@pytest.mark.parametrize("before", [False, FORBIDDEN, RefusedError(401, "Unauthorized"), UnreachableError("no route")])
def test_a_role_that_does_not_hold_yet_is_waited_for_with_a_new_login_each_time(cluster: Cluster, before: bool | Exception) -> None:
    cluster.answers = [before, True]
    assert AccessRecord().create(asked()).outs["status"] == "passed"
    assert cluster.connections == 2


def test_without_a_role_the_gate_is_red_at_its_deadline_and_says_what_to_do(cluster: Cluster) -> None:
    cluster.answers = [False]
    found = AccessRecord().create(asked(deadline=0)).outs
    assert found["status"] == "failed"
    assert {check["subject"] for check in found["checks"]} == {"create namespaces", "create clusterroles"}
    first = found["checks"][0]
    assert (first["observed"], first["expected"], first["remedy"]) == ("refused: Azure has no opinion", "principal a may", REMEDY)


def test_somebody_else_is_asked_anew_and_another_login_of_the_same_is_not(cluster: Cluster) -> None:
    record = AccessRecord()
    stored = record.create(asked()).outs
    assert not record.diff("access", stored, asked(who="principal a")).changes
    assert record.diff("access", stored, asked(who="principal b")).changes
    assert record.diff("access", stored, asked(role="another")).changes
    rotated = asked(connection={"kubeconfig": "other", "context": "c"})
    before = len(cluster.asked)
    assert record.update("access", stored, rotated).outs["status"] == "passed"
    assert len(cluster.asked) == before
    cluster.answers = [False]
    cluster.asked.clear()
    assert record.update("access", stored, asked(who="principal b", deadline=0)).outs["status"] == "failed"


def test_a_refresh_looks_once(cluster: Cluster) -> None:
    stored = AccessRecord().create(asked()).outs
    cluster.answers = [FORBIDDEN]
    cluster.asked.clear()
    assert AccessRecord().read("access", stored).outs["status"] == "failed"
    assert cluster.asked == list(NEEDED)
