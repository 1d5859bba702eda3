"""The inference gate: what it asks of an endpoint of each provider, and what it says meanwhile."""

import base64
import itertools
import json
import struct
import threading
import time
import zlib

import pytest

from sdg.gates.checks import Status
from sdg.gates.inference import InferenceRecord, endpoint_input
from sdg.gates.interrupt import Interruption
from sdg.gates.probes import model_requests
from sdg.gates.probes.endpoint import Endpoint
from sdg.gates.probes.endpoints import Endpoints
from sdg.gates.probes.one_request import OneRequest, Outcome
from sdg.inference.model import PlannedEndpoint
from tests.unit.endpoints.cluster import RUNNING, Cluster, deployment, pod, service
from tests.unit.endpoints.server import MODEL, say, serving
from tests.unit.endpoints.watching import entry, looked, nim, red, waited, watched


def test_a_nim_is_asked_for_its_health_its_models_and_one_answer():
    with serving() as server:
        found = waited(watched(nim(), server), cluster=Cluster())
    assert found.status is Status.PASSED
    assert server.paths() == ["/v1/health/ready", "/v1/models", "/v1/chat/completions"]
    evidence = found.evidence["endpoints"]["llm"]
    assert (evidence["phase"], evidence["listed"]) == ("ready", [MODEL])
    assert evidence["request"]["seconds"] >= 0


def test_the_checks_of_a_nim_say_that_it_is_ready_and_its_operator_runs():
    with serving() as server:
        found = waited(watched(nim(), server), cluster=Cluster())
    assert [check.name for check in found.checks] == ["nim-operator", "nim-ready", "endpoint-ready", "endpoint-models", "endpoint-request"]


def test_a_nim_without_a_list_of_models_is_not_asked_for_one():
    given = nim(request="image-edit", expect={"models": False, "path": "/v1/images/edits"})
    with serving() as server:
        server.answers["/v1/models"] = (404, "")
        found = waited(watched(given, server), cluster=Cluster())
    assert found.status is Status.PASSED
    assert server.paths() == ["/v1/health/ready", "/v1/images/edits"]
    fields = {part.get_param("name", header="Content-Disposition"): part.get_payload() for part in server.form("/v1/images/edits")}
    assert fields.keys() == {"model", "prompt", "image"}
    assert fields["model"] == MODEL


@pytest.mark.parametrize(
    ("kind", "images"),
    [("chat", 0), ("vlm", 1), ("image-edit", 1)],
)
def test_a_request_is_of_the_kind_that_its_capability_implies(kind, images):
    with serving() as server:
        assert waited(watched(entry(request=kind), server)).status is Status.PASSED
    (sent,) = server.posts()
    content = sent["messages"][0]["content"]
    parts = [] if isinstance(content, str) else [part for part in content if part["type"] == "image_url"]
    assert (sent["model"], len(parts)) == (MODEL, images)
    assert sent.get("max_tokens", 1) <= 16


def test_no_request_is_sent_where_none_is_wanted():
    with serving() as server:
        assert waited(watched(entry(request="none"), server)).status is Status.PASSED
    assert server.paths("POST") == []


def test_the_image_of_a_request_is_a_picture_that_models_take():
    png = model_requests.red_square()
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert min(width, height) >= 56  # two patches of the vision models that workflows use
    start = png.index(b"IDAT") + 4
    length = struct.unpack(">I", png[start - 8 : start - 4])[0]
    assert len(zlib.decompress(png[start : start + length])) == height * (1 + 3 * width)
    assert base64.b64encode(png).decode() in json.dumps(model_requests.body("vlm", "m", "/v1/chat/completions"))


def test_a_request_that_was_answered_is_not_sent_again_while_others_are_waited_for():
    with serving() as fast, serving() as slow:
        slow.answers["/v1/models"] = (503, "starting")
        threading.Timer(1.5, slow.answers.clear).start()
        found = waited(watched(entry("fast"), fast), watched(nim("slow", nim=None), slow))
    assert found.status is Status.PASSED
    assert len(fast.posts()) == 1


