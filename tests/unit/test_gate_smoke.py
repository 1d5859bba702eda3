"""The smoke gate against a small OSMO on a local port: what is submitted, followed, cancelled, and told."""

import json
import re
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sdg.gates.checks import Status
from sdg.gates.interrupt import Interruption
from sdg.gates.probes.submission import Smoke, SmokeWorkflow
from sdg.gates.probes.workflow import recorded
from sdg.gates.waiting import Wait, until_green
from sdg.osmo.client import OsmoClient

SENTENCE = "FailedScheduling: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
HELLO = SmokeWorkflow("verify-hello", "workflow: {name: verify-hello}")
GPU = SmokeWorkflow("verify-gpu", "workflow: {name: verify-gpu}")


class FakeOsmo:
    """Takes workflows on and walks each through the states of its plan, one step per question."""

    def __init__(self, **plans):
        self.plans = plans  # by workflow name: the states that questions see, the last one for ever
        self.runs = {}  # by id: questions asked so far
        self.cancelled = []
        self.refusals = []  # answers to submits: (status, body), or "lost" for an answer that never comes
        self.posts = 0
        self.slow = 0.0  # seconds until a submit is answered
        self.visible = True  # whether a submit that is not answered yet is in the list
        self.submitting = threading.Event()

    def answer(self, method, path, body):
        if method == "POST" and path.endswith("/workflow"):
            return self._submit(re.search(r"name: ([\w-]+)", body["file"])[1])
        if method == "POST":
            self.cancelled.append(path.split("/")[3])
            return 200, {"name": self.cancelled[-1]}
        if path == "/api/workflow":
            return 200, {"workflows": [{"name": run, "status": "RUNNING"} for run in reversed(self.runs)], "more_entries": False}
        run, _, what = path.removeprefix("/api/workflow/").partition("/")
        if what == "logs":
            return 200, "2026/01/01 00:00:00 [hello] step 1 ok\n2026/01/01 00:00:01 [hello] no such file\n"
        if what == "events":
            return 200, f"2026-01-01 00:00:00 [hello] {SENTENCE}\n"
        return self._state(run)

    def _submit(self, name):
        self.posts += 1
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal not in (None, "lost", "given up"):
            return refusal
        run = f"{name}-{len(self.runs) + 1}"
        self.submitting.set()
        if not self.visible:
            time.sleep(self.slow)
        self.runs[run] = 0
        if self.visible:
            time.sleep(self.slow)
        if refusal == "given up":
            return 504, "upstream request timeout"
        return None if refusal == "lost" else (200, {"name": run, "overview": None, "logs": None, "spec": None, "dashboard_url": None})

    def _state(self, run):
        if run not in self.runs:
            return 400, {"message": f"Workflow {run} is not found.", "error_code": "DATABASE", "workflow_id": None}
        plan = self.plans[run.rpartition("-")[0].replace("-", "_")]
        status = plan[min(self.runs[run], len(plan) - 1)]
        self.runs[run] += 1
        failed = status.startswith("FAILED")
        task = {"name": "hello", "status": status, "exit_code": 137 if failed else None, "failure_message": "killed" if failed else None}
        return 200, {"name": run, "status": status, "duration": None, "groups": [{"name": "g", "status": status, "tasks": [task]}]}


def handler_of(osmo):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = osmo.answer(self.command, self.path.partition("?")[0], json.loads(body) if body else None)
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            payload = (answer[1] if isinstance(answer[1], str) else json.dumps(answer[1])).encode()
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _answer  # noqa: N815 (the interface)

        def log_message(self, *_):
            pass

    return Handler


class Local:
    """A gateway that needs no forward."""

    def __init__(self, url):
        self.url = url

    @contextmanager
    def client(self):
        with OsmoClient(self.url) as client:
            yield client


