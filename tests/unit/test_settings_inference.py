"""What stacks say of models and workloads: one sentence for each thing that is wrong, with its whole path."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sdg.inference.stack import plan_stack
from sdg.settings.document import stacks_markdown
from sdg.settings.parse import check

LAB = {"kind": "existing", "name": "lab-1"}
FUNCTION = "00000000-0000-4000-8000-000000000001"
NIMS = {"provider": "nim-operator", "services": ["qwen25-14b"]}
NVCF = {"provider": "nvcf", "functions": {"llama-31-8b": FUNCTION}}
QWEN_VL = {"provider": "nvcf", "functions": {"qwen3-vl-30b": FUNCTION}}
VLLM = {"url": "http://vllm.example.com/v1", "model": "some/model", "capabilities": ["chat"]}
EXTERNAL = {"provider": "external", "endpoints": {"mine": VLLM}}
SECRETS = {"ngcApiKey": "nvapi-1", "nvcfApiKey": "nvapi-1", "hfToken": "hf_1"}
TODAY = date(2026, 11, 22)


def problems(secrets: dict[str, str] | None = None, **raw: Any) -> list[str]:
    """Everything that is said of a stack, as the loader says it."""
    sections, wrong = check({"cluster": LAB, **raw})
    planned = plan_stack(sections, SECRETS if secrets is None else secrets, {}, TODAY)  # type: ignore[arg-type]
    return [*wrong, *planned.problems]


UNREADABLE = [
    ({"provider": "nimoperator"}, "sdg:inference.provider must be one of 'none', 'nim-operator', 'nvcf', 'foundry', 'external'"),
    ({"provider": "nvcf"}, "sdg:inference.functions is required"),
    ({"provider": "nvcf", "functions": {}}, "sdg:inference.functions must hold at least 1 entry."),
    ({"provider": "nvcf", "functions": {"llama-31-8b": "12"}}, 'sdg:inference.functions[llama-31-8b] must look like "00000000-'),
    (
        {"provider": "nvcf", "functions": {"llama-31-8b": "https://a.example.com/v1?key=b"}},
        'sdg:inference.functions[llama-31-8b] must look like "00000000-0000-0000-0000-000000000000" or "https://',
    ),
    ({"provider": "nvcf", "functions": {"llama-31-8b": "https://[::1/v1"}}, "sdg:inference.functions[llama-31-8b] must be a URL; an IPv6"),
    ({"provider": "nvcf", "functions": {"llama-31-8b": "https://localhost/v1"}}, "sdg:inference.functions[llama-31-8b] must be a URL that"),
    ({"provider": "nvcf", "functions": {"Llama": FUNCTION}}, 'sdg:inference.functions.Llama must look like "lab-1"'),
    ({**NVCF, "function": {}}, "sdg:inference.function is not a key here. Did you mean 'functions'?"),
    ({**NVCF, "also": {"provider": "foundry"}}, "sdg:inference.also must be a list"),
    ({**NVCF, "also": ["foundry"]}, "sdg:inference.also[0] must be an object whose provider is one of 'nim-operator', 'nvcf'"),
    ({**NVCF, "also": [{"provider": "fondry"}]}, "sdg:inference.also[0].provider must be one of 'nim-operator', 'nvcf', 'foundry'"),
    ({**NVCF, "also": [{"services": []}]}, "sdg:inference.also[0].provider is required: one of 'nim-operator'"),
    ({**NVCF, "also": [{**EXTERNAL, "also": []}]}, "sdg:inference.also[0].also is not a key here."),
    ({**NIMS, "also": [{"provider": "nvcf", "functions": {"a": "b"}}]}, "sdg:inference.also[0].functions.a must look like"),
    (
        {**NIMS, "also": [NVCF, {"provider": "external", "endpoints": {"x-1": {**VLLM, "urll": "u"}}}]},
        "sdg:inference.also[1].endpoints[x-1].urll is",
    ),
    (
        {"provider": "foundry", "models": {"phi-4": {"capcity": 1}}},
        "sdg:inference.models[phi-4].capcity is not a key here. Did you mean 'capacity'?",
    ),
    ({"provider": "foundry", "models": {"phi-4": {"capacity": 0}}}, "sdg:inference.models[phi-4].capacity must be more than 0; it is 0."),
    (
        {"provider": "foundry", "models": {"phi-4": 3}},
        "sdg:inference.models[phi-4] must be an object with some of the keys model, version, capacity",
    ),
    ({"provider": "foundry", "models": ["phi-4"]}, "sdg:inference.models must be an object"),
    (
        {"provider": "external", "endpoints": {"x": {"model": "a", "capabilities": ["chat"]}}},
        "sdg:inference.endpoints.x.url is required: base URL",
    ),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "url": "ftp://a"}}},
        'sdg:inference.endpoints.x.url must look like "https://models',
    ),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "capabilities": []}}},
        "sdg:inference.endpoints.x.capabilities must hold at least 1 entry",
    ),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "key": "mine"}}},
        "sdg:inference.endpoints.x.key must be 'none', 'externalApiKey'",
    ),
    ({**NIMS, "replicas": {"qwen25-14b": 0}}, "sdg:inference.replicas[qwen25-14b] must be more than 0; it is 0."),
    ({**NIMS, "services": "qwen25-14b"}, 'sdg:inference.services must be a list, as ["qwen3-vl", "qwen25-14b"]'),
    ({**NIMS, "services": ["Qwen"]}, 'sdg:inference.services[0] must look like "lab-1"; it is "Qwen".'),
    ({**NIMS, "services": []}, "sdg:inference.services must hold at least 1 entry."),
    ({**NIMS, "storageClass": ""}, 'sdg:inference.storageClass must look like "azurefile-nfs-premium"; it is "".'),
    ({**NIMS, "nodeSelector": {"a b": "c"}}, 'sdg:inference.nodeSelector[a b] must look like "agentpool" or "example.com/pool"; it is'),
    ({**NIMS, "nodeSelector": {"a": "c d"}}, 'sdg:inference.nodeSelector.a must look like "nims"; it is "c d".'),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "url": "https://a.example.com:99999/v1"}}},
        "sdg:inference.endpoints.x.url must be a URL whose port, if it has one, is a number from 0 to 65535; it is",
    ),
    ({"provider": "external", "endpoints": {"x": {**VLLM, "capabilities": [7]}}}, "x.capabilities[0] must be text, in quotes; it is 7."),
    ({**NIMS, "deadline": 0}, "sdg:inference.deadline must be at least 1; it is 0."),
]


@pytest.mark.parametrize(("inference", "sentence"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_named_with_its_whole_path(inference: dict[str, Any], sentence: str) -> None:
    found = [each for each in problems(inference=inference) if each.startswith("sdg:inference")]
    assert sentence in found[0]
    assert len(found) == 1, "one mistake is one sentence"


IMPOSSIBLE = [
    ({"provider": "foundry"}, "sdg:inference.provider: foundry cannot be used on existing"),
    ({**NIMS, "also": [{"provider": "foundry"}]}, "sdg:inference.also[0].provider: foundry cannot be used on existing"),
    ({**NIMS, "also": [{"provider": "nim-operator"}]}, "sdg:inference.also: nim-operator is named twice."),
    ({**NIMS, "also": [EXTERNAL, EXTERNAL]}, "sdg:inference.also: external is named twice."),
    (
        {**NIMS, "services": ["qwen25-14b", "qwen25-14"]},
        'sdg:inference.services[1]: "qwen25-14" is not a known NIM; did you mean qwen25-14b',
    ),
    ({**NIMS, "services": ["qwen25-14b"] * 2}, 'sdg:inference.services[1]: "qwen25-14b" stands there twice'),
    ({**NIMS, "variants": {"qwen3-vl": "two-gpus"}}, "sdg:inference.variants.qwen3-vl: the stack does not run this NIM"),
    ({**NIMS, "variants": {"qwen3": "x"}}, 'sdg:inference.variants.qwen3: "qwen3" is not a known NIM; did you mean qwen3-vl'),
    ({**NIMS, "variants": {"qwen25-14b": "two-gpus"}}, '"two-gpus" is no variant of this NIM; it has none, so leave it out.'),
    (
        {"provider": "nim-operator", "services": ["qwen3-vl"], "variants": {"qwen3-vl": "two"}},
        '"two" is no variant of this NIM; it has two-gpus.',
    ),
    ({**NIMS, "replicas": {"cosmos-reason": 2}}, "sdg:inference.replicas.cosmos-reason: the stack does not run this NIM"),
    (
        {"provider": "nvcf", "functions": {"qwen25": FUNCTION}},
        'sdg:inference.functions.qwen25: "qwen25" is not a known function; did you mean qwen25-14b?',
    ),
    (
        {"provider": "nvcf", "functions": {"qwen25-14b": "https://api.nvcf.nvidia.com/v2/nvcf/pexec"}},
        "names no function: its path has no functions/<id>",
    ),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "capabilities": ["chatt"]}}},
        "x.capabilities: chatt is not a known capability. Did you mean chat?",
    ),
    (
        {**NIMS, "also": [{"provider": "external", "endpoints": {"qwen25-14b": VLLM}}]},
        'the name "qwen25-14b" is taken by sdg:inference.services',
    ),
    (
        {"provider": "nvcf", "functions": {"qwen25-14b": FUNCTION, "llama-31-8b": FUNCTION}},
        "sdg:inference.functions.llama-31-8b: sdg:inference.functions.qwen25-14b names the same function",
    ),
    (
        {"provider": "external", "endpoints": {"x": {**VLLM, "key": "ngcApiKey"}}},
        "sdg:inference.endpoints.x.url: ngcApiKey would be sent there in plain text; give an https URL",
    ),
    ({**EXTERNAL, "also": [{"provider": "nim-operator"}]}, "sdg:inference.also[0].services is unset, and there is no sdg:workload"),
    ({"provider": "nim-operator"}, "sdg:inference.services is unset, and there is no sdg:workload"),
]


@pytest.mark.parametrize(("inference", "sentence"), IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_what_cannot_be_is_named_with_what_can(inference: dict[str, Any], sentence: str) -> None:
    found = problems(inference=inference)
    assert sentence in "\n".join(found)
    assert len(found) == 1, "one mistake is one sentence"


@pytest.mark.parametrize(
    ("inference", "secrets", "sentences"),
    [
        (
            NIMS,
            {},
            [
                "sdg:ngcApiKey is required, because sdg:inference.provider is nim-operator",
                "sdg:hfToken is required, because the NIM qwen25-14b",
            ],
        ),
        ({"provider": "nim-operator", "services": ["cosmos-reason"]}, {"ngcApiKey": "nvapi-1"}, []),
        (
            {"provider": "nim-operator", "services": ["qwen-image-edit-nvpcb-ovsl2sl"]},
            {"ngcApiKey": "nvapi-1"},
            ["sdg:hfToken is required, because the NIM qwen-image-edit-nvpcb-ovsl2sl downloads from Hugging Face"],
        ),
        (NVCF, {}, ["sdg:nvcfApiKey is required, because sdg:inference.provider is nvcf: set it with `pulumi config set"]),
        ({**EXTERNAL, "also": [NVCF]}, {}, ["sdg:nvcfApiKey is required, because sdg:inference.also[0].provider is nvcf"]),
        (NVCF, {"nvcfApiKey": "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"}, ["has the form of another service's credential"]),
        (
            NIMS,
            {"ngcApiKey": "hf_abcdefghijklmnopqrstuvwxyzabcdefgh", "hfToken": f"nvapi-{'a' * 64}"},
            [
                "sdg:ngcApiKey (or NGC_API_KEY) has the form of another service's credential (Hugging Face token); store the right one",
                "sdg:hfToken (or HF_TOKEN) has the form of another service's credential (NVIDIA API key); store the right one",
            ],
        ),
        (
            {"provider": "external", "endpoints": {"mine": {**VLLM, "key": "externalApiKey"}}},
            {},
            ["sdg:externalApiKey is required, because the endpoint mine of sdg:inference says key externalApiKey"],
        ),
        (EXTERNAL, {}, []),
    ],
    ids=range(9),
)
def test_keys_are_asked_for_where_something_needs_them(inference: dict[str, Any], secrets: dict[str, str], sentences: list[str]) -> None:
    found = problems(secrets, inference=inference)
    assert len(found) == len(sentences)
    for sentence in sentences:
        assert sentence in "\n".join(found)


def test_a_section_that_cannot_be_read_hides_no_mistake_of_another() -> None:
    found = problems(inference={"provider": "nimop"}, workload={"kind": "catalog", "name": "vdaa"})
    assert [each.partition(" ")[0] for each in found] == ["sdg:inference.provider", "sdg:workload.name:"]
    found = problems(cluster={"kind": "none"}, inference={**NIMS, "services": ["nope"]}, workload={"kind": "catalog", "name": "vdaa"})
    assert [each.partition(" ")[0] for each in found] == ["sdg:cluster.kind", "sdg:workload.name:", "sdg:inference.services[0]:"]


def test_one_value_that_stands_for_two_keys_is_wrong_once() -> None:
    foreign = "hf_abcdefghijklmnopqrstuvwxyzabcdefgh"
    [problem] = problems({"ngcApiKey": foreign, "nvcfApiKey": foreign, "hfToken": foreign}, inference={**NIMS, "also": [QWEN_VL]})
    assert problem.startswith("sdg:ngcApiKey (or NGC_API_KEY) has the form of another service's credential")


def test_every_capability_that_nobody_knows_is_told() -> None:
    mine = {**VLLM, "capabilities": ["chatt", "chat", "vllm"]}
    found = problems(inference={"provider": "external", "endpoints": {"mine": mine}})
    assert [each.partition(" is not")[0] for each in found] == [
        "sdg:inference.endpoints.mine.capabilities: chatt",
        "sdg:inference.endpoints.mine.capabilities: vllm",
    ]


def test_a_workload_that_cannot_be_read_is_not_taken_for_none() -> None:
    [problem] = problems(inference={"provider": "nim-operator"}, workload={"kind": "spec", "path": "flows/mine.yaml"})
    assert problem.startswith("sdg:workload.path must look like")


def test_a_retired_model_of_foundry_is_refused_with_its_day_and_what_came_after_it() -> None:
    azure = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"]}
    foundry = {"provider": "foundry", "models": {"mine": {"model": "llama-3-1-70b"}, "lama-3-3-70b": {}, "phi-4": {}}}
    found = [each for each in problems(cluster=azure, inference=foundry) if each.startswith("sdg:inference")]
    assert len(found) == 2
    assert "sdg:inference.models.mine: llama-3-1-70b (Meta-Llama-3.1-70B-Instruct) was retired by Microsoft on 2025-06-30" in found[0]
    assert "Use llama-3-3-70b" in found[0]
    assert 'sdg:inference.models.lama-3-3-70b: "lama-3-3-70b" is not a known model of Foundry; did you mean llama-3-3-70b' in found[1]


def test_mistakes_of_all_kinds_are_told_together() -> None:
    found = "\n".join(
        problems(
            {},
            inference={
                **NIMS,
                "services": ["qwen25-14b", "qwen3-vl", "nope"],
                "replicas": {"x": 1},
                "also": [{"provider": "foundry"}, NVCF],
            },
            workload={"kind": "spec", "path": "/no/such/spec.yaml", "environment": {"A": "b=c"}, "endpoints": {"llm_url": "nowhere"}},
            osmo={"profile": "7.0"},
        )
    )
    for sentence in (
        "sdg:osmo.profile must be one of",
        "sdg:inference.also[0].provider: foundry cannot be used on existing",
        '"nope" is not a known NIM',
        'sdg:inference.replicas.x: "x" is not a known NIM',
        "sdg:workload.path: /no/such/spec.yaml cannot be read: there is no such file",
        "sdg:workload.environment.A holds an equals sign",
        'sdg:workload.endpoints.llm_url: "nowhere" is not a known endpoint of the stack',
        "sdg:ngcApiKey is required",
        "sdg:nvcfApiKey is required",
        "sdg:hfToken is required, because the NIMs qwen25-14b, qwen3-vl download from Hugging Face",
    ):
        assert sentence in found


WORKLOADS = [
    ({"kind": "catalogue"}, "sdg:workload.kind must be one of 'none', 'catalog', 'spec'"),
    (
        {"kind": "spec", "path": "flows/mine.yaml"},
        'sdg:workload.path must look like "/home/me/flows/my-flow.yaml"; it is "flows/mine.yaml".',
    ),
    ({"kind": "spec", "path": "/"}, "sdg:workload.path: / cannot be read: it is a folder; legal: the path of a workflow spec's file."),
    ({"kind": "catalog", "name": "vdaa"}, "sdg:workload.name: vdaa is not a known workload. Did you mean vda?"),
    ({"kind": "catalog", "name": "vda", "flow": "e2ee"}, "sdg:workload.flow: e2ee is not a known flow. Did you mean e2e"),
    ({"kind": "catalog", "name": "nre"}, "Follow NVIDIA's recipe for NRE, with Docker: https://"),
    ({"kind": "catalog", "name": "dig", "values": {"name": ["a"]}}, "sdg:workload.values.name must be text, a number, true or false."),
    ({"kind": "catalog", "name": "dig", "values": {"a-b": 1}}, 'sdg:workload.values[a-b] must look like "vlm_url"; it is "a-b".'),
    ({"kind": "catalog", "name": "dig", "environment": {"a b": "c"}}, "sdg:workload.environment[a b] must look like"),
    ({"kind": "catalog", "name": "dig", "strings": {"name": 7}}, "sdg:workload.strings.name must be text, in quotes; it is 7."),
    (
        {"kind": "catalog", "name": "dig", "endpoints": {"image_edit_endpoint": "Mine"}},
        "sdg:workload.endpoints.image_edit_endpoint must look like",
    ),
]


@pytest.mark.parametrize(("workload", "sentence"), WORKLOADS, ids=range(len(WORKLOADS)))
def test_a_workload_that_cannot_be_is_named_with_what_can(workload: dict[str, Any], sentence: str) -> None:
    found = problems(workload=workload)
    assert sentence in found[0]
    assert len(found) == 1, "one mistake is one sentence"


def test_the_reference_names_every_key_of_lists_and_mappings() -> None:
    text = stacks_markdown()
    for key in ("models.<name>.capacity", "endpoints.<name>.url", "also", "services", "strings", "path"):
        assert f"| `{key}` |" in text
