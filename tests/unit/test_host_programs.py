"""Programs of the virtual host: what the real ones would say and refuse, in their words and with their exit codes."""

from __future__ import annotations

import json

import pytest

from rehearsal.host import snap
from rehearsal.host.calls import Answer, Call, Host
from rehearsal.host.machine import DRIVER, Machine, load, save
from rehearsal.host.microk8s import MicroK8s
from rehearsal.host.small import PROGRAMS
from rehearsal.host.snap import Snapd

CHANNEL = "--channel=1.31/stable"


class FakeCluster:
    """A cluster that keeps what it is told."""

    def __init__(self):
        self.running, self.applied, self.tools = True, [], []
        self.helm = Answer("deployed\n")

    def ready(self):
        return self.running

    def kubeconfig(self):
        return "kind: Config\n"

    def apply(self, manifest):
        self.applied.append((manifest["kind"], manifest["metadata"]["name"]))

    def delete(self, manifest):
        self.applied.remove((manifest["kind"], manifest["metadata"]["name"]))

    def tool(self, name, arguments, stdin=""):
        self.tools.append((name, arguments, stdin))
        return self.helm


class Workstation:
    """A host with its programs, called as a shell would."""

    def __init__(self, folder, *sizes):
        self.faults, self.log = {}, []
        self.file = folder / "machine.json"
        self.machine = Machine(dict.fromkeys(sizes or ("local-cpu",), 1))
        host = Host(self.machine, lambda: save(self.machine, self.file), self.faults.get, folder)
        self.host, self.cluster = host, FakeCluster()
        self.snapd = Snapd(host, lambda: self.log.append("started"), lambda: self.log.append("removed"))

    def __call__(self, line, *, root=False):
        program, *arguments = line.split()
        call = Call(program, tuple(arguments), root)
        if program == "snap":
            return self.snapd.answer(call)
        if program == "microk8s":
            return MicroK8s(self.host, self.cluster).answer(call)
        return PROGRAMS[program](call, self.host)

    def install(self):
        assert self(f"snap install microk8s --classic {CHANNEL}", root=True).code == 0
        return self


@pytest.fixture
def host(tmp_path):
    return Workstation(tmp_path)


@pytest.fixture
def installed(host):
    return host.install()


# snap


def test_a_snap_that_is_not_installed_is_not_listed(host):
    listed = host("snap list microk8s")
    assert (listed.code, listed.err) == (1, "error: no matching snaps installed\n")


def test_without_root_nothing_is_installed(host):
    refused = host(f"snap install microk8s --classic {CHANNEL}")
    assert (refused.code, refused.err) == (1, "error: access denied (try with sudo)\n")
    assert not host.log


def test_microk8s_is_not_installed_without_classic(host):
    refused = host(f"snap install microk8s {CHANNEL}", root=True)
    assert refused.code == 1
    assert refused.err.endswith("repeat the command including --classic.\n")


def test_a_strict_channel_needs_no_classic(host):
    assert host("snap install microk8s --channel=1.31-strict/stable", root=True).code == 0


def test_a_channel_that_does_not_exist_names_those_that_do(host):
    refused = host("snap install microk8s --classic --channel=9.9/stable", root=True)
    assert refused.code == 1
    assert "not available on 9.9/stable but is available to install on the following" in refused.err
    assert "1.31/stable  snap install --channel=1.31/stable microk8s" in refused.err


def test_an_installed_snap_is_listed_with_its_channel_and_the_cluster_comes_up(installed):
    assert installed.log == ["started"]
    row = installed("snap list microk8s").out.splitlines()[1].split()
    assert row[0] == "microk8s"
    assert row[3:] == ["1.31/stable", "canonical✓", "classic"]


def test_installing_again_changes_nothing_and_ends_well(installed):
    again = installed("snap install microk8s --classic --channel=1.32/stable", root=True)
    assert (again.code, again.err) == (0, "snap \"microk8s\" is already installed, see 'snap help refresh'\n")
    assert installed.log == ["started"]
    assert installed.machine.snaps["microk8s"].channel == "1.31/stable"


def test_refresh_follows_another_channel(installed):
    assert installed("snap refresh microk8s --channel=1.32/stable", root=True).code == 0
    assert "1.32/stable" in installed("snap list microk8s").out
    assert "no updates available" in installed("snap refresh microk8s --channel=1.32/stable", root=True).err


def test_what_is_set_on_a_snap_goes_with_it(installed):
    assert installed("snap get microk8s sdg.stack", root=True).code == 1
    installed("snap set microk8s sdg.stack=sdg/one", root=True)
    assert installed("snap get microk8s sdg.stack", root=True).out == "sdg/one\n"
    installed("snap remove microk8s --purge", root=True)
    installed.install()
    assert installed("snap get microk8s sdg.stack", root=True).code == 1


