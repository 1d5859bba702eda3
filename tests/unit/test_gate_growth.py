"""A workflow for GPUs on a pool that has no node yet: a pod asks for the first one, and goes when it has come."""

import pytest

from sdg.gates.checks import Status
from sdg.gates.probes.growth import PODS, Growth
from sdg.gates.probes.submission import SmokeWorkflow
from sdg.kube.errors import ObjectNotFoundError, RefusedError
from tests.unit.test_gate_smoke import FakeOsmo, run

NONE = (400, {"message": "There are no resources in platform gpu and pool default!", "error_code": "RESOURCE", "workflow_id": None})
SENTENCE = "pod triggered scale-up: [{aks-gpu-1-vmss 0->1 (max: 1)}]"


class Api:
    """A cluster that places a pod at the given look at it."""

    def __init__(self, placed_at=1, refusal=None):
        self.pods, self.posted, self.looks, self.placed_at, self.refusal = {}, [], 0, placed_at, refusal

    def post(self, path, document):
        if self.refusal:
            raise self.refusal
        assert path == PODS
        self.pods[f"{path}/{document['metadata']['name']}"] = document
        self.posted.append(document)
        return document

    def get(self, path, query=None):
        if path == PODS:
            return {"items": list(self.pods.values())}
        if path.endswith("/events"):
            return {"items": [{"metadata": {}, "reason": "TriggeredScaleUp", "message": SENTENCE}]}
        if path not in self.pods:
            raise ObjectNotFoundError(path)
        self.looks += 1
        placed = {"nodeName": "gpu-0"} if self.looks >= self.placed_at else {}
        return {**self.pods[path], "spec": {**self.pods[path]["spec"], **placed}}

    def delete(self, path):
        del self.pods[path]


def workflow(api):
    return SmokeWorkflow("verify-gpu", "workflow: {name: verify-gpu}", Growth(api, "cuda:1", 60))


def osmo(*refusals):
    found = FakeOsmo(verify_gpu=["RUNNING", "COMPLETED"])
    found.refusals = list(refusals)
    return found


def test_a_pool_without_nodes_is_made_to_grow_before_the_workflow_is_submitted_again():
    api, service = Api(placed_at=3), osmo(NONE)
    assert run(service, workflow(api)).status is Status.PASSED
    assert (len(api.posted), api.looks, service.posts) == (1, 3, 2)
    assert api.pods == {}


def test_a_pool_that_has_nodes_is_left_alone():
    api = Api()
    assert run(osmo(), workflow(api)).status is Status.PASSED
    assert api.posted == []


def test_the_pod_asks_for_a_gpu_where_workflows_with_gpus_run_and_ends_by_itself():
    api = Api()
    run(osmo(NONE), workflow(api))
    (pod,) = api.posted
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert pod["spec"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["spec"]["activeDeadlineSeconds"] == 60


@pytest.mark.parametrize("taints", [(), ("kubernetes.azure.com/scalesetpriority=spot:NoSchedule",)])
def test_the_pod_tolerates_what_nodes_with_gpus_are_tainted_with(taints):
    api = Api()
    Growth(api, "cuda:1", 60, taints).begin()
    spot = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
    assert api.posted[0]["spec"]["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        *([spot] if taints else []),
    ]


def test_while_the_node_is_waited_for_the_autoscalers_words_are_told_and_nothing_is_left():
    api, service = Api(placed_at=10**6), osmo(NONE)
    (check,) = run(service, workflow(api), deadline=1.5).failures()
    assert check.observed == f"not submitted yet: a node with a GPU is waited for; TriggeredScaleUp: {SENTENCE}"
    assert service.posts == 1
    assert api.pods == {}


def test_a_node_that_does_not_show_in_osmo_at_once_is_waited_for():
    api, service = Api(), osmo(NONE, NONE)
    assert run(service, workflow(api)).status is Status.PASSED
    assert (service.posts, len(api.posted)) == (3, 1)


def test_what_a_killed_update_left_goes_first():
    api = Api()
    left = {"metadata": {"name": "sdg-growth-left"}, "spec": {}}
    api.pods[f"{PODS}/sdg-growth-left"] = left
    run(osmo(NONE), workflow(api))
    assert api.pods == {}


def test_a_pod_that_somebody_took_away_is_asked_for_again():
    api = Api(placed_at=2)
    taken = []

    def get(path, query=None, get=api.get):
        if path in api.pods and not taken:
            taken.append(api.pods.pop(path))
        return get(path, query)

    api.get = get
    assert run(osmo(NONE, NONE), workflow(api)).status is Status.PASSED
    assert len(api.posted) == 2


def test_a_cluster_that_takes_no_pod_is_named():
    refusal = RefusedError(403, "exceeded quota: sdg")
    (check,) = run(osmo(*[NONE] * 9), workflow(Api(refusal=refusal)), deadline=1.5).failures()
    assert "no node with a GPU could be asked for" in check.observed
    assert "exceeded quota" in check.observed


@pytest.mark.parametrize("reason", ["Pulled", "Scheduled"])
def test_other_events_are_no_news(reason):
    api = Api(placed_at=99)
    growth = Growth(api, "cuda:1", 60)
    growth.begin()
    events = {"items": [{"metadata": {}, "reason": reason, "message": "x"}]}
    api.get = lambda path, query=None, get=api.get: events if path.endswith("/events") else get(path, query)
    assert growth.awaited() == "nobody has looked at the pod yet"
