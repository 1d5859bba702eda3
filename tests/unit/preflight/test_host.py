"""How a host's answers are judged: each failure alone, and what is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdg.catalog.preflight import checks
from sdg.preflight.host import answers
from sdg.preflight.host.checks import WantedHost, findings, needs

OWNER = "sdg/lab"


def test_a_host_that_fits_passes_every_check(host):
    assert host.found(cluster={"gpus": 2}) == {}


CPU_ONLY = {"cluster": {"gpus": 0}}
GPUS = {"cluster": {"gpus": 2}}
OPERATORS = {**GPUS, "platform": {"gpuOperator": {"driver": "operator"}}}
FAILURES = [
    ("system", lambda h: h.says("uname", "Darwin"), CPU_ONLY, ["Darwin", "needed is Linux"]),
    ("distribution", lambda h: h.says("lsb_release", "Fedora"), CPU_ONLY, ["Fedora", "Ubuntu is recommended"]),
    ("sudo", lambda h: h.says("sudo", script="echo sudo: a password is required >&2; exit 1"), CPU_ONLY, ["a password is required"]),
    ("sudo", lambda h: h.lacks("sudo"), CPU_ONLY, ["sudo: not found"]),
    ("snapd", lambda h: h.lacks("snap"), CPU_ONLY, ["not installed", "2.45.0", "apt-get install"]),
    ("snapd", lambda h: h.has_snapd("2.9.1"), CPU_ONLY, ["is 2.9.1"]),
    ("disk", lambda h: h.has_disk(10), CPU_ONLY, ["11 GB", "needed are 20 GB"]),
    ("disk", lambda h: h.has_disk(800, snaps=10), CPU_ONLY, ["11 GB", "/var/snap"]),
    ("disk", lambda h: h.has_disk(10, snaps=800), CPU_ONLY, ["11 GB", "the user's home"]),
    ("disk-recommended", lambda h: h.has_disk(50), CPU_ONLY, ["54 GB", "100 GB"]),
    ("memory", lambda h: h.has_memory(4000), CPU_ONLY, ["4.2 GB of memory", "the pods ask for 6.0 GB"]),
    ("memory-recommended", lambda h: h.has_memory(16000), CPU_ONLY, ["16.8 GB", "32 GB"]),
    ("cores", lambda h: h.says("nproc", "4"), CPU_ONLY, ["4 cores", "ask for 4.30"]),
    ("cores-recommended", lambda h: h.says("nproc", "6"), CPU_ONLY, ["6 cores", "recommended are 8"]),
    ("port", lambda h: h.listens(16443, name="nginx"), CPU_ONLY, ["Port 16443", "nginx (pid 4711)"]),
    ("microk8s", lambda h: h.has_microk8s("sdg/other"), CPU_ONLY, ["by sdg/other, not by sdg/lab", "sdg:cluster.adopt"]),
    ("microk8s", lambda h: h.has_microk8s(), CPU_ONLY, ["by something that is no stack", "snap remove"]),
    ("microk8s", lambda h: None, {"cluster": {"adopt": True}}, ["no MicroK8s on this host to adopt"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "515.65.01\n515.65.01"), GPUS, ["is 515.65.01", "525 or newer"]),
    ("gpu-driver", lambda h: h.lacks("nvidia-smi"), GPUS, ["missing or lists no GPU"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "couldn't communicate", 9), GPUS, ["does not answer (couldn't communicate)"]),
    ("gpu-driver", lambda h: None, OPERATORS, ["has a GPU driver already (570.172.08)", "driver is operator"]),
    ("gpu-driver", lambda h: h.says("nvidia-smi", "570.1"), GPUS, ["has 1 GPU,", "plans 2"]),
    ("optix", lambda h: h.says("find", script="exit 1"), GPUS, ["/usr/share/nvidia/nvoptix.bin", "sdg:osmo.pods.optix false"]),
    ("host", lambda h: h.lacks("df"), CPU_ONLY, ["no answer from df"]),
]


@pytest.mark.parametrize("sections", [CPU_ONLY, {**GPUS, "osmo": {"pods": {"optix": False}}}])
def test_the_denoiser_is_not_asked_for_where_no_pod_mounts_it(host, sections):
    host.says("find", script="exit 1")
    assert host.found(**sections) == {}


@pytest.mark.parametrize(
    ("name", "breaks", "sections", "said"), FAILURES, ids=[f"{row[0]}-{number}" for number, row in enumerate(FAILURES)]
)
def test_each_failure_is_named_alone_with_what_was_seen_and_what_to_do(host, name, breaks, sections, said):
    breaks(host)
    failed = host.found(**sections)
    assert set(failed) == {name}
    assert all(words in failed[name] for words in said), failed[name]


def test_every_check_of_the_host_has_a_failure_that_is_tested():
    assert {name for name, known in checks().items() if known.host} == {row[0] for row in FAILURES}


@pytest.mark.parametrize("sections", [CPU_ONLY, {"cluster": {"gpus": 2}, "platform": {"gpuOperator": {"install": False}}}])
def test_the_driver_is_not_asked_for_where_the_stack_has_nothing_to_do_with_it(host, sections):
    host.lacks("nvidia-smi")
    assert host.found(**sections) == {}


def test_a_driver_that_does_not_answer_is_none_where_the_operator_brings_its_own(host):
    host.says("nvidia-smi", "couldn't communicate", 9)
    assert host.found(**OPERATORS) == {}


@pytest.mark.parametrize("mark", [OWNER, ""], ids=["marked", "under way"])
def test_what_the_stack_installed_itself_is_no_problem(host, mark, tmp_path):
    host.has_microk8s(mark)
    host.listens(16443, 10250, name="kubelite")
    host.has_disk(10)  # what was enough to install it is used by now
    if not mark:
        begun = Path(os.environ["XDG_STATE_HOME"]) / "sdg" / "microk8s.begun"
        begun.parent.mkdir(parents=True)
        begun.write_text(f"{OWNER}\n")
        host.environ["XDG_STATE_HOME"] = os.environ["XDG_STATE_HOME"]
    assert set(host.found()) == {"disk-recommended"}


def test_an_adopted_microk8s_may_be_anybodys(host):
    host.has_microk8s()
    assert host.found(cluster={"adopt": True}) == {}


def test_sizes_are_no_error_where_other_nodes_carry_the_pods(host):
    host.says("nproc", "2")
    host.has_memory(4000)
    assert set(host.found(cluster={"minNodes": 2})) == {"cores-recommended", "memory-recommended"}


def test_parts_outside_the_cluster_need_nothing_of_the_host(host):
    external = {"kind": "external", "host": "db.example.com"}
    outside = host.sections(
        osmo={"database": {**external, "user": "osmo"}, "redis": external},
        platform={"objectStore": {"provider": "s3"}},
    )
    assert needs(host.sections()) == (pytest.approx(4.30), 5748)
    assert needs(outside) == (pytest.approx(3.95), 3956)
    assert needs(host.sections(cluster={"gpus": 1})) == (pytest.approx(5.30), 8820)


def test_a_ci_system_is_told_that_the_host_is_not_asked(host):
    host.environ["CI"] = "true"
    host.says("uname", "Darwin")
    assert set(host.found()) == {"not-in-ci"}


def test_findings_judge_nothing_but_what_they_are_given(host):
    wanted = WantedHost(host.sections()["cluster"], host.sections(), OWNER, "this host")
    assert [finding.check for finding in findings(wanted, answers.parse("system=Plan 9\ndone=yes\n"))] == ["system"]
