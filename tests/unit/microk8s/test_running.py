"""MicroK8s once it is installed: its user, addons, kubeconfig and GPUs; and what is true of every command."""

import json
import os
import shlex

import pytest

from rehearsal.host.command_lines import check
from sdg.catalog.gpu_driver import driver_values
from sdg.microk8s import gpu, running, snap
from sdg.microk8s.script import over_ssh, script
from sdg.platform.layout import GPU_OPERATOR_CRDS

STACK, CHANNEL = "sdg/lab", "1.31/stable"


def operator(owner="host", version="v25.10.1", cluster="workstation"):
    return gpu.operator(owner, version, stack=STACK, cluster=cluster)


ADDONS = ("dns", "hostpath-storage", "helm3", "rbac")
EVERY = [
    snap.installed(STACK, CHANNEL),
    snap.adopted(STACK, "workstation"),
    running.member("microk8s"),
    running.running(("a",)),
    running.addons(ADDONS),
    running.complete(ADDONS, ("a",)),
    running.default_class("microk8s-hostpath"),
    running.kubeconfig(here=True),
    gpu.driver(525),
    operator(),
]


@pytest.mark.parametrize("step", EVERY)
def test_no_command_waits_for_a_password_or_names_a_place_of_this_machine(step, tmp_path):
    for command in (step.create, step.update, step.delete):
        check(command, tmp_path)


def test_the_login_user_joins_the_group_once(host):
    host.do(running.member("microk8s").create)
    assert host.changes() == ["snap set microk8s sdg.member=ana", "usermod --append --groups microk8s ana"]
    host.has(groups="ana adm microk8s\n")
    host.do(running.member("microk8s").create)
    assert host.changes() == []


def test_who_was_added_is_taken_out_once(host):
    step = running.member("microk8s")
    host.do(step.create)
    host.has(groups="ana adm microk8s\n")
    host.changes()
    host.do(step.delete)
    assert host.changes() == ["gpasswd --delete ana microk8s", "snap unset microk8s sdg.member"]
    host.do(step.delete)
    assert host.changes() == []


@pytest.mark.parametrize("adopts", [False, True])
def test_who_was_a_member_before_or_whose_microk8s_is_adopted_by_now_stays_one(host, adopts):
    step = running.member("microk8s")
    host.has(channel=CHANNEL, **({"sdg.stack": STACK} if adopts else {"groups": "ana adm microk8s\n"}))
    host.do(step.create)
    if adopts:
        host.has(groups="ana adm microk8s\n")
        host.do(snap.adopted(STACK, "workstation").create)
    host.changes()
    host.do(step.delete)
    assert host.changes() == []


def test_root_needs_no_group(host):
    host.has(uid="0\n")
    host.do(running.member("microk8s").create)
    assert host.changes() == []


def test_a_cluster_that_does_not_come_up_fails_though_status_ends_well(host):
    host.has(down="")
    said = host.refuses(running.running(()).create)
    assert "MicroK8s does not run after 300 s" in said
    assert "microk8s is not running" in said
    assert "Start it with: sudo microk8s start. If it does not come up, see why with: sudo microk8s inspect." in said


def test_a_microk8s_of_the_stacks_that_was_stopped_is_started_and_one_that_runs_is_left(host):
    host.has(stopped="")
    host.do(running.running(()).create)
    assert host.changes() == ["microk8s start"]
    host.do(running.running(()).create)
    assert host.changes() == []


def test_an_adopted_one_that_was_stopped_is_left_and_said(host):
    host.has(stopped="")
    assert "Start it with: sudo microk8s start." in host.refuses(running.complete(ADDONS, ()).create)
    assert host.changes() == []


def test_addons_that_are_off_are_enabled_in_one_call_and_once(host):
    host.do(running.addons(ADDONS).create)
    assert host.changes() == ["microk8s enable dns hostpath-storage rbac"]
    host.do(running.addons(ADDONS).update)
    assert host.changes() == []


def test_missing_addons_are_named_with_the_command_that_enables_them(host):
    host.has(addons="helm3\ndns\n")
    said = host.refuses(running.complete([*ADDONS, "nvidia"], ()).create)
    assert "MicroK8s lacks addons that the stack needs: hostpath-storage rbac nvidia." in said
    assert "sudo microk8s enable hostpath-storage rbac nvidia" in said