@contextmanager
def gateway(osmo):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(osmo))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield Local(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def run(osmo, *workflows, deadline=20.0, said=None, interruption=None):
    say = said.append if said is not None else lambda line: None
    with gateway(osmo) as way:
        smoke = Smoke(way, "default", workflows or [HELLO])
        with smoke:
            verdict = until_green(smoke.look, Wait(deadline=deadline, interval=0.02, patience=0.2), say, interruption or Interruption())
        return verdict.with_evidence(**smoke.evidence())


def test_completed_is_green_and_the_run_is_recorded():
    found = run(FakeOsmo(verify_hello=["PENDING", "RUNNING", "COMPLETED"]))
    assert found.status is Status.PASSED
    (entry,) = found.evidence["workflows"]
    assert (entry["name"], entry["id"], entry["status"]) == ("verify-hello", "verify-hello-1", "COMPLETED")
    assert entry["tasks"][0]["name"] == "hello"


@pytest.mark.parametrize("status", ["FAILED", "FAILED_EXEC_TIMEOUT", "FAILED_IMAGE_PULL", "FAILED_CANCELED", "SOMETHING_NEW"])
def test_every_other_end_is_red_at_once(status):
    started = time.monotonic()
    found = run(FakeOsmo(verify_hello=["PENDING", status]), deadline=600)
    assert found.status is Status.FAILED
    assert found.evidence["ended"] == "time cannot cure this"
    assert time.monotonic() - started < 3


def test_a_failure_names_task_status_exit_code_message_and_last_log_lines():
    (check,) = run(FakeOsmo(verify_hello=["FAILED_EXEC_TIMEOUT"])).failures()
    assert check.subject == "workflow/verify-hello-1"
    assert "task hello FAILED_EXEC_TIMEOUT, exit code 137: killed" in check.observed
    assert check.observed.endswith("[hello] no such file")


def test_two_workflows_run_side_by_side():
    osmo = FakeOsmo(verify_hello=["COMPLETED"], verify_gpu=["PENDING", "COMPLETED"])
    found = run(osmo, HELLO, GPU)
    assert found.status is Status.PASSED
    assert sorted(osmo.runs) in (["verify-gpu-1", "verify-hello-2"], ["verify-gpu-2", "verify-hello-1"])


def test_one_failure_is_red_and_the_other_workflow_is_cancelled():
    osmo = FakeOsmo(verify_hello=["FAILED"], verify_gpu=["RUNNING"])
    assert run(osmo, HELLO, GPU).status is Status.FAILED
    assert [cancelled.rpartition("-")[0] for cancelled in osmo.cancelled] == ["verify-gpu"]


def test_a_pending_workflow_shows_the_schedulers_sentence_while_waiting():
    said = []
    (check,) = run(FakeOsmo(verify_hello=["PENDING"]), deadline=2.5, said=said).failures()
    assert SENTENCE in said[-1]
    assert SENTENCE in check.observed


def test_a_wait_that_reaches_its_deadline_cancels_what_it_submitted():
    osmo = FakeOsmo(verify_hello=["RUNNING"])
    found = run(osmo, deadline=1.0)
    assert osmo.cancelled == ["verify-hello-1"]
    assert found.evidence["workflows"][0]["cancelled"]


def test_an_interrupted_wait_cancels_what_it_submitted_and_ends_within_two_seconds():
    osmo, interruption = FakeOsmo(verify_hello=["RUNNING"]), Interruption()
    threading.Timer(1.0, interruption.ask, ["the update was cancelled"]).start()
    started = time.monotonic()
    run(osmo, deadline=600, interruption=interruption)
    assert osmo.cancelled == ["verify-hello-1"]
    assert time.monotonic() - started < 3


def interrupted_submit(osmo):
    """Runs a smoke gate that is interrupted while its submit is under way; what was found, and seconds since the interruption."""
    interruption, at = Interruption(), []

    def interrupt():
        osmo.submitting.wait(10)
        osmo.runs["my-verify-hello-9"] = 0  # somebody else's, of a name that contains this one
        at.append(time.monotonic())
        interruption.ask("the update was cancelled")

    threading.Thread(target=interrupt, daemon=True).start()
    found = run(osmo, deadline=600, interruption=interruption)
    return found.evidence["workflows"][0], time.monotonic() - at[0]


def test_a_submit_under_way_is_answered_and_then_cancelled_by_its_id():
    osmo = FakeOsmo(verify_hello=["RUNNING"])
    osmo.slow, osmo.visible = 0.8, False
    entry, took = interrupted_submit(osmo)
    assert osmo.cancelled == ["verify-hello-1"]
    assert (entry["id"], entry["cancelled"], entry["orphan"]) == ("verify-hello-1", True, "")
    assert took < 2


def test_a_submit_whose_answer_comes_too_late_is_looked_up_and_cancelled():
    osmo = FakeOsmo(verify_hello=["RUNNING"])
    osmo.runs["verify-hello-1"] = 0  # somebody else's, from before
    osmo.slow = 10.0
    entry, took = interrupted_submit(osmo)
    assert osmo.cancelled == ["verify-hello-2"]
    assert (entry["id"], entry["cancelled"]) == ("verify-hello-2", True)
    assert took < 3


def test_a_submit_that_left_no_trace_is_told_as_a_possible_orphan():
    osmo = FakeOsmo(verify_hello=["RUNNING"])
    osmo.slow, osmo.visible = 10.0, False
    entry, took = interrupted_submit(osmo)
    assert "may run on" in entry["orphan"]
    assert (entry["id"], osmo.cancelled) == ("", [])
    assert took < 3


def test_a_submit_that_the_gateway_gave_up_is_not_repeated():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    osmo.refusals = ["given up"]
    assert run(osmo).status is Status.PASSED
    assert osmo.posts == 1


@pytest.mark.parametrize("answer", [(200, []), (200, {}), (200, {"workflows": [None]})])
def test_an_answer_that_cannot_be_read_is_seen_in_the_check(answer):
    osmo = FakeOsmo()
    osmo.answer = lambda *_: answer
    (check,) = run(osmo, deadline=0.5).failures()
    assert "not submitted yet: OsmoAnswer: GET /api/workflow answered in a shape" in check.observed


def test_a_fault_of_the_follower_itself_is_seen_in_the_check():
    class Broken:
        def client(self):
            raise RuntimeError("boom")

    smoke = Smoke(Broken(), "default", [HELLO])
    with smoke:
        (check,) = until_green(smoke.look, Wait(deadline=0.5, interval=0.02), lambda line: None, Interruption()).failures()
    assert check.observed == "not submitted yet: Runtime: boom"


def test_what_has_completed_is_not_cancelled():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    run(osmo)
    assert osmo.cancelled == []


def test_a_refused_spec_is_red_at_once_in_the_services_words():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    osmo.refusals = [(400, {"message": "Value 64.0 too high for CPU", "error_code": "RESOURCE", "workflow_id": None})]
    (check,) = run(osmo, deadline=600).failures()
    assert "refused: OsmoRefused: Value 64.0 too high for CPU" in check.observed
    assert osmo.posts == 1


def test_a_pool_that_has_no_nodes_yet_is_asked_again():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    none = "There are no resources in platform default and pool default!"
    osmo.refusals = [(400, {"message": none, "error_code": "RESOURCE", "workflow_id": None}), (503, "no healthy upstream")]
    assert run(osmo).status is Status.PASSED
    assert osmo.posts == 3


def test_a_submit_whose_answer_was_lost_is_found_again_instead_of_repeated():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    osmo.runs["verify-hello-1"] = 0  # somebody else's, from before
    osmo.refusals = ["lost"]
    found = run(osmo)
    assert found.evidence["workflows"][0]["id"] == "verify-hello-2"
    assert osmo.posts == 1


def test_an_observation_asks_for_what_was_recorded_and_submits_nothing():
    osmo = FakeOsmo(verify_hello=["COMPLETED"])
    osmo.runs["verify-hello-7"] = 0
    with gateway(osmo) as way:
        found = recorded(way, {"evidence": {"workflows": [{"name": "verify-hello", "id": "verify-hello-7", "log": []}]}})
    assert (found.status, osmo.posts) == (Status.PASSED, 0)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({}, "none was submitted"),
        ({"evidence": {"workflows": [{"name": "verify-hello", "id": ""}]}}, "it was never taken on"),
        ({"evidence": {"workflows": [{"name": "verify-hello", "id": "verify-hello-9"}]}}, "Workflow verify-hello-9 is not found."),
    ],
)
def test_an_observation_without_a_run_is_red_and_says_what_to_do(stored, words):
    with gateway(FakeOsmo()) as way:
        (check,) = recorded(way, stored).failures()
    assert check.observed == words
    assert "pulumi up" in check.remedy
