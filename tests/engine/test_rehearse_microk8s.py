"""`sdg rehearse --stack microk8s`: the shipped stack's whole life, on every kind of machine, in both profiles."""

from __future__ import annotations

import itertools

import pytest

from tests.engine.rehearsing import STEPS, command, ran_on, verdicts

CPU, TWO_GPUS, BESIDE = ("local-cpu",), ("local-2x-rtx-6000-ada",), ("local-cpu", "local-rtx-6000-ada")
# where CPU machines stand beside GPU machines, work without GPUs keeps to them
RAN_ON = {
    "cpu": {"verify-hello": "cpu-0"},
    "2-gpus": {"verify-hello": "2x-rtx-6000-ada-0", "verify-gpu": "2x-rtx-6000-ada-0"},
    "cpu-beside-gpu": {"verify-hello": "cpu-0", "verify-gpu": "rtx-6000-ada-0"},
}
MACHINES = {"cpu": CPU, "2-gpus": TWO_GPUS, "cpu-beside-gpu": BESIDE}
ALWAYS = {("cpu", "6.3", "delete"), ("2-gpus", "6.4", "delete"), ("cpu-beside-gpu", "6.4", "retain")}
COMBINATIONS = [
    pytest.param(found, id="-".join(found), marks=() if found in ALWAYS else pytest.mark.full)
    for found in itertools.product(MACHINES, ("6.3", "6.4"), ("delete", "retain"))
]


@pytest.fixture
def sdg(tmp_path):
    found = command(tmp_path, "microk8s")
    yield found
    found.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_stack_lives_and_leaves_what_it_promised(sdg, combination):
    machines, profile, data = combination
    nodes = [word for size in MACHINES[machines] for word in ("--node", size)]
    done = sdg.rehearse(*nodes, "--config", f"osmo.profile={profile}", "--config", f"data={data}")
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")
    assert ran_on(done.stdout) == RAN_ON[machines]
    assert not sdg.state.exists()
    assert sdg.processes() == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("machines", MACHINES)
def test_an_adopted_microk8s_stays_when_its_osmo_goes(sdg, machines):
    nodes = [word for size in MACHINES[machines] for word in ("--node", size)]
    done = sdg.rehearse("--config", "cluster.adopt=true", *nodes)
    assert done.returncode == 0, done.stdout
    assert verdicts(done.stdout) == dict.fromkeys(STEPS, "held")


@pytest.mark.timeout(600)
def test_a_failure_is_named_and_nothing_comes_after_it(sdg):
    sdg.fault("host.snap", '{"message": "unable to contact snap store"}')
    done = sdg.rehearse()
    assert done.returncode == 1
    assert "unable to contact snap store" in done.stdout
    assert verdicts(done.stdout) == {"preflight": "held", "update": "failed"} | dict.fromkeys(STEPS[2:], "skipped")
    assert not sdg.state.exists()


@pytest.mark.timeout(600)
def test_a_host_that_will_not_do_is_refused_before_anything_exists(sdg):
    sdg.fault("host.sudo")
    done = sdg.rehearse()
    assert done.returncode == 1
    assert verdicts(done.stdout) == {"preflight": "failed"} | dict.fromkeys(STEPS[1:], "skipped")


@pytest.mark.timeout(600)
@pytest.mark.full
def test_a_rehearsal_that_is_kept_can_be_looked_at_with_plain_pulumi(sdg):
    kept = sdg.rehearse("--keep")
    assert kept.returncode == 0, kept.stdout
    preview = "pulumi preview --stack microk8s --expect-no-changes --non-interactive"
    shell = sdg.shell(f"{preview} && kubectl get nodes")
    assert shell.returncode == 0, shell.stdout
    assert "cpu-0" in shell.stdout
    assert sdg.processes()
    sdg.stop()
    assert sdg.processes() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--stack", "nowhere"), "there is no Pulumi.nowhere.yaml"),
        (("--stack", "microk8s", "--node", "local-foo"), "local-foo"),
        (("--stack", "microk8s", "--node", "local-cpu=0"), "neither SIZE nor SIZE=COUNT"),
        (("--stack", "microk8s", "--config", "osmo.profile"), "is not PATH=VALUE"),
        (("--stack", "microk8s", "--config", "cluster.kind=metal"), "cannot be rehearsed"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_sentence(sdg, words, said):
    done = sdg("rehearse", *words)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout
    assert sdg.processes() == []