def test_a_request_that_failed_is_sent_again_until_it_is_answered(monkeypatch):
    monkeypatch.setattr("sdg.gates.probes.one_request._AGAIN", 0.05)
    monkeypatch.setattr("sdg.gates.probes.endpoints._AGAIN_OUTSIDE", 0.05)
    with serving() as server:
        server.answers["/v1/chat/completions"] = (503, {"error": {"message": "warming up"}})
        threading.Timer(0.5, server.answers.clear).start()
        said = []
        found = waited(watched(entry(), server), said=said)
    assert found.status is Status.PASSED
    assert len(server.posts()) >= 2
    assert any("ServerError: HTTP 503: warming up" in line for line in said)


def test_a_request_is_sent_only_when_all_else_is_well():
    with serving("another") as server:
        found = looked(watched(entry(), server))
    assert found.status is Status.FAILED
    assert server.paths("POST") == []


def test_a_look_of_a_refresh_sends_no_request():
    with serving() as server:
        inputs = {
            "connection": {"kubeconfig": "{}", "context": None, "keys": {}},
            "endpoints": [entry(address={"url": f"{server.url}/v1"})],
        }
        before = {"evidence": {"endpoints": {"llm": {"request": {"seconds": 0.5, "at": "then"}}}}}
        found = InferenceRecord.observe({**inputs, "deadline": 5.0}, before)
    assert found.status is Status.PASSED
    assert server.paths("POST") == []
    assert found.evidence["endpoints"]["llm"]["request"] == {"seconds": 0.5, "at": "then"}


def test_a_wait_sends_the_key_where_it_belongs_and_shows_it_nowhere():
    key = "secret-key-of-an-endpoint"
    with serving(key=key) as server:
        address = {"url": f"{server.url}/v1"}
        endpoints = [entry(address=address, auth="bearer"), entry("azure", address=address, auth="api-key")]
        connection = {"kubeconfig": "{}", "context": None, "keys": {"llm": key, "azure": key}}
        found = InferenceRecord.wait({"connection": connection, "endpoints": endpoints, "deadline": 10.0}, lambda line: None)
    assert found.status is Status.PASSED
    held = [headers.get("Authorization") or headers.get("api-key") for _, _, headers, _ in server.asked]
    assert set(held) == {f"Bearer {key}", key}
    assert key not in str(found.as_outputs())


@pytest.mark.parametrize("name", ["llm", "server", "user", "context"])  # the last ones are harmless in a kubeconfig
def test_a_key_that_a_server_repeats_is_not_stored(name):
    key = "plain-words"  # of no shape that would be hidden wherever it stands
    with serving() as server:
        server.answers["/v1/models"] = (403, {"error": {"message": f"{key} may not do this"}})
        given = {"gate": "inference-gate", "connection": {"kubeconfig": "{}", "context": None, "keys": {name: key}}}
        entries = [entry(name, address={"url": f"{server.url}/v1"}, auth="bearer")]
        outs = InferenceRecord().create({**given, "endpoints": entries, "deadline": 0.0, "triggers": {}}).outs
    stored = {name: outs[name] for name in ("status", "checks", "evidence")}
    assert stored["status"] == "failed"
    assert "KeyForbidden" in str(stored)
    assert key not in str(stored)


def test_foundry_is_reached_without_a_list_of_models_and_proved_by_its_request():
    given = entry(provider="foundry", url="https://x.example/openai/v1", auth="api-key", expect={"models": False})
    with serving(key="k" * 20) as server:
        found = waited(watched(given, server, key="k" * 20))
    assert found.status is Status.PASSED
    assert server.paths() == ["/openai/v1", "/openai/v1/chat/completions"]


def test_any_answer_of_a_function_without_a_key_is_reachable():
    given = entry(provider="nvcf", request="none", expect={"models": False})
    with serving() as server:
        server.answers["/v1"] = (401, "who are you?")
        found = looked(watched(given, server))
    assert found.status is Status.PASSED


