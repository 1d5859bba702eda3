"""What a host is asked before it gets MicroK8s, and how its answers are judged. Its programs are scripts that say what a test wants."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import yaml
from rich.console import Console

from cli import preflight as command
from cli.pulumi import Engine
from sdg.catalog.preflight import checks
from sdg.preflight import cache
from sdg.preflight.host import answers, asking
from sdg.preflight.host.checks import Wanted, findings, needs
from sdg.preflight.model import Subject
from sdg.preflight.stack import problems
from sdg.settings.cluster import SshHost
from sdg.settings.parse import check

OWNER = "sdg/lab"
GIB = 1024 * 1024  # KiB
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/nvme0n1p2 {total} 1 {free} 5% /\n"
FREE = "        total used free shared buff/cache available\nMem:   {mib}  1 1 1 1 1\nSwap:  0 0 0\n"
LISTEN = 'LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* users:(("{name}",pid=4711,fd=7))\n'


@dataclass
class FakeHost:
    """A folder of programs that is the whole PATH; each prints what it is told, and exits as it is told."""

    bin: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def says(self, program, text="", code=0, script=None):
        path = self.bin / program
        body = script if script is not None else f"cat <<'EOF'\n{text}\nEOF\nexit {code}"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def lacks(self, program):
        (self.bin / program).unlink()


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host that fits: Ubuntu, 64 GB, 16 cores, nobody listens, no MicroK8s, two GPUs with a driver of today."""
    made = FakeHost(tmp_path / "bin", tmp_path / "home")
    for folder in (made.bin, made.home):
        folder.mkdir()
    for name in ("sh", "cat", "head", "sleep"):
        (made.bin / name).symlink_to(shutil.which(name))
    made.says("uname", "Linux")
    made.says("lsb_release", "Ubuntu")
    made.says("sudo", script='[ "$1" = -n ] && shift; exec "$@"')
    made.says("true")
    made.says("df", DF.format(total=1000 * GIB, free=800 * GIB))
    made.says("nproc", "16")
    made.says("free", FREE.format(mib=64 * 1024))
    made.says("ss", LISTEN.format(port=22, name="sshd"))
    made.says("snap", script='case "$1" in version) echo "snap  2.71"; echo "snapd 2.71";; *) exit 1;; esac')
    made.says("nvidia-smi", "570.172.08\n570.172.08")
    made.environ = {"PATH": str(made.bin), "HOME": str(made.home)}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return made


def old_snapd(host):
    host.says("snap", script='[ "$1" = version ] && echo "snapd 2.9.1"')


def has_microk8s(host, mark=""):
    owned = f'echo "{mark}"' if mark else "exit 1"
    host.says("snap", script=f'case "$1" in version) echo "snapd 2.71";; list) exit 0;; get) {owned};; esac')


def sections_of(**sections):
    kubeconfig = {"kubeconfig": "kubeconfig"}
    raw = {"cluster": {"kind": "microk8s", **kubeconfig, **sections.pop("cluster", {})}, **sections}
    read, wrong = check(raw)
    assert wrong == []
    return read


def found(host, project=None, **sections):
    """Names of the checks that fail, and everything that is said."""
    subject = Subject(sections_of(forward={"enabled": False}, **sections), owner=OWNER, environ=host.environ, project=project or host.home)
    return {finding.check: str(finding) for finding in problems(subject)}


def test_a_host_that_fits_passes_every_check(host):
    assert found(host, cluster={"gpus": 2}) == {}


