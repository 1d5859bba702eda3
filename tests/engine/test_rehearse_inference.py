"""Each inference provider on a whole stack: only what is needed exists, gates are green, and one endpoint changes alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rehearsal.services.internet.nvcf import function_id
from tests.engine.kept import Kept, commands, options
from tests.engine.rehearsing import STEPS, verdicts

GPU_NODES = ("Standard_D16ds_v5", "Standard_NC80adis_H100_v5=3")
ON_GPUS = ("cluster.gpus=6", "cluster.gpusPerNode=2", "cluster.minNodes=4", "inference.storageClass=rehearsal-file")
URL, MODEL = "https://models.example.com/v1", "meta/llama-3.3-70b-instruct"


@dataclass(frozen=True)
class Way:
    """A stack with a provider.

    Attributes:
        stack: its name.
        config: of the provider, and of what it needs.
        endpoints: what it serves then.
        added: an endpoint that comes later, and goes again.
        more: config of that one, by path.
        nodes: machines, where the stack's own do not do.
    """

    stack: str
    config: tuple[str, ...]
    endpoints: tuple[str, ...]
    added: str
    more: dict[str, str]
    nodes: tuple[str, ...] = ()


WAYS = {
    "nim-operator": Way(
        "rehearsal",
        (*ON_GPUS, "inference.provider=nim-operator", "inference.services[0]=qwen3-vl", "inference.services[1]=qwen25-14b"),
        ("qwen25-14b", "qwen3-vl"),
        "cosmos-reason",
        {"services[2]": "cosmos-reason"},
        GPU_NODES,
    ),
    "nvcf": Way(
        "microk8s",
        ("inference.provider=nvcf", "inference.functions.qwen25-14b=11111111-2222-3333-4444-555555555555"),
        ("qwen25-14b",),
        "qwen3-vl-30b",
        {"functions.qwen3-vl-30b": function_id("qwen3-vl-30b")},
    ),
    "foundry": Way(
        "azure",
        ("inference.provider=foundry", "inference.models.llama-3-3-70b.capacity=10"),
        ("llama-3-3-70b",),
        "phi-4-multimodal",
        {"models.phi-4-multimodal.capacity": "5"},
    ),
    "external": Way(
        "rehearsal",
        (
            "inference.provider=external",
            f"inference.endpoints.mine.url={URL}",
            f"inference.endpoints.mine.model={MODEL}",
            "inference.endpoints.mine.capabilities[0]=text-llm",
            "inference.endpoints.mine.key=externalApiKey",
        ),
        ("mine",),
        "same-again",
        {"endpoints.same-again.url": URL, "endpoints.same-again.model": MODEL, "endpoints.same-again.capabilities[0]": "chat"},
    ),
}


@pytest.fixture
def rehearsed(tmp_path):
    with commands(tmp_path) as of:
        yield of


def add(stack, way):
    stack.set(*(f"inference.{path}={value}" for path, value in way.more.items()))


def remove(stack, way):
    above = {path.rpartition(".")[0] if path.count(".") > 1 else path for path in way.more}
    stack.remove(*(f"inference.{path}" for path in above))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("provider", WAYS)
def test_a_stack_lives_with_it_changes_one_endpoint_and_leaves_nothing(rehearsed, provider):
    way = WAYS[provider]
    sdg = rehearsed(way.stack)
    stack = Kept(sdg, way.config, way.nodes)
    assert verdicts(stack.output) == dict.fromkeys(STEPS[:4], "held")
    assert "OSMO and inference were worked on at the same time for " in stack.output
    assert stack.outputs()["gates"]["inference"] == "passed"
    assert stack.endpoints() == sorted(way.endpoints)
    add(stack, way)
    touched = stack.touched()
    assert all(way.added in name for name in touched), touched
    assert stack.endpoints() == sorted([*way.endpoints, way.added])
    if way.nodes:
        assert stack.services() == stack.endpoints()
    remove(stack, way)
    touched = stack.touched()
    assert all(way.added in name for name in touched), touched
    assert stack.endpoints() == sorted(way.endpoints)
    if way.nodes:
        assert stack.services() == stack.endpoints()
    done = sdg.rehearse()
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    assert sdg.processes() == []


def test_foundry_beside_microk8s_is_refused_before_anything_exists(rehearsed):
    sdg = rehearsed("microk8s")
    done = sdg.rehearse(*options(("inference.provider=foundry",)))
    assert done.returncode == 1
    assert "foundry cannot be used on microk8s" in done.stdout
    assert verdicts(done.stdout) == {}, "settings that cannot be are refused before the first step"
    assert not sdg.state.exists()
    assert sdg.processes() == []