def test_a_default_class_stays_and_a_missing_one_is_made(host):
    host.has(**{"default-class": "fast\n"})
    host.do(running.default_class("microk8s-hostpath").create)
    assert host.changes() == []
    host.has(**{"default-class": ""})
    host.do(running.default_class("microk8s-hostpath").create)
    assert host.changes() == [
        "microk8s kubectl annotate --overwrite storageclass microk8s-hostpath storageclass.kubernetes.io/is-default-class=true"
    ]


def test_the_kubeconfig_names_the_loopback_address_on_its_own_host_only(host):
    assert host.do(running.kubeconfig(here=True).create) == "kubeconfig --use-loopback\n"
    assert host.do(running.kubeconfig(here=False).create) == "kubeconfig \n"
    assert running.kubeconfig(here=True).secret


# GPUs


@pytest.mark.parametrize("version", ["525.60.13", "580.95.05\n580.95.05"])
def test_a_driver_that_is_new_enough_passes(host, version):
    host.has(driver=version + "\n")
    host.do(gpu.driver(525).create)


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        ("470.256.02\n", "The host's GPU driver is 470.256.02; needed is 525 or newer."),
        ("580.95.05\n470.1\n", "GPU driver is 470.1"),
        ("", "nvidia-smi lists no GPU"),
        ("[N/A]\n", "names no driver version"),
        (None, "NVIDIA-SMI has failed"),
    ],
)
def test_a_driver_that_will_not_do_is_said(host, driver, sentence):
    if driver is not None:
        host.has(driver=driver)
    assert sentence in host.refuses(gpu.driver(525).create)


def test_a_missing_driver_is_said(host):
    (host.bin / "nvidia-smi").unlink()
    assert "The host has no GPU driver" in host.refuses(gpu.driver(525).create)


def test_the_addon_gets_owner_version_and_values_once(host):
    step = operator()
    host.do(step.create)
    freed, call = host.changes()
    # the name that stood in while no GPUs were planned; the operator's own has another label
    assert freed == "microk8s kubectl delete runtimeclass --selector app.kubernetes.io/managed-by=sdg --ignore-not-found"
    assert call.startswith("microk8s enable nvidia --gpu-operator-driver host --gpu-operator-version v25.10.1 --gpu-operator-values ")
    assert json.loads(host.says("values")) == driver_values("host")
    assert not list(host.home.iterdir())
    host.do(step.create)
    assert host.changes() == []


def test_an_addon_that_helm_refused_fails_though_enabling_ends_well(host):
    host.has(broken="")
    assert "no GPU operator was installed" in host.refuses(operator().create)


def test_the_addon_is_disabled_once_and_leaves_no_namespace(host):
    host.has(**{"sdg.stack": STACK})
    step = operator("operator")
    host.do(step.create)
    host.changes()
    host.do(step.delete)
    host.do(step.delete)
    gone = "microk8s kubectl delete namespace gpu-operator-resources --ignore-not-found"
    kinds = f"microk8s kubectl delete customresourcedefinition {' '.join(GPU_OPERATOR_CRDS)} --ignore-not-found"
    assert host.changes() == ["microk8s disable nvidia", gone, kinds, gone, kinds]


def test_the_addon_of_a_microk8s_that_is_not_the_stacks_any_more_stays(host):
    host.has(channel=CHANNEL, **{"sdg.stack": STACK})
    step = operator()
    host.do(step.create)
    host.do(snap.adopted(STACK, "workstation").create)
    host.changes()
    host.do(step.delete)
    assert host.changes() == []
    assert host.says("operator") is not None


def test_another_owner_or_version_is_another_step():
    steps = [
        operator("host"),
        operator("operator"),
        operator("host", "v2"),
        operator("host", cluster="other"),
    ]
    assert len({step.triggers for step in steps}) == len(steps)


# quoting


@pytest.mark.parametrize("value", ["plain", "two words", "it's", '"$HOME" `id` $(id) \\', "a\nb", "; rm -rf x #", "*"])
def test_values_reach_the_shell_as_they_are(host, value):
    assert host.do(script('printf %s "$value"', value=value)) == value
    assert host.do(over_ssh(script('printf %s "$value"', value=value))) == value


def test_a_command_for_another_host_is_one_word_for_whatever_shell_is_there():
    assert shlex.split(over_ssh("echo 'a b'\n")) == ["exec", "sh", "-c", "echo 'a b'\n"]


def test_the_environment_of_this_test_is_not_the_hosts(host):
    assert os.environ["PATH"] not in host.do('printf %s "$PATH"')
