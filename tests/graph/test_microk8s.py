"""MicroK8s as the program registers it: which steps, in which order, on which host, and what of it is secret."""

import itertools
import json

import pytest

from components.cluster.stable_name import StableNameProvider

LOCAL, REMOTE = "command:local:Command", "command:remote:Command"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted-key\n-----END OPENSSH PRIVATE KEY-----"
STEPS = ["snap", "group", "running", "addons", "ready", "storage-class", "kubeconfig"]
WITH_GPUS = ["snap", "group", "running", "addons", "ready", "gpu-driver", "gpu-addon", "storage-class", "kubeconfig"]


@pytest.fixture
def run(run_program):
    def on_microk8s(preview=False, *, platform=None, data="delete", **cluster):
        sections = {"cluster": {"kind": "microk8s", **cluster}, "data": data, "platform": platform or {}}
        return run_program(preview=preview, **sections)

    return on_microk8s


def revealed(value):
    """A secret input's value; fails for one that is not marked secret."""
    assert set(value) == {"4dabf18193072939515e22adb298388d", "value"}
    return value["value"]


def steps(graph, token=LOCAL):
    return [name.removeprefix("microk8s-") for name in graph.of_type(token)]


@pytest.mark.parametrize(("gpus", "expected"), [(0, STEPS), (2, WITH_GPUS)])
def test_steps_follow_one_another(run, gpus, expected):
    graph = run(gpus=gpus)
    assert sorted(steps(graph)) == sorted(expected)
    for earlier, later in itertools.pairwise(expected):
        assert f"microk8s-{earlier}" in graph.edges[f"microk8s-{later}"]


def test_every_step_has_all_three_commands_and_hands_on_no_output(run):
    graph = run(gpus=2)
    for name in graph.of_type(LOCAL):
        inputs = graph.inputs[name]
        assert inputs["create"]
        assert inputs["update"]
        assert inputs["delete"]
        assert inputs["addPreviousOutputInEnv"] is False


def test_everything_in_the_cluster_comes_after_the_last_step(run):
    graph = run(gpus=2)
    for name in ("microk8s-kubernetes", "cluster-gate", "microk8s-context", "osmo-osmo-minimal"):
        assert {f"microk8s-{step}" for step in WITH_GPUS} <= graph.waits_for(name)


def test_the_channel_is_the_pinned_one_unless_the_stack_chooses(run):
    assert "channel=1.31/stable" in run().inputs["microk8s-snap"]["create"]
    assert "channel=1.32/stable" in run(channel="1.32/stable").inputs["microk8s-snap"]["create"]


def test_another_channel_waits_for_the_cluster_and_looks_at_it_anew(run):
    old, new = run(), run(channel="1.32/stable")
    for name in ("microk8s-running", "microk8s-ready"):
        assert old.inputs[name]["triggers"] != new.inputs[name]["triggers"]
    assert (old.inputs["cluster-gate"]["revision"], new.inputs["cluster-gate"]["revision"]) == ("1.31/stable", "1.32/stable")


def test_only_the_kubeconfigs_output_is_a_credential(run):
    graph = run(gpus=2)
    for name in graph.of_type(LOCAL):
        is_secret = name == "microk8s-kubeconfig"
        assert ("stdout" in graph.requests[name].additionalSecretOutputs) == is_secret
        assert (graph.inputs[name].get("logging") == "none") == is_secret


def test_the_connection_carries_the_stacks_names_and_is_secret(run):
    graph = run(name="workstation")
    connection = revealed(graph.inputs["microk8s-context"]["connection"])
    assert connection["context"] == "workstation"
    assert "planted-cluster-token" in connection["kubeconfig"]
    assert "connection" in graph.requests["microk8s-context"].additionalSecretOutputs
    assert graph.inputs["microk8s-kubernetes"]["clusterIdentifier"] == "workstation"


def test_the_stack_hands_out_the_kubeconfig_of_a_cluster_that_it_made(run, run_program):
    assert "planted-cluster-token" in run().outputs["kubeconfig"]
    assert "kubeconfig" not in run_program().outputs


def test_the_users_kubeconfig_gets_a_context_of_the_stacks(run):
    inputs = run(kubeconfig="~/.kube/other").inputs["microk8s-context"]
    assert (inputs["name"], inputs["owner"], inputs["path"]) == ("lab", "sdg/test", "~/.kube/other")


def test_what_is_in_the_cluster_goes_with_the_snap(run):
    graph = run(gpus=2)
    for name in ("osmo-service-release", "microk8s-gpu-addon"):
        assert graph.requests[name].deletedWith.endswith("::microk8s-snap")
    assert not graph.requests["microk8s-snap"].retainOnDelete


def test_retained_data_keeps_the_snap_and_everything_else_is_really_taken_down(run):
    graph = run(gpus=2, data="retain")
    assert graph.requests["microk8s-snap"].retainOnDelete
    assert not any(request.deletedWith for request in graph.requests.values())


