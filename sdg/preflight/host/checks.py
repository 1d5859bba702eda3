"""Judges what a host said. Pure: every fact comes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from sdg.catalog.host_requirements import Part, host_requirements
from sdg.catalog.versions import versions
from sdg.osmo.values import OPTIX_PATH, gets_optix
from sdg.preflight.host.answers import Answers
from sdg.preflight.model import Finding, capital
from sdg.settings.cluster import MicroK8s
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.osmo import InClusterDatabase, InClusterRedis, Osmo
from sdg.settings.platform import GpuOperator, MinioStore, Platform
from sdg.settings.rules import Sections
from sdg.settings.smoke import Smoke
from sdg.spec import VERIFY_GPU, VERIFY_HELLO
from sdg.spec.verify import requested

_GB_PER_MIB = 1024**2 / 1e9


@dataclass(frozen=True, slots=True)
class WantedHost:
    """What is to be put on the host.

    Attributes:
        owner: project and stack, as the mark of an installation says it.
        host: the host, as sentences name it.
    """

    cluster: MicroK8s
    sections: Sections
    owner: str
    host: str

    @property
    def one_node(self) -> bool:
        """Whether everything has to fit on this host."""
        return self.cluster.min_nodes == 1


def findings(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    """Every check that fails, in no particular order."""
    if answers.system != "Linux":
        yield Finding.of("system", f"The system of {wanted.host} is {answers.system or 'unknown'}; needed is Linux.")
        return
    yield from _unanswered(wanted, answers)
    if answers.distribution.lower() != "ubuntu":
        yield Finding.of(
            "distribution", f"The distribution of {wanted.host} is {answers.distribution or 'unknown'}; Ubuntu is recommended."
        )
    if answers.sudo_refusal:
        yield Finding.of("sudo", f"sudo asks for a password on {wanted.host} ({answers.sudo_refusal}), and nobody is there to type it.")
    yield from _snapd(wanted, answers)
    yield from _microk8s(wanted, answers)
    yield from _disk(wanted, answers)
    yield from _size(wanted, answers)
    yield from _ports(wanted, answers)
    yield from _gpus(wanted, answers)


def _unanswered(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    asked = {"df": answers.disk, "nproc": answers.cores, "free": answers.memory}
    if silent := [program for program, answer in asked.items() if answer is None]:
        yield Finding("host", f"{capital(wanted.host)} has no answer from {', '.join(silent)}.", "See what they print there.")


def _snapd(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    least = host_requirements().snapd
    if answers.snapd is None:
        yield Finding.of("snapd", f"snapd is not installed on {wanted.host}; needed is {least} or newer.")
    elif Version(answers.snapd) < Version(least):
        yield Finding.of("snapd", f"snapd on {wanted.host} is {answers.snapd}; needed is {least} or newer.")


def _microk8s(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    if wanted.cluster.adopt and not answers.microk8s:
        yield Finding(
            "microk8s", f"There is no MicroK8s on {wanted.host} to adopt.", "Set sdg:cluster.adopt to false, and the stack installs one."
        )
    # without sudo nobody tells whose it is; that is an error of its own
    foreign = answers.microk8s and not answers.sudo_refusal and wanted.owner not in answers.installed_by
    if foreign and not wanted.cluster.adopt:
        by = " and ".join(sorted(answers.installed_by)) or "something that is no stack"
        yield Finding(
            "microk8s",
            f"MicroK8s is installed on {wanted.host} already, by {by}, not by {wanted.owner}.",
            "Set sdg:cluster.adopt to true to use it as it is, and destroy will leave it; or remove it: `sudo snap remove microk8s`.",
        )


def _disk(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    disk = host_requirements().disk
    if answers.disk is None:
        return
    has = f"{capital(wanted.host)} has {answers.disk:.0f} GB of free disk space where it is least, in the user's home or in /var/snap"
    if disk.least and answers.disk < disk.least and not answers.microk8s:
        yield Finding.of("disk", f"{has}; needed are {disk.least} GB.")
    elif answers.disk < disk.recommended:
        yield Finding.of("disk-recommended", f"{has}; recommended are {disk.recommended} GB.")


def _size(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    requirements = host_requirements()
    cores, memory = needs(wanted.sections) if wanted.one_node else (0.0, 0.0)
    if answers.cores is not None:
        has = f"{capital(wanted.host)} has {_count(answers.cores, 'core')}"
        if answers.cores < cores:
            yield Finding.of("cores", f"{has}; the pods ask for {cores:.2f}.")
        elif answers.cores < requirements.cores.recommended:
            yield Finding.of("cores-recommended", f"{has}; recommended are {requirements.cores.recommended}.")
    if answers.memory is not None:
        gigabytes = answers.memory * _GB_PER_MIB
        has = f"{capital(wanted.host)} has {gigabytes:.1f} GB of memory"
        if answers.memory < memory:
            yield Finding.of("memory", f"{has}; the pods ask for {memory * _GB_PER_MIB:.1f} GB.")
        elif gigabytes < requirements.memory.recommended:
            yield Finding.of("memory-recommended", f"{has}; recommended are {requirements.memory.recommended} GB.")


def needs(sections: Sections) -> tuple[float, float]:
    """CPUs and MiB that the pods of a stack ask for at least: those of its own parts, and its largest smoke workflow's."""
    osmo, platform = sections.get("osmo") or Osmo(), sections.get("platform") or Platform()
    parts: list[Part] = ["service", "operator", "sidecar"]
    parts += ["database"] if isinstance(osmo.database, InClusterDatabase) else []
    parts += ["redis"] if isinstance(osmo.redis, InClusterRedis) else []
    parts += ["object_store"] if isinstance(platform.object_store, MinioStore) else []
    gpus = getattr(sections.get("cluster"), "gpus", 0)
    names = [VERIFY_HELLO, *([VERIFY_GPU] if (sections.get("smoke") or Smoke()).runs_gpu(gpus) else [])]
    cpu, memory = max(requested(name) for name in names)
    requests = [host_requirements().requests[part] for part in parts]
    return cpu + sum(request.cpu for request in requests), memory + sum(request.memory for request in requests)


