"""Cloud functions and endpoints elsewhere: what a stack registers for them, and what it does not."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format

ID, VERSION = "0a1b2c3d-0000-4000-8000-00000000abcd", "9f8e7d6c-0000-4000-8000-00000000dcba"
NVCF_KEY, EXTERNAL_KEY = "nvapi-PlantedPlanted0000", "planted-key-of-somebody-else"
FUNCTIONS = {"provider": "nvcf", "functions": {"qwen3-vl-30b": ID, "qwen25-14b": f"{ID}/{VERSION}"}}
ELSEWHERE = {
    "provider": "external",
    "endpoints": {
        "text": {"url": "https://models.example.com/v1/", "model": "a/b", "capabilities": ["text-llm", "chat"], "key": "externalApiKey"},
        "inside": {"url": "http://vllm.models.svc.cluster.local:8000/v1", "model": "c/d", "capabilities": ["chat"]},
    },
}
RECORD, VERDICT = "inference-gate", "inference-gate/verdict"
MADE = {}


@pytest.fixture
def run(run_program, monkeypatch):
    """The graph of a stack that serves something; made once for each question."""
    monkeypatch.setenv("NVCF_API_KEY", NVCF_KEY)
    monkeypatch.setenv("EXTERNAL_API_KEY", EXTERNAL_KEY)

    def of(inference, **sections):
        key = json.dumps([inference, sections], sort_keys=True)
        if key not in MADE:
            MADE[key] = run_program(inference=inference, **sections)
        return MADE[key]

    return of


def endpoints(graph):
    return {entry["name"]: entry for entry in graph.inputs[RECORD]["endpoints"]}


def own(graph):
    """What the inference stage registers."""
    return {
        name for name, type_ in graph.types.items() if type_.startswith(("sdg:inference:", "sdg:endpoints:")) or name in {RECORD, VERDICT}
    }


BOTH = {**FUNCTIONS, "also": [ELSEWHERE]}


@pytest.mark.parametrize(("inference", "component"), [(FUNCTIONS, "nvcf"), (ELSEWHERE, "external")])
def test_what_runs_already_is_asked_and_not_made(run, inference, component):
    graph = run(inference)
    assert own(graph) == {component, "verified-inference", RECORD, VERDICT}
    assert set(graph.types) - own(graph) == set(run({"provider": "none"}).types) - {"inference"}


def test_a_stack_that_serves_nothing_has_no_gate_for_it_and_says_so(run):
    graph = run({"provider": "none"})
    assert RECORD not in graph.types
    assert (graph.outputs["endpoints"], graph.outputs["workloadVariables"]) == ([], {})
    assert "inference" not in graph.outputs["gates"]


@pytest.mark.parametrize(
    ("name", "provider", "served"), [("nvcf", "nvcf", ["qwen25-14b", "qwen3-vl-30b"]), ("external", "external", ["inside", "text"])]
)
def test_policies_see_who_serves_what_where_and_that_it_takes_no_gpu(run, name, provider, served):
    facts = run(BOTH).inputs[name]
    assert facts == {"cluster": "existing", "provider": provider, "endpoints": served, "gpus": 0}


def test_one_gate_asks_the_endpoints_of_all_providers(run):
    graph = run(BOTH)
    assert set(endpoints(graph)) == {"qwen3-vl-30b", "qwen25-14b", "text", "inside"}
    assert [name for name, type_ in graph.types.items() if type_.endswith("gate:Record") and "inference" in name] == [RECORD]


def test_a_function_is_asked_where_clients_ask_it_and_by_its_id_and_version(run):
    asked = endpoints(run(FUNCTIONS))["qwen25-14b"]
    base = f"https://{ID}.invocation.api.nvcf.nvidia.com/v1"
    assert (asked["url"], asked["address"], asked["auth"]) == (base, {"url": base}, "bearer")
    assert asked["function"] == {"api": "https://api.nvcf.nvidia.com", "id": ID, "version": VERSION}


def test_a_function_at_another_url_is_asked_below_it(run):
    url = "https://models.example.com/functions/qwen/v1"
    asked = endpoints(run({"provider": "nvcf", "functions": {"qwen25-14b": url}}))["qwen25-14b"]
    assert (asked["url"], asked["address"], asked.get("function")) == (url, {"url": url}, None)
    assert asked["ready"] == "/functions/qwen/v1/models"


def test_apis_are_asked_through_the_mirror_and_clients_are_told_the_real_url(run):
    apis = {"https://api.nvcf.nvidia.com": "https://mirror.test/nvcf", "https://models.example.com": "https://mirror.test/models"}
    graph = run(BOTH, mirror={"apis": apis})
    assert endpoints(graph)["qwen25-14b"]["function"]["api"] == "https://mirror.test/nvcf"
    text = endpoints(graph)["text"]
    assert (text["url"], text["address"]) == ("https://models.example.com/v1", {"url": "https://mirror.test/models/v1"})


def test_an_endpoint_of_the_cluster_is_asked_by_its_service(run):
    inside = endpoints(run(ELSEWHERE))["inside"]
    assert inside["address"] == {"namespace": "models", "service": "vllm", "port": 8000}
    assert inside["auth"] == ""


def test_requests_are_left_out_where_the_stack_says_so(run):
    assert {entry["request"] for entry in endpoints(run({**ELSEWHERE, "requests": "never"})).values()} == {"none"}
    assert "chat" in {entry["request"] for entry in endpoints(run(ELSEWHERE)).values()}


def test_keys_are_where_the_gate_reads_them_and_nowhere_else_in_the_open(run):
    graph = run(BOTH)
    keys = graph.inputs[RECORD]["connection"]["value"]["keys"]  # of a secret
    assert keys == {"qwen3-vl-30b": NVCF_KEY, "qwen25-14b": NVCF_KEY, "text": EXTERNAL_KEY}
    for name, request in graph.requests.items():
        sent = json_format.MessageToDict(request.object)
        sent.pop("connection", None)
        assert NVCF_KEY not in json.dumps(sent), name
        assert EXTERNAL_KEY not in json.dumps(sent), name
    assert "connection" in graph.requests[RECORD].additionalSecretOutputs
    assert not {NVCF_KEY, EXTERNAL_KEY} & set(json.dumps(graph.outputs, default=str).split('"'))


def test_another_key_is_another_question_for_those_that_it_opens(run, run_program, monkeypatch):
    before = run(BOTH).inputs[RECORD]["triggers"]
    monkeypatch.setenv("NVCF_API_KEY", f"{NVCF_KEY}1")
    after = run_program(inference=BOTH).inputs[RECORD]["triggers"]
    assert {name for name in before if before[name] != after[name]} == {"qwen3-vl-30b", "qwen25-14b"}
    assert before["text"] == after["text"]


def test_the_outputs_say_what_is_served_and_which_variable_takes_it(run):
    told = {entry["name"]: entry for entry in run(BOTH).outputs["endpoints"]}
    assert told["text"] == {
        "name": "text",
        "model": "a/b",
        "capabilities": ["text-llm", "chat"],
        "provider": "external",
        "url": "https://models.example.com/v1",
        "variables": [],
    }


def test_the_smoke_test_waits_for_both_and_neither_waits_for_the_other(run):
    graph = run(BOTH)
    assert {VERDICT, "osmo-operator-gate/verdict"} <= graph.waits_for("smoke-gate")
    assert graph.outputs["gates"]["inference"] == "passed"
    assert list(graph.outputs["gates"]).index("inference") < list(graph.outputs["gates"]).index("smoke")
    apart(graph)


def apart(graph):
    """OSMO and inference are both built on the cluster's verdict, and on nothing of each other."""
    inference = {name for name in graph.types if name in own(graph) or name.startswith(("foundry-", "nim-", "nims-"))}
    osmo = {name for name, type_ in graph.types.items() if name.startswith("osmo-") or type_.startswith("sdg:osmo:")}
    assert osmo
    assert inference
    assert not any(graph.waits_for(name) & osmo for name in inference if name in graph.edges)
    assert not any(graph.waits_for(name) & inference for name in osmo if name in graph.edges)
    assert "cluster-gate/verdict" in graph.waits_for(RECORD)


def test_a_provider_that_the_workload_asks_for_nothing_makes_nothing(run, monkeypatch):
    monkeypatch.delenv("NGC_API_KEY", raising=False)
    spec = Path(__file__).parents[1] / "data" / "specs" / "dig" / "finetune.yaml"
    workload = {"kind": "spec", "path": str(spec), "strings": {"name": "try-1"}}
    gpus = {"gpus": 4}
    alone = run({"provider": "nim-operator"}, workload=workload, cluster=gpus)
    assert set(alone.types) == set(run({"provider": "none"}, cluster=gpus).types)
    assert (alone.outputs["endpoints"], alone.inputs["inference"]["provider"]) == ([], "none")
    beside = run({"provider": "nim-operator", "also": [FUNCTIONS]}, workload=workload, cluster=gpus)
    assert own(beside) == {"nvcf", "verified-inference", RECORD, VERDICT}
    assert beside.inputs["verified-inference"]["provider"] == "nvcf"