@pytest.mark.parametrize("adopt", [False, True])
def test_nothing_is_done_under_another_name(run, adopt):
    graph = run(name="workstation", adopt=adopt)
    assert graph.inputs["microk8s-name"] | {"__provider": None} == {"name": "workstation", "stack": "test", "__provider": None}
    for name in graph.of_type(LOCAL):
        assert "microk8s-name" in graph.waits_for(name)
    if not adopt:
        assert not graph.inputs["microk8s-snap"].get("triggers")


def test_another_name_is_refused_with_what_to_do():
    asked = {"name": "lab", "stack": "lab-stack"}
    provider = StableNameProvider()
    assert provider.check({}, asked).failures == []
    assert provider.check(asked, asked).failures == []
    (failure,) = provider.check({**asked, "name": "workstation"}, asked).failures
    assert failure.property == "name"
    assert "sdg:cluster.name was 'workstation' and is 'lab' now" in failure.reason
    assert "`pulumi destroy --stack lab-stack`" in failure.reason


def test_an_adopted_one_is_only_looked_at(run):
    graph = run(adopt=True, gpus=2)
    assert sorted(steps(graph)) == ["adopted", "kubeconfig", "ready"]
    assert "addons='dns hostpath-storage helm3 rbac nvidia'" in graph.inputs["microk8s-ready"]["create"]
    assert not any(request.deletedWith for request in graph.requests.values())
    commands = "".join(graph.inputs[name]["create"] + graph.inputs[name]["delete"] for name in graph.of_type(LOCAL))
    assert "snap install" not in commands
    assert "snap remove microk8s --purge" not in commands
    assert "-n microk8s enable" not in commands


@pytest.mark.parametrize("adopt", [False, True])
def test_gpus_without_the_operator_are_left_to_whoever_brought_it(run, adopt):
    graph = run(adopt=adopt, gpus=2, platform={"gpuOperator": {"install": False}})
    assert not {"gpu-driver", "gpu-addon"} & set(steps(graph))
    assert "nvidia" not in graph.inputs["microk8s-ready"]["create"]


def test_who_owns_the_driver_flips_the_check_the_addon_and_its_values_together(run):
    host = run(gpus=2, platform={"gpuOperator": {"driver": "host"}})
    operator = run(gpus=2, platform={"gpuOperator": {"driver": "operator"}})
    assert "gpu-driver" in steps(host)
    assert "gpu-driver" not in steps(operator)
    assert "driver=host\n" in host.inputs["microk8s-gpu-addon"]["create"]
    assert "driver=operator\n" in operator.inputs["microk8s-gpu-addon"]["create"]
    assert "DISABLE_DEV_CHAR_SYMLINK_CREATION" in host.inputs["microk8s-gpu-addon"]["create"]
    assert "DISABLE_DEV_CHAR_SYMLINK_CREATION" not in operator.inputs["microk8s-gpu-addon"]["create"]
    assert host.inputs["microk8s-gpu-addon"]["triggers"] != operator.inputs["microk8s-gpu-addon"]["triggers"]


def test_a_chosen_storage_class_needs_no_default_one(run):
    assert "storage-class" not in steps(run(storageClass="fast"))


@pytest.fixture
def remote(run, monkeypatch):
    monkeypatch.setenv("SDG_SSH_PRIVATE_KEY", KEY.replace("\n", "\\n"))
    return run(host={"address": "gpu-box.example.com", "user": "ubuntu", "port": 2222})


def test_a_remote_host_is_reached_over_ssh_and_nothing_runs_here(remote):
    assert sorted(steps(remote, REMOTE)) == sorted(STEPS)
    assert not steps(remote)
    for name in remote.of_type(REMOTE):
        connection = revealed(remote.inputs[name]["connection"])
        assert (connection["host"], connection["user"], connection["port"]) == ("gpu-box.example.com", "ubuntu", 2222)
        assert "planted-key" in connection["privateKey"]
        assert "connection" in remote.requests[name].additionalSecretOutputs


def test_a_remote_clusters_address_is_the_hosts(remote):
    assert "https://gpu-box.example.com:1" in revealed(remote.inputs["microk8s-context"]["connection"])["kubeconfig"]


def test_no_command_line_holds_a_credential(run, remote):
    for graph in (run(gpus=2), remote):
        for name in (*graph.of_type(LOCAL), *graph.of_type(REMOTE)):
            commands = json.dumps({key: graph.inputs[name][key] for key in ("create", "update", "delete", "triggers")})
            assert "planted" not in commands


@pytest.mark.parametrize("gpus", [0, 2])
@pytest.mark.parametrize("adopt", [False, True])
def test_the_whole_program_previews_before_there_is_a_cluster(run, adopt, gpus):
    graph = run(preview=True, adopt=adopt, gpus=gpus)
    assert {"cluster-gate", "osmo-service-release", "osmo-operator-release", "smoke-gate"} <= set(graph.types)
