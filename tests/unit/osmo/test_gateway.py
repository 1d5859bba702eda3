"""What stands before the service: identity headers, fault switches, and answers that do not end, over real connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

LONG = {"status": "COMPLETED", "seconds": 3600}


@pytest.fixture
def url(osmo) -> Iterator[str]:
    """The service behind a socket: some answers cannot be had without one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(osmo.client.app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join(timeout=5)


def read_for(url: str, seconds: float) -> tuple[str, bool]:
    """What a stream brings within this time, and whether it ended."""
    text = ""
    try:
        with httpx.stream("GET", url, timeout=httpx.Timeout(10, read=seconds), headers={"x-osmo-user": "testuser"}) as answer:
            assert answer.headers["content-type"] == "text/plain; charset=us-ascii"
            for part in answer.iter_text():
                text += part
    except httpx.ReadTimeout:
        return text, False
    return text, True


@pytest.mark.parametrize(
    ("path", "beginning"), [("logs", "[osmo-ctrl][osmo]"), ("logs?task_name=hello", "[hello]"), ("events", "[hello] ")]
)
def test_streams_of_a_live_workflow_do_not_end(osmo, url, hello, path, beginning):
    osmo.faults["osmo.outcome"] = LONG
    name = osmo.submit(hello)
    osmo.until_status(name, "RUNNING")
    text, ended = read_for(f"{url}/api/workflow/{name}/{path}", 1)
    assert (beginning in text.splitlines()[0], ended) == (True, False)


def test_a_stream_ends_with_its_workflow(osmo, url, hello):
    osmo.faults["osmo.outcome"] = {"status": "COMPLETED", "seconds": 0.5, "log": ["last line"]}
    text, ended = read_for(f"{url}/api/workflow/{osmo.submit(hello)}/logs", 5)
    assert (text.endswith("[hello] last line\n"), ended) == (True, True)


def test_last_n_lines_are_the_last(osmo, hello):
    osmo.faults["osmo.outcome"] = {"status": "FAILED", "log": ["one", "two", "three"]}
    name = osmo.submit(hello)
    osmo.until_status(name, "FAILED")
    answer = osmo.call("GET", f"/api/workflow/{name}/logs", params={"last_n_lines": 2})
    assert [line.split("] ")[-1] for line in answer.text.splitlines()] == ["two", "three"]


def test_the_reset_switch_cuts_the_connection(osmo, url):
    osmo.faults["osmo.reset"] = {}
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        httpx.get(f"{url}/api/version")
    osmo.faults.clear()
    assert httpx.get(f"{url}/api/version").status_code == 200


@pytest.mark.parametrize(("status", "text"), [(503, "no healthy upstream"), (500, "simulated answer 500")])
def test_the_http_switch_answers_in_place_of_the_service(osmo, status, text):
    osmo.faults["osmo.http"] = {"status": status}
    answer = osmo.call("GET", "/api/pool")
    assert (answer.status_code, answer.text) == (status, text)


def test_the_delay_switch_holds_answers_back(osmo):
    osmo.faults["osmo.delay"] = {"seconds": 0.3}
    started = time.monotonic()
    osmo.done("GET", "/api/version")
    assert time.monotonic() - started >= 0.3


def test_the_version_switch_changes_the_version(osmo):
    osmo.faults["osmo.version"] = {"version": "6.2.8"}
    assert osmo.done("GET", "/api/version") == {"major": "6", "minor": "2", "revision": "8", "hash": ""}


def test_a_client_without_headers_is_the_gateways_default_identity(osmo):
    for header in ("x-osmo-roles", "x-osmo-allowed-pools"):
        del osmo.client.headers[header]
    found = osmo.client.get("/api/profile/settings").json()
    assert (found["profile"]["username"], found["roles"], found["pools"]) == ("admin", ["osmo-admin"], ["default"])


def test_a_bearer_token_does_not_change_who_calls(osmo):
    answer = osmo.client.get("/api/profile/settings", headers={"Authorization": "Bearer x", "x-osmo-user": "alice"})
    assert answer.json()["profile"]["username"] == "alice"


def test_the_root_is_a_page_while_the_web_ui_runs(osmo):
    assert "simulated" in osmo.client.get("/").text
    osmo.cluster.apps.remove("osmo-minimal/osmo-ui")
    assert osmo.client.get("/").status_code == 503