def test_removing_takes_cluster_and_addons_along(installed):
    installed("microk8s enable dns", root=True)
    removed = installed("snap remove microk8s --purge", root=True)
    assert removed.out == "microk8s removed\n"
    assert installed.log == ["started", "removed"]
    assert not installed.machine.addons
    assert not installed.machine.snapshots


def test_removing_without_purge_keeps_a_snapshot(installed):
    assert "snap data snapshot saved" in installed("snap remove microk8s", root=True).out
    assert "microk8s" in installed("snap saved").out


def test_removing_what_is_not_there_ends_well(host):
    removed = host("snap remove microk8s --purge", root=True)
    assert (removed.code, removed.err) == (0, 'snap "microk8s" is not installed\n')


def test_an_installation_can_be_made_to_fail(host):
    host.faults["host.snap"] = {"message": "unable to contact snap store"}
    refused = host(f"snap install microk8s --classic {CHANNEL}", root=True)
    assert (refused.code, refused.err) == (1, "error: unable to contact snap store\n")
    assert not host.machine.snaps


def test_a_machine_is_the_same_after_it_was_stored(installed):
    installed("snap set microk8s sdg.stack=x", root=True)
    assert load(installed.file) == installed.machine


# microk8s


def test_without_sudo_microk8s_refuses_and_says_how_to_join_its_group(installed):
    refused = installed("microk8s status")
    assert refused.code == 1
    assert refused.out.startswith("Insufficient permissions to access MicroK8s.")


def test_membership_counts_from_the_next_login_on(installed):
    assert installed("usermod --append --groups microk8s user").code == 1
    assert installed("usermod --append --groups microk8s user", root=True).code == 0
    assert installed.machine.members == ["user"]
    assert installed("microk8s status").code == 1


def test_membership_ends_once(installed):
    assert installed("gpasswd --delete user microk8s", root=True).code == 3
    installed("usermod --append --groups microk8s user", root=True)
    assert installed("gpasswd --delete user microk8s").code == 1
    assert installed("gpasswd --delete user microk8s", root=True).code == 0
    assert installed.machine.members == []


def test_status_ends_well_even_when_nothing_runs(installed):
    installed.cluster.running = False
    stopped = installed("microk8s status --wait-ready --timeout 0.2 --format short", root=True)
    assert (stopped.code, stopped.out) == (0, "microk8s is not running. Use microk8s inspect for a deeper inspection.\n")


def test_status_lists_addons(installed):
    installed("microk8s enable dns", root=True)
    short = installed("microk8s status --format short", root=True).out.splitlines()
    assert short[:2] == ["microk8s is running", "addons:"]
    assert {"core/dns: enabled", "core/helm3: enabled", "core/rbac: disabled"} <= set(short)
    assert "  - name: dns\n    repository: core\n" in installed("microk8s status --format yaml", root=True).out


def test_a_cluster_can_be_kept_from_running(installed):
    installed.faults["host.microk8s"] = {}
    assert "is not running" in installed("microk8s status --wait-ready --timeout 0.2", root=True).out


def test_an_addon_makes_its_objects_and_disabling_takes_them_back(installed):
    enabled = installed("microk8s enable hostpath-storage", root=True)
    assert enabled.code == 0
    assert ("StorageClass", "microk8s-hostpath") in installed.cluster.applied
    installed("microk8s disable hostpath-storage", root=True)
    assert not installed.cluster.applied


def test_several_addons_in_one_call_are_enabled_with_a_warning(installed):
    enabled = installed("microk8s enable dns rbac helm3", root=True)
    assert enabled.out.startswith("WARNING: Do not enable or disable multiple addons in one command.")
    assert "Addon core/helm3 is already enabled" in enabled.out
    assert {"dns", "rbac"} <= set(installed.machine.addons)


def test_an_unknown_addon_is_refused(installed):
    refused = installed("microk8s enable foo", root=True)
    assert (refused.code, refused.err) == (1, "Addon foo was not found in any repository\n")


def test_an_addon_that_nobody_rehearsed_is_not_pretended(installed):
    assert installed("microk8s enable ingress", root=True).code == 2
    assert "ingress" not in installed.machine.addons


def test_an_unknown_subcommand_is_refused(installed):
    assert installed("microk8s foo", root=True).err.startswith("'foo' is not a valid MicroK8s subcommand.")


def test_the_gpu_addon_installs_the_operators_chart_with_its_values(installed):
    values = installed.file.with_name("values.json")
    values.write_text("{}")
    line = f"microk8s enable nvidia --gpu-operator-driver host --gpu-operator-version v1 --gpu-operator-values {values}"
    enabled = installed(line, root=True)
    assert enabled.code == 0
    name, arguments, stdin = installed.cluster.tools[0]
    assert (name, arguments[:3]) == ("helm", ("install", "gpu-operator", "gpu-operator"))
    assert {"--version=v1", "--namespace=gpu-operator-resources", str(values)} <= set(arguments)
    assert json.loads(stdin)["driver"] == {"enabled": False}
    assert {"dns", "nvidia"} <= set(installed.machine.addons)


