"""The Kubernetes stand-in and the language host answer as the official ones were recorded to, call by call.

Here are the calls that need no cluster: the provider is given one that does not answer, as in the recorded preview without a cluster.
What needs a cluster is replayed in the engine tier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.plugins.kubernetes.provider import KubernetesProvider
from rehearsal.plugins.protocol import provider_pb2_grpc
from rehearsal.plugins.recordings import Call, Recordings, ask, serving
from rehearsal.plugins.servicer import Servicer

DATA = Path(__file__).parents[1] / "data" / "provider-captures" / "kubernetes"
RECORDINGS = Recordings.load(DATA)
KUBECONFIG = json.dumps(
    {
        "current-context": "gone",
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}],
        "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
    }
)
WITHOUT_CLUSTER = ("Handshake", "GetPluginInfo", "CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Cancel")


def _needs_no_cluster(call: Call) -> bool:
    provider, method = call.method.split("/")
    release = str(call.request.get("type", "")).endswith("Release")
    if provider != "ResourceProvider" or "repositoryOpts" in call.request.get("news", {}):
        return False
    return method in WITHOUT_CLUSTER or (release and bool(call.request.get("preview")))


def _calls() -> Iterator[object]:
    seen = set()
    for run, calls in RECORDINGS.runs.items():
        for call in filter(_needs_no_cluster, calls):
            if id(call) not in seen:
                seen.add(id(call))
                yield pytest.param(call, id=f"{run}: {call.name}")


def _with_kubeconfig(text: str) -> str:
    return text.replace("<kubeconfig>", KUBECONFIG.replace('"', '\\"'))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    monkeypatch.chdir(DATA)
    with serving(Servicer(KubernetesProvider())) as stub:
        configure = next(call for call in RECORDINGS.runs["01-preview-create"] if call.matches("Configure", "p"))
        ask(stub, configure, _with_kubeconfig)
        yield stub


@pytest.mark.parametrize("call", list(_calls()))
def test_the_stand_in_answers_as_recorded(provider: provider_pb2_grpc.ResourceProviderStub, call: Call) -> None:
    assert RECORDINGS.answered(call, ask(provider, call)) == RECORDINGS.expected(call)


def test_every_recorded_run_is_replayed_in_one_of_the_two_tiers() -> None:
    assert len(RECORDINGS.runs) == 20
