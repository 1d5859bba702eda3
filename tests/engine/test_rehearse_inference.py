"""Each inference provider on a whole stack: only what is needed exists, gates are green, and one endpoint changes alone."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from rehearsal.services.internet.nvcf import function_id
from tests.engine.rehearsing import STEPS, command, verdicts

GPU_NODES = ("Standard_D16ds_v5", "Standard_NC80adis_H100_v5=3")
DEADLINE = "inference.deadline=120"  # seconds; everything is quick here
ON_GPUS = ("cluster.gpus=6", "cluster.gpusPerNode=2", "cluster.minNodes=4", "inference.storageClass=rehearsal-file")
COMMON = ("sdg:inference:", "sdg:endpoints:", "pulumi:pulumi:")
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


def options(values, name="--config"):
    return [word for value in values for word in (name, value)]


@pytest.fixture
def rehearsed(tmp_path):
    """The command for a stack; whatever it started is gone afterwards."""
    made = []

    def of(stack):
        made.append(command(tmp_path, stack))
        return made[-1]

    yield of
    for each in made:
        each.stop()


class Kept:
    """A stack that was rehearsed and stays."""

    def __init__(self, sdg, way):
        self._sdg, self._way = sdg, way
        done = sdg.rehearse("--keep", *options(way.nodes, "--node"), *options((DEADLINE, *way.config)))
        assert done.returncode == 0, done.stdout
        self.output = done.stdout

    def shell(self, words):
        done = self._sdg.shell(words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def pulumi(self, words):
        return self.shell(f"pulumi {words} --stack {self._way.stack} --non-interactive")

    def outputs(self):
        return json.loads(self.pulumi("stack output --json 2>/dev/null"))

    def endpoints(self):
        return sorted(endpoint["name"] for endpoint in self.outputs()["endpoints"])

    def services(self):
        """The NIM services that there are."""
        return sorted(self.shell("kubectl get nimservices -n osmo-nims -o 'jsonpath={.items[*].metadata.name}'").split())

    def add(self):
        for path, value in self._way.more.items():
            self.pulumi(f"config set --path 'sdg:inference.{path}' '{value}'")

    def remove(self):
        for path in self._way.more:
            above = path.rpartition(".")[0] if path.count(".") > 1 else path
            self._sdg.shell(f"pulumi config rm --path 'sdg:inference.{above}' --stack {self._way.stack}")

    def touched(self):
        """Names of the resources that an update would touch, without those that stand for all endpoints, and then the update."""
        steps = json.loads(self.pulumi("preview --json --suppress-progress 2>/dev/null"))["steps"]
        self.pulumi("up --yes --skip-preview")
        changed = {step["urn"] for step in steps if step["op"] not in {"same", "read"}}
        return {name for urn in changed if (name := urn.rpartition("::")[2]) not in self._common(changed)}

    @staticmethod
    def _common(urns):
        """The gate of all endpoints, components, which say what they hold, and the stack, whose outputs list it."""
        kinds = {urn.rpartition("::")[2]: urn.split("::")[2].rpartition("$")[2] for urn in urns}
        return {name for name, kind in kinds.items() if name == "inference-gate" or kind.startswith(COMMON)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("provider", WAYS)
def test_a_stack_lives_with_it_changes_one_endpoint_and_leaves_nothing(rehearsed, provider):
    way = WAYS[provider]
    sdg = rehearsed(way.stack)
    stack = Kept(sdg, way)
    assert verdicts(stack.output) == dict.fromkeys(STEPS[:4], "held")
    assert "OSMO and inference were worked on at the same time for " in stack.output
    assert stack.outputs()["gates"]["inference"] == "passed"
    assert stack.endpoints() == sorted(way.endpoints)
    stack.add()
    touched = stack.touched()
    assert all(way.added in name for name in touched), touched
    assert stack.endpoints() == sorted([*way.endpoints, way.added])
    if way.nodes:
        assert stack.services() == stack.endpoints()
    stack.remove()
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
    assert verdicts(done.stdout) == {"preflight": "failed"} | dict.fromkeys(STEPS[1:], "skipped")
    assert not sdg.state.exists()