def test_the_gpu_addon_ends_well_although_helm_failed(installed):
    installed.cluster.helm = Answer(err="Error: open values.json: no such file or directory\n", code=1)
    enabled = installed("microk8s enable nvidia --gpu-operator-driver host --gpu-operator-values values.json", root=True)
    assert enabled.code == 0
    assert "no such file" in enabled.err
    assert "nvidia" not in installed.machine.addons


def test_the_gpu_addon_reads_no_file_of_this_machine(installed):
    installed("microk8s enable nvidia --gpu-operator-values /etc/hostname", root=True)
    assert "/etc/hostname" not in installed.cluster.tools[0][1]


def test_the_gpu_addon_refuses_an_option_that_it_does_not_know(installed):
    refused = installed("microk8s enable nvidia --foo bar", root=True)
    assert refused.code == 2
    assert "No such option: --foo" in refused.err


# the rest


@pytest.mark.parametrize("line", ["sudo -n true", "sudo --non-interactive -- true", "sudo -n FOO=bar true"])
def test_sudo_becomes_what_it_runs(host, line):
    assert host(line).run == ("true",)


@pytest.mark.parametrize("line", ["sudo true", "sudo -S true"])
def test_sudo_that_might_ask_is_refused(host, line):
    assert host(line).code != 0
    assert not host(line).run


def test_sudo_can_be_made_to_want_a_password(host):
    host.faults["host.sudo"] = {}
    refused = host("sudo -n true")
    assert (refused.code, refused.err) == (1, "sudo: a password is required\n")


def test_the_driver_answers_once_per_gpu(tmp_path):
    host = Workstation(tmp_path, "local-cpu", "local-2x-rtx-6000-ada")
    asked = host("nvidia-smi --query-gpu=driver_version,name --format=csv,noheader")
    assert asked.out == f"{DRIVER}, NVIDIA RTX 6000 Ada Generation\n" * 2


@pytest.mark.parametrize(("fault", "code", "said"), [({"version": "470.1"}, 0, "470.1\n"), ({}, 9, "couldn't communicate")])
def test_the_driver_can_be_old_or_missing(tmp_path, fault, code, said):
    host = Workstation(tmp_path, "local-rtx-6000-ada")
    host.faults["host.driver"] = fault
    asked = host("nvidia-smi --query-gpu=driver_version --format=csv,noheader")
    assert asked.code == code
    assert said in asked.out


def test_the_drivers_denoiser_is_there_where_the_driver_is(tmp_path):
    line = "find -L /usr/share/nvidia/nvoptix.bin -type f"
    host = Workstation(tmp_path, "local-rtx-6000-ada")
    assert host(line).out == "/usr/share/nvidia/nvoptix.bin\n"
    host.faults["host.optix"] = {}
    assert (host(line).code, host(line).out) == (1, "")
    assert Workstation(tmp_path, "local-cpu")(line).code == 1


def test_the_host_is_the_machine_with_gpus(tmp_path):
    assert Workstation(tmp_path, "local-cpu", "local-2x-rtx-6000-ada")("nproc").out == "48\n"


def test_disk_is_told_in_posix_form_and_can_be_full(host):
    host.faults["host.disk"] = {"freeGiB": 5}
    lines = host("df -Pk /var").out.splitlines()
    assert len(lines) == 2
    assert int(lines[1].split()[3]) == 5 * 1024 * 1024


def test_sockets_show_their_owner_to_root_alone(host):
    host.faults["host.port"] = {"port": 16443, "process": "haproxy"}
    assert ":16443" in host("ss -Hltnp").out
    assert "haproxy" not in host("ss -Hltnp").out
    assert "haproxy" in host("ss -Hltnp", root=True).out


def test_microk8s_listens_once_it_is_installed(host):
    assert ":16443" not in host("ss -Hltn").out
    assert ":16443" in host.install()("ss -Hltn").out


@pytest.mark.parametrize("line", ["df -h", "free -h", "ss -u", "uname --foo", "lsb_release -x", "nvidia-smi -q", "find / -name x"])
def test_what_a_stand_in_does_not_know_it_does_not_pretend(host, line):
    host.machine.sizes = {"local-rtx-6000-ada": 1}
    assert host(line).code == 2


def test_every_track_has_a_revision():
    assert len({snap.revision(snap.Snap(f"{track}/stable")) for track in snap.TRACKS}) == len(snap.TRACKS)