FUNCTION = "11111111-2222-3333-4444-555555555555"


def test_with_a_key_a_function_has_to_be_active():
    def versions(status):
        return {"functions": [{"id": FUNCTION, "versionId": "a" * 8, "name": "f", "status": status}]}

    with serving() as server:
        given = entry(provider="nvcf", request="none", auth="bearer", function={"api": server.url, "id": FUNCTION, "version": ""})
        server.answers[f"/v2/nvcf/functions/{FUNCTION}/versions"] = (200, versions("DEPLOYING"))
        check = red(looked(watched(given, server, key="nvapi-key-of-a-test")), "nvcf-function")
        assert (check.observed, check.expected, check.final) == ("DEPLOYING", "ACTIVE", False)
        server.answers[f"/v2/nvcf/functions/{FUNCTION}/versions"] = (200, versions("ACTIVE"))
        assert looked(watched(given, server, key="nvapi-key-of-a-test")).status is Status.PASSED


def test_all_endpoints_are_asked_at_once():
    def slowly(handler):
        time.sleep(0.5)
        say(handler, 200, {"data": [{"id": MODEL}]})

    with serving() as server:
        server.answers["/v1/models"] = slowly
        began = time.monotonic()
        found = looked(*[watched(entry(f"e{n}", request="none"), server) for n in range(6)])
        took = time.monotonic() - began
    assert found.status is Status.PASSED
    assert took < 1.5


def test_one_endpoint_that_hangs_keeps_no_other_from_being_seen(monkeypatch):
    monkeypatch.setattr("sdg.gates.probes.endpoints.LOOK", 0.5)
    released = threading.Event()
    with serving() as hung, serving() as well:
        hung.answers["/v1/models"] = lambda handler: released.wait(20)
        began = time.monotonic()
        found = looked(watched(entry("hung", request="none"), hung), watched(entry("well", request="none"), well))
        took = time.monotonic() - began
        released.set()
    assert [check.subject for check in found.failures()] == ["endpoint/hung"]
    assert took < 2


def test_an_endpoint_that_hangs_after_it_was_green_is_red(monkeypatch):
    monkeypatch.setattr("sdg.gates.probes.endpoints.LOOK", 0.5)
    monkeypatch.setattr("sdg.gates.probes.endpoints._AGAIN_GREEN", 0.0)
    released = threading.Event()
    with serving() as server:
        endpoints = Endpoints([watched(entry(request="none"), server)])
        assert endpoints.look().status is Status.PASSED
        server.answers["/v1/models"] = lambda handler: released.wait(20)
        check = red(endpoints.look(), "endpoint-answers")
        released.set()
    assert check.observed.startswith("NoAnswer")


def test_an_answered_request_is_not_sent_again_however_often_it_is_asked_for(monkeypatch):
    monkeypatch.setattr("sdg.gates.probes.one_request._AGAIN", 0.0)
    sent = []
    request = OneRequest("endpoint/llm", "an answer", lambda: sent.append(1) or Outcome(good=True, words="answered"))
    assert [request.check().status for _ in range(3)] == [Status.PASSED] * 3
    assert sent == [1]


def test_a_request_that_never_succeeds_is_sent_ever_less_often_for_as_long_as_it_is_wanted(monkeypatch):
    now, sent = [0.0], []
    monkeypatch.setattr("sdg.gates.probes.one_request.time.monotonic", lambda: now[0])

    def fails():
        sent.append(now[0])
        return Outcome(good=False, words="no")

    request = OneRequest("endpoint/llm", "an answer", fails)
    for _ in range(86_400):
        request.check()
        now[0] += 1.0
        if len(sent) > 1100:
            break
    pauses = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert pauses[:5] == [5.0, 10.0, 20.0, 40.0, 60.0]
    assert set(pauses[4:]) == {60.0}
    assert len(sent) > 1100


