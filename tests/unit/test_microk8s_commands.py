"""What is run on a host for MicroK8s: by a real shell, against programs that keep their state in files."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from rehearsal.host.command_lines import check
from sdg.catalog.gpu_driver import driver_values
from sdg.microk8s import gpu, running, snap
from sdg.microk8s.script import over_ssh, script

# each line of `calls` is one call; `sudo` says so, and refuses without -n
PROGRAMS = {
    "sudo": """
[ "$1" = -n ] || exit 9
shift
[ ! -e "$STATE/locked" ] || { echo 'sudo: a password is required' >&2; exit 1; }
AS_ROOT=yes exec "$@"
""",
    "snap": """
echo "snap $*" >>"$STATE/calls"
case "$1" in
list)
  [ -e "$STATE/channel" ] || { echo 'error: no matching snaps installed' >&2; exit 1; }
  echo 'Name      Version  Rev   Tracking     Publisher   Notes'
  echo "microk8s  v1.31.1  7300  $(cat "$STATE/channel")  canonical   classic"
  exit ;;
esac
[ "$AS_ROOT" = yes ] || { echo 'error: access denied' >&2; exit 1; }
case "$1" in
install)
  [ ! -e "$STATE/broken" ] || { echo 'error: cannot perform the following tasks' >&2; exit 1; }
  for word; do case "$word" in --channel=*) echo "${word#*=}" >"$STATE/channel" ;; esac; done
  [ ! -e "$STATE/killed" ] || exit 143 ;;
refresh) for word; do case "$word" in --channel=*) echo "${word#*=}" >"$STATE/channel" ;; esac; done ;;
get) [ "$3" = sdg.stack ] && cat "$STATE/mark" ;;
set) echo "${3#sdg.stack=}" >"$STATE/mark" ;;
unset) rm -f "$STATE/mark" ;;
remove) rm -f "$STATE/channel" "$STATE/mark" "$STATE/addons" ;;
esac
""",
    "microk8s": """
echo "microk8s $*" >>"$STATE/calls"
[ "$AS_ROOT" = yes ] || { echo 'Insufficient permissions to access MicroK8s.'; exit 1; }
case "$1" in
status)
  [ ! -e "$STATE/stopped" ] || { echo 'microk8s is not running. Use microk8s inspect for a deeper inspection.'; exit; }
  printf 'microk8s is running\\naddons:\\n'
  for addon in $(cat "$STATE/addons"); do echo "core/$addon: enabled"; done
  for addon in dns rbac minio; do grep -qx "$addon" "$STATE/addons" || echo "core/$addon: disabled"; done ;;
enable)
  [ "$2" = nvidia ] || { shift; printf '%s\\n' "$@" >>"$STATE/addons"; exit; }
  while [ $# -gt 0 ]; do [ "$1" != --gpu-operator-values ] || cp "$2" "$STATE/values"; shift; done
  [ -e "$STATE/broken" ] || touch "$STATE/operator" ;;
disable) rm -f "$STATE/operator" ;;
helm3)
  case "$2" in
  status) [ -e "$STATE/operator" ] ;;
  list) [ ! -e "$STATE/operator" ] || echo gpu-operator ;;
  esac ;;
kubectl) [ "$2" != get ] || cat "$STATE/default-class" ;;
config) echo "kubeconfig $2" ;;
esac
""",
    "nvidia-smi": """