def _ports(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    requirements = host_requirements()
    for port in requirements.ports:
        holder = answers.listeners.get(port)
        if holder is None or holder.name in requirements.own_processes or (answers.microk8s and not holder.name):
            continue
        yield Finding.of("port", f"Port {port} on {wanted.host} is taken by {holder}; MicroK8s listens there.")


def _gpus(wanted: WantedHost, answers: Answers) -> Iterator[Finding]:
    planned = wanted.cluster.gpus
    platform = wanted.sections.get("platform")
    plan = gpu_operator_plan(platform.gpu_operator if platform else GpuOperator(), cluster=wanted.cluster.kind, gpus=planned)
    yield from _denoiser(wanted, answers, host_driver=plan.driver == "host")
    if not plan.install:
        return
    if plan.driver == "operator":
        if answers.gpus:
            yield Finding(
                "gpu-driver",
                f"{capital(wanted.host)} has a GPU driver already ({answers.gpus[0]}), and sdg:platform.gpuOperator.driver is operator.",
                "Set it to host, or remove the host's driver (`sudo apt-get purge 'nvidia-driver-*'`) and restart.",
            )
        return
    if wrong := _driver_problem(wanted.host, answers):
        remedy = "Install a newer one (`sudo ubuntu-drivers install`) and restart, or set sdg:platform.gpuOperator.driver to operator."
        yield Finding("gpu-driver", wrong, remedy)
    elif wanted.one_node and len(answers.gpus) < planned:
        seen = f"{capital(wanted.host)} has {_count(len(answers.gpus), 'GPU')}, and sdg:cluster.gpus plans {planned}."
        yield Finding("gpu-driver", seen, "Plan as many as nvidia-smi lists, or more nodes (sdg:cluster.minNodes).")


def _denoiser(wanted: WantedHost, answers: Answers, *, host_driver: bool) -> Iterator[Finding]:
    """Without a driver there is no file of it either, and that is told already."""
    pods = (wanted.sections.get("osmo") or Osmo()).pods
    mounted = wanted.cluster.gpus > 0 and gets_optix(pods, host_driver=host_driver)
    if mounted and not answers.optix and (answers.gpus or not host_driver):
        yield Finding.of("optix", f"{capital(wanted.host)} has no file {OPTIX_PATH}, which pods with GPUs would mount and wait for.")


def _driver_problem(host: str, answers: Answers) -> str | None:
    least = versions().microk8s.gpu_driver
    needed = f"needed is version {least} or newer"
    if answers.driver_refusal is not None:
        return f"The GPU driver of {host} does not answer ({answers.driver_refusal}); {needed}."
    if not answers.gpus:
        return f"nvidia-smi on {host} is missing or lists no GPU; {needed} of the driver."
    old = [version for version in answers.gpus if not version.partition(".")[0].isdigit() or int(version.partition(".")[0]) < least]
    return f"The GPU driver of {host} is {old[0]}; {needed}." if old else None


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
