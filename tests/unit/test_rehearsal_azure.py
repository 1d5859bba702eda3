"""The simulated Azure of a rehearsal, around a stack: what there is, and what `sdg rehearsal status` says of it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rich.console import Console

from cli import rehearsal_azure, report
from cli.rehearsal_azure import Contents, apis, contents
from rehearsal.cluster import PROCESSES, Status
from rehearsal.state import StateDir

FOUND = {"cluster": "running", "resources": ["/subscriptions/0/resourceGroups/rg"], "gone": ["/subscriptions/0/vaults/kv"]}


class Control(BaseHTTPRequestHandler):
    """The control service."""

    def do_GET(self):
        self.send_response(200 if self.path == "/azure" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(FOUND).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def state(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Control)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = StateDir(tmp_path / "state")
    found.prepare()
    found.services.write_text(json.dumps({"control": f"http://127.0.0.1:{server.server_port}"}))
    yield found
    server.shutdown()
    server.server_close()


def shown(azure, running=frozenset(PROCESSES)):
    console = Console(width=120, record=True, file=None)
    status = Status({name: 1 if name in running else None for name in PROCESSES}, running == frozenset(PROCESSES), {})
    with console.capture() as captured:
        report.show_rehearsal(status, console, azure)
    return captured.get()


def test_what_there_is_comes_from_the_control_service(state):
    assert contents(state) == Contents("running", tuple(FOUND["resources"]), tuple(FOUND["gone"]))


def test_where_no_simulated_azure_runs_there_is_nothing(tmp_path):
    assert contents(StateDir(tmp_path / "none")) == Contents("absent")


def test_every_web_api_of_azures_has_its_stand_in():
    found = apis({"arm": "http://127.0.0.1:2", "prices": "http://127.0.0.1:3"})
    assert found["https://management.azure.com"] == "http://127.0.0.1:2"
    assert found["https://prices.azure.com"] == "http://127.0.0.1:3"
    assert set(rehearsal_azure.caller.SOURCES) < set(found)


def test_status_shows_what_is_in_azure_and_which_names_are_taken():
    said = shown(contents_of("running"))
    assert "running" in said
    assert "kv" in said


def test_without_a_cluster_a_rehearsal_on_azure_is_ready_for_one():
    assert shown(contents_of("absent"), running=frozenset({"daemon"})).startswith("ready")
    assert shown(contents_of("failed: no etcd"), running=frozenset({"daemon"})).startswith("not ready")
    assert shown(None, running=frozenset({"daemon"})).startswith("not ready")


def contents_of(cluster):
    return Contents(cluster, tuple(FOUND["resources"]), tuple(FOUND["gone"]))