[ -e "$STATE/driver" ] || { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9; }
cat "$STATE/driver"
""",
    "usermod": 'echo "usermod $*" >>"$STATE/calls"',
    "id": 'case "$1" in -un) echo ana ;; -nG) cat "$STATE/groups" ;; -u) cat "$STATE/uid" ;; esac',
}
TOOLS = ("cat", "cp", "grep", "mkdir", "mktemp", "rm", "touch", "true", "sh")
STACK, CHANNEL = "sdg/lab", "1.31/stable"


class Host:
    """A host whose programs are the ones above."""

    def __init__(self, folder: Path):
        self.state, self.bin, self.home = folder / "state", folder / "bin", folder / "home"
        for part in (self.state, self.bin, self.home):
            part.mkdir()
        for name, text in PROGRAMS.items():
            (self.bin / name).write_text(f"#!{shutil.which('sh')}\n{text}")
            (self.bin / name).chmod(0o755)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.has(addons="ha-cluster\nhelm3\n", groups="ana adm\n", uid="1000\n", **{"default-class": ""})

    def has(self, **files):
        for name, text in files.items():
            (self.state / name).write_text(text)

    def lacks(self, *names):
        for name in names:
            (self.state / name).unlink(missing_ok=True)

    def says(self, name):
        path = self.state / name
        return path.read_text().strip() if path.exists() else None

    def run(self, command):
        environment = {"PATH": str(self.bin), "HOME": str(self.home), "STATE": str(self.state), "TMPDIR": str(self.home), "AS_ROOT": ""}
        return subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)

    def do(self, command):
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, command):
        done = self.run(command)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def changes(self):
        """The calls so far that change something, in order; forgets them."""
        calls = (self.says("calls") or "").splitlines()
        self.lacks("calls")
        looks = ("snap list", "snap get", "snap watch", "microk8s status", "microk8s helm3", "microk8s kubectl get")
        return [call for call in calls if not call.startswith(looks)]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def installed(channel=CHANNEL, stack=STACK):
    return snap.installed(stack, "workstation", channel)


ADDONS = ("dns", "hostpath-storage", "helm3", "rbac")
EVERY = [
    installed(),
    snap.adopted(STACK, "workstation"),
    running.member("microk8s"),
    running.running(("a",)),
    running.addons(ADDONS),
    running.complete(ADDONS, ("a",)),
    running.default_class("microk8s-hostpath"),
    running.kubeconfig(here=True),
    gpu.driver(525),
    gpu.operator("host", "v25.10.1", "workstation"),
]


@pytest.mark.parametrize("step", EVERY)
def test_no_command_waits_for_a_password_or_names_a_place_of_this_machine(step, tmp_path):
    for command in (step.create, step.update, step.delete):
        check(command, tmp_path)


# the snap


def test_a_bare_host_gets_the_channel_and_the_mark(host):
    host.do(installed().create)
    assert host.changes() == ["snap install microk8s --classic --channel=1.31/stable", "snap set microk8s sdg.stack=sdg/lab"]
    assert host.says("mark") == STACK


def test_a_second_update_changes_nothing(host):
    host.do(installed().create)
    host.changes()
    host.do(installed().update)
    host.do(installed().create)
    assert host.changes() == []


def test_a_strict_channel_is_installed_without_classic(host):
    host.do(installed("1.31-strict/stable").create)
    assert host.changes()[0] == "snap install microk8s --channel=1.31-strict/stable"
    assert (snap.group("1.31-strict/stable"), snap.group(CHANNEL)) == ("snap_microk8s", "microk8s")


def test_what_something_else_installed_is_neither_taken_nor_removed(host):
    host.has(channel="1.31/stable\n")
    said = host.refuses(installed().create)
    assert "sdg:cluster.adopt" in said
    assert "something other than a stack of this program" in said
    host.do(installed().delete)
    assert host.changes() == []
    assert host.says("channel")


def test_what_another_stack_installed_is_named_and_left(host):
    host.do(installed(stack="sdg/other").create)
    host.changes()
    assert "installed on this host already, by sdg/other, not by sdg/lab" in host.refuses(installed().create)
    assert "stays on this host" in host.run(installed().delete).stderr
    assert host.changes() == []


def test_an_update_that_was_killed_between_installation_and_mark_goes_on(host):
    host.has(killed="")
    assert host.run(installed().create).returncode == 143
    assert host.says("mark") is None
    host.lacks("killed")
    host.changes()
    host.do(installed().create)
    assert host.changes() == ["snap set microk8s sdg.stack=sdg/lab"]


def test_what_a_killed_update_began_is_removed_too(host):
    host.has(killed="")
    host.run(installed().create)
    host.do(installed().delete)
    assert host.says("channel") is None


def test_a_failed_installation_says_snaps_own_words_and_can_be_repeated(host):
    host.has(broken="")
    assert "cannot perform the following tasks" in host.refuses(installed().create)
    host.lacks("broken")
    host.do(installed().create)
    assert host.says("mark") == STACK


def test_an_installation_after_a_begun_one_that_came_to_nothing_is_not_taken_for_ours(host):
    host.do(installed().create)
    host.do(installed().delete)
    host.has(channel="1.31/stable\n")
    assert "sdg:cluster.adopt" in host.refuses(installed().create)


def test_removal_purges_and_is_done_once(host):
    host.do(installed().create)
    host.changes()
    host.do(installed().delete)
    host.do(installed().delete)
    assert host.changes() == ["snap remove microk8s --purge"]


def test_another_channel_is_followed(host):
    host.do(installed().create)
    host.changes()
    host.do(installed("1.32/stable").update)
    assert host.changes() == ["snap refresh microk8s --channel=1.32/stable"]


@pytest.mark.parametrize(
    ("channel", "sentence"), [("1.30/stable", "cannot go back from 1.31/stable"), ("1.33/stable", "one minor version at a time")]
)
def test_a_channel_that_the_cluster_would_not_survive_is_refused(host, channel, sentence):
    host.do(installed().create)
    host.changes()
    assert sentence in host.refuses(installed(channel).update)
    assert host.changes() == []


def test_a_channel_whose_name_is_cut_off_in_the_list_is_known(host):
    host.do(installed("1.31-strict/candidate").create)
    host.has(channel="1.31-strict/cand…\n")
    host.changes()
    host.do(installed("1.31-strict/candidate").update)
    assert host.changes() == []


def test_a_password_for_sudo_is_said_as_that(host):
    host.has(locked="", channel="1.31/stable\n")
    assert "sudo asks for a password" in host.refuses(installed().create)


def test_adoption_leaves_what_is_there(host):
    host.has(channel="1.31/stable\n")
    host.do(snap.adopted(STACK, "workstation").create)
    assert host.changes() == []


def test_what_a_stack_installed_and_then_adopted_is_not_removed_by_it(host):
    host.do(installed().create)
    host.do(snap.adopted(STACK, "workstation").create)
    host.do(installed().delete)
    assert host.says("channel") == CHANNEL


def test_nothing_to_adopt_is_an_error(host):
    assert "no MicroK8s on this host to adopt" in host.refuses(snap.adopted(STACK, "workstation").create)


# once it is installed


def test_the_login_user_joins_the_group_once(host):
    host.do(running.member("microk8s").create)
    assert host.changes() == ["usermod --append --groups microk8s ana"]
    host.has(groups="ana adm microk8s\n")
    host.do(running.member("microk8s").create)
    assert host.changes() == []


def test_root_needs_no_group(host):
    host.has(uid="0\n")
    host.do(running.member("microk8s").create)
    assert host.changes() == []


def test_a_cluster_that_does_not_come_up_fails_though_status_ends_well(host):
    host.has(stopped="")
    said = host.refuses(running.running(()).create)
    assert "MicroK8s does not run after 300 s" in said
    assert "microk8s is not running" in said
    assert "sudo microk8s inspect" in said


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
    step = gpu.operator("host", "v25.10.1", "workstation")
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
    assert "no GPU operator was installed" in host.refuses(gpu.operator("host", "v25.10.1", "workstation").create)


def test_the_addon_is_disabled_once_and_leaves_no_namespace(host):
    step = gpu.operator("operator", "v25.10.1", "workstation")
    host.do(step.create)
    host.changes()
    host.do(step.delete)
    host.do(step.delete)
    gone = "microk8s kubectl delete namespace gpu-operator-resources --ignore-not-found"
    assert host.changes() == ["microk8s disable nvidia", gone, gone]


def test_another_owner_or_version_is_another_step():
    steps = [
        gpu.operator("host", "v1", "w"),
        gpu.operator("operator", "v1", "w"),
        gpu.operator("host", "v2", "w"),
        gpu.operator("host", "v1", "x"),
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
