"""Processes: found again, ended without a trace, and never those of somebody else."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from rehearsal.lifetime import start_of, started_at
from rehearsal.processes import Command, ProcessEnded, ProcessTable
from rehearsal.state import StateDir

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
PARENT = (sys.executable, "-c", f"import subprocess, time; subprocess.Popen({list(SLEEP)!r}); time.sleep(600)")


@pytest.fixture
def state(tmp_path):
    directory = StateDir(tmp_path / "state")
    directory.prepare()
    yield directory
    ProcessTable(directory).end()


def test_a_process_is_found_by_a_later_command_and_ended_by_it(state):
    ProcessTable(state).start(Command("sleeper", SLEEP))
    later = ProcessTable(state)
    pid = later.running()["sleeper"].pid
    assert later.end() == ["sleeper"]
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert later.running() == {}


def test_a_process_runs_in_a_session_of_its_own_without_the_users_environment(state, monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "planted")
    table = ProcessTable(state)
    table.start(Command("sleeper", SLEEP))
    process = table.running()["sleeper"]
    assert "NGC_API_KEY" not in process.environ()
    assert subprocess.run(["ps", "-o", "sid=", "-p", str(process.pid)], capture_output=True, text=True, check=True).stdout.strip() == str(
        process.pid
    )


def test_a_process_is_found_after_the_clock_was_set(state, monkeypatch):
    ProcessTable(state).start(Command("sleeper", SLEEP))
    true_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: true_time(process) + 3600)
    assert list(ProcessTable(state).running()) == ["sleeper"]


@pytest.mark.parametrize(("apart", "same"), [(0.5, True), (60.0, False)])
def test_where_only_the_clock_tells_a_start_it_may_be_a_little_off(apart, same, monkeypatch, tmp_path):
    monkeypatch.setattr("rehearsal.lifetime._BOOT", tmp_path / "none")
    mine = psutil.Process()
    assert started_at(mine, float(start_of(mine)) + apart) == same


@pytest.mark.parametrize("started", [1.0, "another start"])
def test_a_recorded_id_that_another_process_has_now_is_not_ours(state, started):
    other = subprocess.Popen(SLEEP)
    try:
        state.processes.write_text(json.dumps({"sleeper": {"pid": other.pid, "started": started, "identity": "x"}}))
        table = ProcessTable(state)
        assert table.running() == {}
        assert table.end() == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_process_that_nobody_recorded_is_found_by_its_mark(state):
    ProcessTable(state).start(Command("sleeper", SLEEP))
    state.processes.unlink()
    (stray,) = ProcessTable(state).strays()
    ProcessTable(state).end()
    assert not stray.is_running() or stray.status() == psutil.STATUS_ZOMBIE


def test_children_end_with_their_parent(state):
    table = ProcessTable(state)
    table.start(Command("parent", PARENT))
    process = table.running()["parent"]
    while not (children := process.children()):
        assert process.is_running()
    table.end(["parent"])
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_a_command_that_changed_is_not_current(state):
    table = ProcessTable(state)
    table.start(Command("sleeper", SLEEP, version="1"))
    assert table.is_current(Command("sleeper", SLEEP, version="1"))
    assert not table.is_current(Command("sleeper", SLEEP, version="2"))


def test_a_process_that_ended_is_named_with_its_last_lines(state):
    table = ProcessTable(state)
    table.start(Command("broken", (sys.executable, "-c", "raise SystemExit('address already in use')")))
    psutil.wait_procs(list(table.running().values()), timeout=10)
    with pytest.raises(ProcessEnded, match=r"broken ended while the cluster started(.|\n)*address already in use"):
        table.require(["broken"])