CPU_ONLY = {"cluster": {"gpus": 0}}
GPUS = {"cluster": {"gpus": 2}}
OPERATORS = {**GPUS, "platform": {"gpuOperator": {"driver": "operator"}}}
FAILURES = [
    ("system", lambda h: h.says("uname", "Darwin"), CPU_ONLY, ["Darwin", "needed is Linux"]),
    ("distribution", lambda h: h.says("lsb_release", "Fedora"), CPU_ONLY, ["Fedora", "Ubuntu is recommended"]),
    ("sudo", lambda h: h.says("sudo", script="echo sudo: a password is required >&2; exit 1"), CPU_ONLY, ["a password is required"]),
    ("sudo", lambda h: h.lacks("sudo"), CPU_ONLY, ["sudo: not found"]),
    ("snapd", lambda h: h.lacks("snap"), CPU_ONLY, ["not installed", "2.45.0", "apt-get install"]),
    ("snapd", old_snapd, CPU_ONLY, ["is 2.9.1"]),
    ("disk", lambda h: h.says("df", DF.format(total=99 * GIB, free=10 * GIB)), CPU_ONLY, ["11 GB", "needed are 20 GB"]),
    ("disk-recommended", lambda h: h.says("df", DF.format(total=99 * GIB, free=50 * GIB)), CPU_ONLY, ["54 GB", "100 GB"]),
    ("memory", lambda h: h.says("free", FREE.format(mib=4000)), CPU_ONLY, ["4.2 GB of memory", "the pods ask for 6.0 GB"]),
    ("memory-recommended", lambda h: h.says("free", FREE.format(mib=16000)), CPU_ONLY, ["16.8 GB", "32 GB"]),
    ("cores", lambda h: h.says("nproc", "4"), CPU_ONLY, ["4 cores", "ask for 4.30"]),
    ("cores-recommended", lambda h: h.says("nproc", "6"), CPU_ONLY, ["6 cores", "recommended are 8"]),
    ("port", lambda h: h.says("ss", LISTEN.format(port=16443, name="nginx")), CPU_ONLY, ["Port 16443", "nginx (pid 4711)"]),
    ("microk8s", lambda h: has_microk8s(h, "sdg/other"), CPU_ONLY, ["by sdg/other, not by sdg/lab", "sdg:cluster.adopt"]),
    ("microk8s", has_microk8s, CPU_ONLY, ["by something that is no stack", "snap remove"]),
    ("microk8s", lambda h: None, {"cluster": {"adopt": True}}, ["no MicroK8s on this host to adopt"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "515.65.01\n515.65.01"), GPUS, ["is 515.65.01", "525 or newer"]),
    ("gpu-driver", lambda h: h.lacks("nvidia-smi"), GPUS, ["missing or lists no GPU"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "couldn't communicate", 9), GPUS, ["does not answer (couldn't communicate)"]),
    ("gpu-driver", lambda h: None, OPERATORS, ["has a GPU driver already (570.172.08)", "driver is operator"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "570.1"), GPUS, ["has 1 GPU,", "plans 2"]),
    ("host", lambda h: h.lacks("df"), CPU_ONLY, ["no answer from df"]),
]


@pytest.mark.parametrize(
    ("name", "breaks", "sections", "said"), FAILURES, ids=[f"{row[0]}-{number}" for number, row in enumerate(FAILURES)]
)
def test_each_failure_is_named_alone_with_what_was_seen_and_what_to_do(host, name, breaks, sections, said):
    breaks(host)
    failed = found(host, **sections)
    assert set(failed) == {name}
    assert all(words in failed[name] for words in said), failed[name]


def test_every_check_of_the_host_has_a_failure_that_is_tested():
    assert {name for name, known in checks().items() if known.host} == {row[0] for row in FAILURES}


@pytest.mark.parametrize("sections", [CPU_ONLY, {"cluster": {"gpus": 2}, "platform": {"gpuOperator": {"install": False}}}])
def test_the_driver_is_not_asked_for_where_the_stack_has_nothing_to_do_with_it(host, sections):
    host.lacks("nvidia-smi")
    assert found(host, **sections) == {}


def test_a_driver_that_does_not_answer_is_none_where_the_operator_brings_its_own(host):
    host.says("nvidia-smi", "couldn't communicate", 9)
    assert found(host, **OPERATORS) == {}


@pytest.mark.parametrize("mark", [OWNER, ""], ids=["marked", "under way"])
def test_what_the_stack_installed_itself_is_no_problem(host, mark, tmp_path):
    has_microk8s(host, mark)
    host.says("ss", LISTEN.format(port=16443, name="kubelite") + LISTEN.format(port=10250, name="kubelite"))
    host.says("df", DF.format(total=99 * GIB, free=10 * GIB))  # what was enough to install it is used by now
    if not mark:
        begun = Path(os.environ["XDG_STATE_HOME"]) / "sdg" / "microk8s.begun"
        begun.parent.mkdir(parents=True)
        begun.write_text(f"{OWNER}\n")
        host.environ["XDG_STATE_HOME"] = os.environ["XDG_STATE_HOME"]
    assert set(found(host)) == {"disk-recommended"}


def test_an_adopted_microk8s_may_be_anybodys(host):
    has_microk8s(host)
    assert found(host, cluster={"adopt": True}) == {}


