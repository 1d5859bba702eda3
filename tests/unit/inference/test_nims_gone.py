"""The end of NIMs: waited for while their operator is there, and told where it is not."""

from __future__ import annotations

import pytest

from components.inference.nim_operator import gone
from components.inference.nim_operator.gone import NimsGoneProvider
from sdg.gates.destroying import DestroyRefused
from sdg.kube.errors import ObjectNotFoundError

PROPS = {"connection": {"kubeconfig": "{}", "context": None}, "stack": "lab", "deadline": 0.6}
FINALIZER = "finalizer.nimservice.apps.nvidia.com"


class Cluster:
    """NIMs that are gone after a number of looks."""

    def __init__(self, *names, looks=10**6, kinds=True):
        self.names, self.left, self.kinds, self.asked = names, looks, kinds, 0

    def get(self, path, query=None):
        if not self.kinds:
            raise ObjectNotFoundError(path)
        if path.endswith("/nimcaches"):
            return {"items": []}
        assert path == "/apis/apps.nvidia.com/v1alpha1/namespaces/osmo-nims/nimservices"
        self.asked += 1
        metadata = {"namespace": "osmo-nims", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
        return {"items": [{"metadata": {**metadata, "name": name}} for name in self.names] if self.asked <= self.left else []}


@pytest.fixture
def destroy(monkeypatch):
    def run(cluster):
        monkeypatch.setattr(gone, "answering", lambda props, outcome: cluster)
        NimsGoneProvider().delete("nims-gone", PROPS)

    return run


def test_it_waits_until_the_operator_has_let_go_of_all(destroy):
    cluster = Cluster("qwen3-vl", looks=1)
    destroy(cluster)
    assert cluster.asked == 2


def test_nims_that_nobody_lets_go_of_end_the_destroy_with_their_names_and_what_to_do(destroy):
    with pytest.raises(DestroyRefused) as refused:
        destroy(Cluster("qwen3-vl", "cosmos-reason"))
    text = str(refused.value)
    for name in ("qwen3-vl", "cosmos-reason"):
        assert f"NIMService/osmo-nims/{name}: held by finalizers {FINALIZER}" in text
        assert f"kubectl --namespace osmo-nims patch nimservice {name} --type merge" in text
    assert "kubectl --namespace nim-operator get pods" in text


@pytest.mark.parametrize("cluster", [None, Cluster(kinds=False), Cluster()])
def test_where_there_are_none_nothing_is_waited_for(destroy, cluster):
    destroy(cluster)
