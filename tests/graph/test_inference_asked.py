"""What the program asks of its gate, asked of the services that a rehearsal has in place of the internet."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest
import uvicorn

from rehearsal.azure.clock import Clock
from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.services.internet.app import create_app
from rehearsal.services.internet.doors import KEYS, apis
from rehearsal.services.internet.nvcf import function_id, version_id
from sdg.gates.inference import InferenceRecord

EXTERNAL = {"url": "https://models.example.com/v1", "model": "Qwen/Qwen2.5-14B-Instruct", "capabilities": ["chat"], "key": "externalApiKey"}
SERVED = {
    "provider": "nvcf",
    "functions": {"qwen25-14b": f"{function_id('qwen25-14b')}/{version_id('qwen25-14b')}", "qwen3-vl-30b": function_id("qwen3-vl-30b")},
    "also": [{"provider": "external", "endpoints": {"text": EXTERNAL, "bare": {**EXTERNAL, "url": "https://models.example.com"}}}],
    "deadline": 4,
}


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def internet(faults):
    """Base URL of everything that lies there."""
    server = uvicorn.Server(uvicorn.Config(create_app(World(faults, Clock(0)), faults), port=0, log_level="warning"))
    server.install_signal_handlers = lambda: None
    with contextlib.suppress(AttributeError):
        server.capture_signals = contextlib.nullcontext
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def asked(run_program, internet, monkeypatch):
    """What the program asks of the gate."""
    for variable, value in KEYS.items():
        monkeypatch.setenv(variable, value)
    bases = {"https://models.example.com/v1": EXTERNAL["model"], "https://models.example.com": EXTERNAL["model"]}
    graph = run_program(inference=SERVED, mirror={"apis": apis(internet, bases)})
    inputs = json.loads(json.dumps(graph.inputs["inference-gate"]))
    return {**inputs, "connection": inputs["connection"]["value"]}


def wait(asked):
    said = []
    return InferenceRecord.wait(asked, said.append)


def failed(verdict):
    return {check.subject: check for check in verdict.checks if str(check.status) == "failed"}


def test_functions_and_endpoints_elsewhere_answer_where_the_program_says(asked):
    verdict = wait(asked)
    assert failed(verdict) == {}
    assert str(verdict.status) == "passed"
    assert set(verdict.evidence["endpoints"]) == {"qwen25-14b", "qwen3-vl-30b", "text", "bare"}


def test_a_function_that_is_not_active_is_red_by_its_name_alone(asked, faults):
    faults.set("nvcf.function", {"name": "qwen25-14b", "status": "INACTIVE"})
    assert set(failed(wait(asked))) == {"endpoint/qwen25-14b", f"function/{function_id('qwen25-14b')}"}


def test_another_organisations_key_is_red_with_what_to_do(asked, faults):
    faults.set("ngc.key", {"state": "other-organisation"})
    found = failed(wait(asked))
    assert {"endpoint/qwen25-14b", "endpoint/qwen3-vl-30b"} <= set(found)
    assert not {"endpoint/text", "endpoint/bare"} & set(found)
    assert all("403" in check.observed and check.remedy for check in found.values())


def test_an_endpoint_that_serves_another_model_is_red(asked, faults):
    faults.set("external.model", {"model": "somebody/else"})
    assert set(failed(wait(asked))) == {"endpoint/text", "endpoint/bare"}
