"""How a host is asked: here or over SSH, in bounded time, and what is made of odd answers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

from sdg.catalog.preflight import checks
from sdg.preflight.host import answers, asking
from sdg.settings.cluster import SshHost


def test_a_host_that_hangs_is_one_failure_that_names_what_was_asked_and_ends_what_it_started(host, tmp_path, monkeypatch):
    host.says("ss", script=f"echo $$ > {tmp_path}/pid; sleep 60")
    reply = asking.ask(None, None, host.environ, timeout=1.0)
    assert reply.failure == "no answer within 1 s"
    assert answers.parse(reply.text).asked_last == "ss"
    gone = psutil.wait_procs([psutil.Process(pid) for pid in [int((tmp_path / "pid").read_text())] if psutil.pid_exists(pid)], timeout=5)
    assert not gone[1]
    monkeypatch.setattr("sdg.preflight.stack.asking.ask", lambda *_: reply)
    failed = host.found()
    assert set(failed) == {"host"}
    assert "no answer within 1 s; the last question went to ss" in failed["host"]


SSH = SshHost(address="box.example.com", user="ubuntu", port=2222, hostKey="ssh-ed25519 AAAA")


def test_another_host_is_asked_over_ssh_with_its_key_and_no_password(host, tmp_path):
    keep = f'echo "$@" > {tmp_path}/called; for o in "$@"; do case "$o" in *=/*) cat "${{o#*=}}";; esac; done >> {tmp_path}/called'
    host.says("ssh", script=f"{keep}; exec sh -s")
    reply = asking.ask(SSH, "PRIVATE", host.environ, timeout=10)
    assert answers.parse(reply.text).cores == 16
    called = (tmp_path / "called").read_text()
    for words in ("-o BatchMode=yes", "-p 2222", "ubuntu@box.example.com sh -s", "[box.example.com]:2222 ssh-ed25519 AAAA", "PRIVATE"):
        assert words in called
    key = called.split("IdentityFile=")[1].split()[0]
    assert not Path(key).exists()


def test_a_host_that_cannot_be_reached_is_named_with_ssh_s_own_words(host):
    host.says("ssh", script="echo ssh: connect to host box.example.com port 2222: No route to host >&2; exit 255")
    ssh = {"address": "box.example.com", "user": "ubuntu", "port": 2222}
    failed = host.found(cluster={"host": ssh})
    assert set(failed) == {"host", "host-key"}
    assert "the host box.example.com does not answer" in failed["host"].lower()
    assert "No route to host" in failed["host"]
    assert "ssh -p 2222 ubuntu@box.example.com true" in failed["host"]


@pytest.mark.parametrize("key", [None, "ssh-ed25519 AAAA"])
def test_a_host_whose_key_nobody_pinned_is_a_warning_with_the_command_that_pins_it(host, key):
    host.environ["CI"] = "true"
    ssh = {"address": "box.example.com", "user": "ubuntu", "port": 2222, **({"hostKey": key} if key else {})}
    found = host.found(cluster={"host": ssh})
    assert ("host-key" in found) == (key is None)
    if key is None:
        assert checks()["host-key"].severity == "warning"
        pinned = "--path sdg:cluster.host.hostKey \"$(ssh-keyscan -p 2222 -t ed25519 box.example.com 2>/dev/null | cut -d' ' -f2-)\""
        assert pinned in found["host-key"]


def test_the_script_changes_nothing_and_asks_sudo_never_for_a_password():
    text = asking.script()
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    calls = [line.split("sudo", 1)[1] for line in text.splitlines() if "sudo " in line and "say " not in line.split("sudo ")[0]]
    assert all(call.startswith(" -n ") for call in calls if "missing" not in call)


def test_what_makes_no_sense_counts_as_not_answered():
    said = answers.parse("system=Linux\ncores=many\nmemory=Mem: lots\ndisk=/dev/x\nlistener=garbage\nnonsense\n")
    assert (said.cores, said.memory, said.disk, dict(said.listeners), said.asked_last) == (None, None, None, {}, "")


def test_memory_is_read_from_the_kernel_where_free_is_missing():
    assert answers.parse("memory=MemTotal:       65536000 kB\n").memory == 64000


@pytest.mark.parametrize("address", ["0.0.0.0:16443", "[::]:16443", "*:16443", "127.0.0.1:16443", "[fe80::1]%eth0:16443"])
def test_a_listener_counts_on_whatever_address(address):
    said = answers.parse(f"listener=LISTEN 0 4096 {address} *:*\n")
    assert said.listeners[16443].pid is None
