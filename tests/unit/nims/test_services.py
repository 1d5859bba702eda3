"""One pass over a NIMService, and the servers behind its Service."""

from __future__ import annotations

import pytest
import requests

from rehearsal.api import CLAIMS, DEPLOYMENTS, EVENTS, SERVICES
from rehearsal.nims.kinds import NIM_CACHES, NIM_SERVICES
from rehearsal.nims.reconciling import Again
from rehearsal.nims.services import FINALIZER, Services
from rehearsal.nims.serving import Servers
from tests.unit.nims.making import Memory, item, pod, service

SPACE = "osmo-nims"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


class Pass:
    """Passes over one NIMService."""

    def __init__(self, of, *there):
        self.api = Memory((NIM_SERVICES, of), *there)
        self.servers, self.of = Servers(), of
        self.services = Services(self.api, self.servers)

    def __call__(self):
        try:
            self.services.reconcile(self.api.get(NIM_SERVICES, self.of["metadata"]["name"], SPACE))
        except Again as again:
            return again.seconds or "later and later"
        return None

    @property
    def status(self):
        return self.api.get(NIM_SERVICES, self.of["metadata"]["name"], SPACE).get("status") or {}

    def reason(self, kind):
        return next((one["reason"], one["message"]) for one in self.status["conditions"] if one["type"] == kind)

    def roll_out(self, *, answers=True):
        """The controllers' part; and a pod that answers."""
        name = self.of["metadata"]["name"]
        counts = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
        self.api.patch(DEPLOYMENTS, name, {"metadata": {"generation": 1}, "status": counts}, SPACE)
        self.api.patch(SERVICES, name, {"spec": {"clusterIP": "10.96.0.9"}}, SPACE)
        started = {**pod(self.of), "status": READY}
        if answers:
            self.servers.on_pod("MODIFIED", started)
        return started


def test_the_first_pass_keeps_hold_of_the_service_and_waits_for_its_rollout():
    one = Pass(service("cosmos-reason"))
    assert one() is None
    assert one.api.get(NIM_SERVICES, "cosmos-reason", SPACE)["metadata"]["finalizers"] == [FINALIZER]
    assert (one.status["state"], one.reason("Ready")[0]) == ("NotReady", "NotReady")
    assert set(one.api.of(CLAIMS)) == {"cosmos-reason-pvc"}


def test_one_that_is_rolled_out_is_ready_only_when_its_model_answers():
    one = Pass(service("cosmos-reason"))
    one()
    started = one.roll_out(answers=False)
    assert one() == 1.0
    assert one.status["state"] == "NotReady"
    one.servers.on_pod("MODIFIED", started)
    assert one() is None
    assert one.status["state"] == "Ready"
    assert one.status["model"] == {"name": "nvidia/cosmos-reason2-8b", "clusterEndpoint": "10.96.0.9:8000", "externalEndpoint": ""}


def test_one_without_a_list_of_models_is_ready_by_its_metadata():
    one = Pass(service("cosmos-transfer"))
    one()
    one.roll_out()
    assert one() is None
    assert one.status["model"]["name"] == "nvidia/cosmos-transfer2.5-2b"


def test_a_port_that_nothing_listens_on_is_asked_again():
    one = Pass(service("cosmos-reason", expose={"service": {"port": 9000}}, env=[{"name": "NIM_HTTP_API_PORT", "value": "8000"}]))
    one()
    one.roll_out()
    assert one() == 1.0


def test_a_claim_of_the_name_is_taken_as_it_is():
    there = {"metadata": {"name": "cosmos-reason-pvc", "namespace": SPACE}, "spec": {"size": "other"}}
    one = Pass(service("cosmos-reason"), (CLAIMS, there))
    one()
    assert one.api.get(CLAIMS, "cosmos-reason-pvc", SPACE) == there


def test_one_that_is_going_is_let_go_and_nothing_else_is_done():
    of = service("cosmos-reason")
    of["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["other", FINALIZER]}
    one = Pass(of)
    assert one() is None
    assert one.api.get(NIM_SERVICES, "cosmos-reason", SPACE)["metadata"]["finalizers"] == ["other"]
    assert not one.api.of(DEPLOYMENTS)


def test_changes_by_hand_stay_until_the_specification_changes():
    one = Pass(service("cosmos-reason"))
    one()
    one.api.patch(DEPLOYMENTS, "cosmos-reason", {"spec": {"replicas": 0}}, SPACE)
    one()
    assert one.api.get(DEPLOYMENTS, "cosmos-reason", SPACE)["spec"]["replicas"] == 0
    one.api.patch(NIM_SERVICES, "cosmos-reason", {"spec": {"replicas": 2}}, SPACE)
    one()
    assert one.api.get(DEPLOYMENTS, "cosmos-reason", SPACE)["spec"]["replicas"] == 2


@pytest.mark.parametrize("storage", [{}, {"pvc": {"create": True}}, {"pvc": {"create": False}}])
def test_a_store_that_cannot_be_is_a_failure_that_is_tried_later_and_later(storage):
    one = Pass(service("cosmos-reason", storage=storage))
    assert one() == "later and later"
    assert (one.status["state"], one.reason("Failed")[0]) == ("Failed", "Failed")
    assert not one.api.of(DEPLOYMENTS)


def test_what_is_not_rehearsed_says_so():
    one = Pass(service("cosmos-reason", multiNode={"parallelism": {"tensor": 8}}))
    one()
    assert one.reason("Failed") == ("Failed", "spec.multiNode is not rehearsed")


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ({}, "NotReady", ("NIMCacheNotReady", "NIMCache store not ready")),
        ({"state": "InProgress"}, "NotReady", ("NIMCacheNotReady", "NIMCache store not ready")),
        ({"state": "Failed"}, "Failed", ("Failed", "")),
        ({"state": "Ready", "pvc": "store-pvc"}, "NotReady", None),
    ],
)
def test_a_cache_is_waited_for(status, state, reason):
    cache = item("store", {"source": {"ngc": {}}, "storage": {}}, kind="NIMCache") | {"status": status}
    one = Pass(service("cosmos-reason", storage={"nimCache": {"name": "store"}}), (NIM_CACHES, cache))
    one()
    assert one.status["state"] == state
    assert reason in {None, one.reason("Ready")}
    volumes = [body["spec"]["template"]["spec"]["volumes"][1] for body in one.api.of(DEPLOYMENTS).values()]
    assert volumes == ([{"name": "model-store", "persistentVolumeClaim": {"claimName": "store-pvc"}}] if reason is None else [])


def test_a_pass_that_changes_nothing_writes_nothing():
    one = Pass(service("cosmos-reason"))
    one()
    before = {key: value for key, value in one.api.objects.items() if key[0] is not EVENTS}
    one()
    assert before == {key: value for key, value in one.api.objects.items() if key[0] is not EVENTS}


def test_a_pod_that_is_not_ready_any_more_is_not_answered_for():
    servers, started = Servers(), {**pod(service("cosmos-reason")), "status": READY}
    servers.on_pod("MODIFIED", started)
    (local,) = servers.ports(started).values()
    assert requests.get(f"http://127.0.0.1:{local}/v1/models", timeout=5).ok
    servers.on_pod("MODIFIED", {**started, "status": {}})
    assert servers.ports(started) == {}
    assert servers.of_service(SPACE, "cosmos-reason", 8000) is None