def test_a_request_that_goes_wrong_in_any_way_is_told():
    def fails():
        raise RuntimeError("unforeseen")

    assert OneRequest("endpoint/llm", "an answer", fails).check().observed == "RuntimeError: unforeseen"


def test_a_wait_that_is_interrupted_while_everything_hangs_ends_within_two_seconds():
    interruption, released = Interruption(), threading.Event()
    threading.Timer(0.5, interruption.ask, ["the update was cancelled"]).start()
    with serving() as server:
        server.answers["/v1/models"] = lambda handler: released.wait(20)
        began = time.monotonic()
        found = waited(watched(entry(), server), deadline=600, interruption=interruption)
        took = time.monotonic() - began
        released.set()
    assert found.evidence["ended"] == "the update was cancelled"
    assert took < 2.5


def test_a_request_without_an_answer_does_not_keep_an_interrupted_wait():
    interruption, released = Interruption(), threading.Event()
    with serving() as server:

        def never(handler):
            interruption.ask("the update was cancelled")
            released.wait(20)

        server.answers["/v1/chat/completions"] = never
        began = time.monotonic()
        waited(watched(entry(), server), deadline=600, interruption=interruption)
        took = time.monotonic() - began
        released.set()
    assert took < 2.5


def test_progress_names_phase_log_line_and_time_beside_the_expected_one():
    cluster = Cluster(
        nimservices=[service(ready="False", reason="NotReady", message='Deployment "llm" exceeded its progress deadline')],
        deployments=[deployment(available=0)],
        pods=[pod(state=RUNNING, minutes=7.2)],
    )
    cluster.logs["llm-1"] = '{"level": "INFO", "message": "Loading weights: 3 of 8 shards"}\n'
    said = []
    with serving() as server:
        found = waited(watched(nim(minutes=20.0), server), cluster=cluster, deadline=0.3, said=said)
    assert "nim/llm: loading its model, 7 of about 20 min: Loading weights: 3 of 8 shards" in said[-1]
    assert found.evidence["endpoints"]["llm"] == {"phase": "loading its model"}
    assert server.asked == []  # nothing is asked of a NIM that is not ready


def test_a_start_within_its_time_is_not_called_stuck():
    cluster = Cluster(deployments=[deployment(available=0)], pods=[pod(state=RUNNING, minutes=7)])
    with serving() as server:
        check = red(looked(watched(nim(minutes=20.0), server), cluster=cluster), "nim-ready")
    assert (check.stuck, check.final) == (False, False)


def test_a_nim_that_turns_ready_while_it_is_waited_for_is_asked_then():
    cluster = Cluster(deployments=[deployment(available=0)], pods=[pod(state=RUNNING)])

    def turn():
        cluster.held |= {"deployments": [deployment()], "pods": []}

    threading.Timer(0.4, turn).start()
    with serving() as server:
        assert waited(watched(nim(), server), cluster=cluster).status is Status.PASSED


def test_a_cluster_that_is_down_is_one_check_and_other_endpoints_are_seen_all_the_same():
    cluster = Cluster()
    cluster.down = True
    with serving() as server:
        found = looked(watched(nim(), server), watched(nim("two"), server), watched(entry("away", request="none"), server), cluster=cluster)
    assert [(check.name, check.subject) for check in found.failures()] == [("reachable", "cluster")]
    assert found.evidence["endpoints"]["away"]["listed"] == [MODEL]


def test_an_entry_of_the_gate_is_made_of_what_is_planned_and_how_it_is_looked_at():
    planned = PlannedEndpoint("llm", "external", MODEL, ("chat",), "https://models.example/v1", "", key="externalApiKey")
    made = endpoint_input(planned, "https://models.example/v1", {"address": {"url": "http://127.0.0.1:1/mirror/v1"}})
    read = Endpoint.of(made)
    assert (read.root, read.base_path, read.path, read.auth) == ("http://127.0.0.1:1/mirror", "/v1", "/v1/chat/completions", "bearer")