def test_sizes_are_no_error_where_other_nodes_carry_the_pods(host):
    host.says("nproc", "2")
    host.says("free", FREE.format(mib=4000))
    assert set(found(host, cluster={"minNodes": 2})) == {"cores-recommended", "memory-recommended"}


def test_parts_outside_the_cluster_need_nothing_of_the_host():
    external = {"kind": "external", "host": "db.example.com"}
    outside = sections_of(
        osmo={"database": {**external, "user": "osmo"}, "redis": external},
        platform={"objectStore": {"provider": "s3"}},
    )
    assert needs(sections_of()) == (pytest.approx(4.30), 5748)
    assert needs(outside) == (pytest.approx(3.95), 3956)
    assert needs(sections_of(cluster={"gpus": 1})) == (pytest.approx(5.30), 8820)


def test_a_host_that_hangs_is_one_failure_that_names_what_was_asked_and_ends_what_it_started(host, tmp_path, monkeypatch):
    host.says("ss", script=f"echo $$ > {tmp_path}/pid; sleep 60")
    reply = asking.ask(None, None, host.environ, timeout=1.0)
    assert reply.failure == "no answer within 1 s"
    assert answers.parse(reply.text).asked_last == "ss"
    gone = psutil.wait_procs([psutil.Process(pid) for pid in [int((tmp_path / "pid").read_text())] if psutil.pid_exists(pid)], timeout=5)
    assert not gone[1]
    monkeypatch.setattr("sdg.preflight.stack.asking.ask", lambda *_: reply)
    failed = found(host)
    assert set(failed) == {"host"}
    assert "no answer within 1 s; the last question went to ss" in failed["host"]


def test_a_ci_system_is_told_that_the_host_is_not_asked(host):
    host.environ["CI"] = "true"
    host.says("uname", "Darwin")
    assert set(found(host)) == {"not-in-ci"}


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
    failed = found(host, cluster={"host": ssh})
    assert set(failed) == {"host"}
    assert "the host box.example.com does not answer" in failed["host"].lower()
    assert "No route to host" in failed["host"]
    assert "ssh -p 2222 ubuntu@box.example.com true" in failed["host"]


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


# the user's kubeconfig


def kubeconfig(server, owner=None):
    extensions = [{"name": "sdg", "extension": {"owner": owner}}] if owner else []
    context = {"cluster": "c", "user": "u", "extensions": extensions}
    return yaml.safe_dump(
        {
            "contexts": [{"name": "microk8s", "context": context}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "planted-token"}}],
        }
    )


@pytest.mark.parametrize(
    ("server", "owner", "refused"),
    [
        ("https://127.0.0.1:16443", None, False),  # by hand, of this very MicroK8s
        ("https://10.9.8.7:16443", None, True),
        ("https://127.0.0.1:6443", None, True),
        ("https://10.9.8.7:16443", OWNER, False),
        ("https://10.9.8.7:16443", "sdg/other", True),
    ],
)
def test_a_context_of_that_name_which_leads_elsewhere_is_refused_unless_the_stack_made_it(host, tmp_path, server, owner, refused):
    (tmp_path / "kubeconfig").write_text(kubeconfig(server, owner))
    failed = found(host, project=tmp_path)
    assert set(failed) == ({"kubeconfig-context"} if refused else set())
    if refused:
        assert f"leads to {server}" in failed["kubeconfig-context"]
        assert "rename-context microk8s" in failed["kubeconfig-context"]
        assert "planted-token" not in failed["kubeconfig-context"]


def test_a_file_that_is_no_kubeconfig_is_refused_without_showing_it(host, tmp_path):
    (tmp_path / "kubeconfig").write_text("[planted-token")
    failed = found(host, project=tmp_path)
    assert "is not YAML" in failed["kubeconfig-context"]
    assert "planted-token" not in failed["kubeconfig-context"]


# once per update


@pytest.fixture
def engine(tmp_path):
    """A process that bears the engine's name."""
    program = tmp_path / cache.ENGINE
    program.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([program, "60"])
    yield process
    process.kill()
    process.wait()


