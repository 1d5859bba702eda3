"""Whole stacks of all that the matrix allows: each kind of cluster with each provider, and with each two beside each other."""

from __future__ import annotations

import pytest

from rehearsal.services.internet.nvcf import function_id
from sdg.catalog.compatibility import matrix
from tests.engine.kept import DEADLINE, asked, commands, created, options
from tests.engine.rehearsing import STEPS, verdicts

STACKS = {"existing": "rehearsal", "microk8s": "microk8s", "azure": "azure"}
SERVING = {
    "nim-operator": ("cosmos-reason", {"services[0]": "cosmos-reason"}),
    "nvcf": ("qwen3-vl-30b", {"functions.qwen3-vl-30b": function_id("qwen3-vl-30b")}),
    "foundry": ("llama-3-3-70b", {"models.llama-3-3-70b.capacity": "10"}),
    "external": (
        "mine",
        {
            "endpoints.mine.url": "https://models.example.com/v1",
            "endpoints.mine.model": "meta/llama-3.3-70b-instruct",
            "endpoints.mine.capabilities[0]": "text-llm",
            "endpoints.mine.key": "externalApiKey",
        },
    ),
}
"""The endpoint of each provider, and what a stack says of it."""
FOR_NIMS = {
    "existing": (
        ("Standard_D16ds_v5", "Standard_NC80adis_H100_v5"),
        ("cluster.gpus=2", "cluster.gpusPerNode=2", "inference.storageClass=rehearsal-file"),
    ),
    "microk8s": (("local-2x-rtx-6000-ada",), ()),
    "azure": ((), ("cluster.gpuPools[0].max=2",)),
}
"""Machines and config for one NIM of one GPU, beside which verify-gpu runs."""


def pairs():
    """Kinds of clusters with what serves on them; a cluster that serves nothing is rehearsed by every other test."""
    known = matrix()
    for kind, allowed in known.clusters.items():
        alone = [(provider,) for provider in allowed.inference if provider != "none"]
        for together in (*alone, *map(tuple, allowed.combined)):
            yield pytest.param(kind, together, id=f"{kind}-{'+'.join(together)}")


@pytest.fixture
def rehearsed(tmp_path):
    with commands(tmp_path) as of:
        yield of


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "providers"), list(pairs()))
def test_what_may_be_together_lives_together_and_leaves_nothing(rehearsed, kind, providers):
    sdg = rehearsed(STACKS[kind])
    config, nodes, served = [DEADLINE], (), set()
    for place, provider in zip(("inference", "inference.also[0]"), providers, strict=False):
        name, said = SERVING[provider]
        served.add(name)
        config += [f"{place}.provider={provider}", *(f"{place}.{path}={value}" for path, value in said.items())]
    if "nim-operator" in providers:
        nodes, more = FOR_NIMS[kind]
        config += more
    done = sdg.rehearse(*options(nodes, "--node"), *options(config))
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    assert asked(done.stdout) == served
    assert created(done.stdout, "NIMService") == ({"nim-cosmos-reason"} if "nim-operator" in providers else set())
    assert sdg.processes() == []