def test_one_engine_asks_once_and_another_anew(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path / "run"))
    asked = []

    def ask():
        asked.append(1)
        return {"text": "x"}

    mine = psutil.Process(engine.pid)
    for _ in range(2):
        assert cache.once_per_update("q", ask, mine) == {"text": "x"}
    assert len(asked) == 1
    cache.once_per_update("another question", ask, mine)
    cache.once_per_update("q", ask, psutil.Process())
    assert len(asked) == 3
    files = list((tmp_path / "run").iterdir())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_an_answer_that_somebody_else_could_have_written_is_not_believed(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path))
    mine = psutil.Process(engine.pid)
    cache.once_per_update("q", lambda: {"text": "true"}, mine)
    (kept,) = tmp_path.glob("sdg-preflight-*")
    kept.write_text(json.dumps({"text": "planted"}))
    kept.chmod(0o666)
    assert cache.once_per_update("q", lambda: {"text": "true"}, mine) == {"text": "true"}


def test_what_ended_engines_left_is_removed(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path))
    left = tmp_path / f"sdg-preflight-{os.getuid()}-999999999-0.json"
    left.write_text("{}")
    cache.once_per_update("q", lambda: {"text": "x"}, psutil.Process(engine.pid))
    assert not left.exists()


def test_without_an_engine_every_call_asks():
    asked = []
    for _ in range(2):
        cache.once_per_update("q", lambda: asked.append(1) or {})
    assert len(asked) == 2


# the command


@pytest.fixture
def run(host, tmp_path, monkeypatch):
    """`sdg preflight` for the stack `lab` with these sections; its exit code and what it printed."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(command, "ROOT", tmp_path)

    def preflight(**sections):
        entries = {f"sdg:{key}": {"value": json.dumps(value), "secret": False} for key, value in sections.items()}
        monkeypatch.setattr(command.Engine, "of", lambda stack: Engine(stack, host.environ))
        monkeypatch.setattr(command.Engine, "ask", lambda *_: json.dumps(entries))
        out = io.StringIO()
        return command.preflight("lab", Console(file=out, width=200)), out.getvalue()

    return preflight


STACK = {"cluster": {"kind": "microk8s", "kubeconfig": "kubeconfig", "gpus": 2}, "forward": {"enabled": False}}


def test_a_stack_that_nothing_stands_in_the_way_of_gets_a_plan(run):
    code, printed = run(**STACK)
    assert code == 0
    assert "Nothing stands in the way." in printed
    for words in ("MicroK8s 1.31/stable on this machine", "GPU operator v25.10.1", "verify-gpu", "together", "min"):
        assert words in printed


def test_a_warning_is_shown_and_refuses_nothing(run, host):
    host.says("nproc", "6")
    code, printed = run(**STACK)
    assert code == 0
    assert "warning" in printed
    assert "error" not in printed


def test_all_failures_stand_in_one_table_with_remedies_and_nothing_is_created(run, host, tmp_path):
    host.says("lsb_release", "Fedora")
    host.says("sudo", script="echo sudo: a password is required >&2; exit 1")
    old_snapd(host)
    host.says("df", DF.format(total=99 * GIB, free=10 * GIB))
    host.says("nproc", "4")
    host.says("free", FREE.format(mib=4000))
    host.says("ss", "".join(LISTEN.format(port=port, name="nginx") for port in (16443, 10250, 10255)))
    host.says("nvidia-smi", "515.65.01")
    (tmp_path / "kubeconfig").write_text(kubeconfig("https://10.9.8.7:16443"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wanted = {**STACK, "forward": {"port": port}, "osmo": {"images": {"credentials": "ngc"}, "profil": "6.3"}}
        before = sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts)
        code, printed = run(**wanted)
    assert code == 1
    assert printed.count("what to do") == 1
    expected = [
        "settings",
        "forward-port",
        "kubeconfig-context",
        "distribution",
        "sudo",
        "snapd",
        "disk",
        "memory",
        "cores",
        "port",
        "gpu-driver",
    ]
    assert all(f" {name} " in printed for name in expected)
    assert "Did you mean 'profile'?" in printed
    assert "Nothing was created." in printed
    assert sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts) == before


def test_a_missing_key_is_a_failure_where_images_need_it(run):
    code, printed = run(**STACK, osmo={"images": {"credentials": "ngc"}})
    assert code == 1
    assert "sdg:ngcApiKey is required" in printed


def test_findings_judge_nothing_but_what_they_are_given():
    wanted = Wanted(sections_of()["cluster"], sections_of(), OWNER, "this host")
    assert [finding.check for finding in findings(wanted, answers.parse("system=Plan 9\ndone=yes\n"))] == ["system"]
