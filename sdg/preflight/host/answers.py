"""Reads what `probe.sh` printed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from sdg.forward.ports import Owner

_DF: Final = re.compile(r"\s(?P<blocks>\d+)\s+(?P<used>\d+)\s+(?P<available>\d+)\s+\d+%")
_FREE: Final = re.compile(r"^Mem:\s+(?P<mib>\d+)")
_MEMINFO: Final = re.compile(r"^MemTotal:\s+(?P<kib>\d+) kB")
_SNAPD: Final = re.compile(r"^snapd\s+(?P<version>\d+(\.\d+)+)")
_LISTENER: Final = re.compile(r"^LISTEN\s+\d+\s+\d+\s+\S+:(?P<port>\d+)\s")
_PROCESS: Final = re.compile(r'\(\("(?P<name>[^"]*)",pid=(?P<pid>\d+)')
_KIB_PER_GB: Final = 1e9 / 1024
_MIB_PER_KIB: Final = 1 / 1024


@dataclass(frozen=True, slots=True)
class Answers:
    """What a host said; None where it had no answer.

    Attributes:
        asked_last: the program that was asked when the answers ended; None when all have answered.
        sudo_refusal: why sudo asks for a password; empty when it does not.
        disk: GB free where it is least, in the user's home or where snaps keep their data.
        memory: MiB.
        listeners: who listens, by port; whose a socket is shows only to root and to its user.
        snapd: its version.
        microk8s: whether the snap is installed.
        installed_by: the stacks that marked it as theirs.
        gpus: the driver's version for each GPU.
        driver_refusal: what `nvidia-smi` said instead; None when it answers, or there is none.
        optix: whether the driver's OptiX denoiser is there, as a file.
    """

    asked_last: str | None
    system: str
    distribution: str
    sudo_refusal: str
    disk: float | None
    cores: int | None
    memory: float | None
    listeners: Mapping[int, Owner]
    snapd: str | None
    microk8s: bool
    installed_by: frozenset[str]
    gpus: tuple[str, ...]
    driver_refusal: str | None
    optix: bool


def parse(text: str) -> Answers:
    """Reads the `key=value` lines; what is cut off or makes no sense counts as not answered."""
    pairs = [(key, value.strip()) for line in text.splitlines() for key, equals, value in [line.partition("=")] if equals]
    said = {key: [value for _, value in group] for key, group in groupby(sorted(pairs, key=itemgetter(0)), key=itemgetter(0))}

    def first(key: str) -> str:
        return next((value for value in said.get(key, ()) if value), "")

    return Answers(
        asked_last=None if "done" in said else next((value for key, value in reversed(pairs) if key == "asking"), ""),
        system=first("system"),
        distribution=first("distribution"),
        sudo_refusal="" if first("sudo") else " ".join(said.get("sudo_refusal", ["it was not asked"])),
        disk=_disk(said.get("disk", ())),
        cores=int(first("cores")) if first("cores").isdigit() else None,
        memory=_memory(said.get("memory", ())),
        listeners=dict(_listeners(said.get("listener", ()))),
        snapd=_found(_SNAPD, said.get("snap", ()), "version"),
        microk8s="microk8s" in said,
        installed_by=frozenset(value for value in said.get("installed_by", ()) if value),
        gpus=tuple(value for value in said.get("gpu", ()) if value),
        driver_refusal=" ".join(said["nvidia_smi_refusal"]) if "nvidia_smi_refusal" in said else None,
        optix="optix" in said,
    )


def _found(pattern: re.Pattern[str], lines: Sequence[str], group: str) -> str | None:
    return next((match[group] for line in lines if (match := pattern.search(line))), None)


def _disk(lines: Sequence[str]) -> float | None:
    found = [int(match["available"]) for line in lines if (match := _DF.search(line))]
    return min(found) / _KIB_PER_GB if found else None


def _memory(lines: Sequence[str]) -> float | None:
    if mib := _found(_FREE, lines, "mib"):
        return float(mib)
    kib = _found(_MEMINFO, lines, "kib")
    return int(kib) * _MIB_PER_KIB if kib else None


def _listeners(lines: Sequence[str]) -> list[tuple[int, Owner]]:
    found = []
    for line in lines:
        if socket := _LISTENER.match(f"{line} "):
            process = _PROCESS.search(line)
            found.append((int(socket["port"]), Owner(int(process["pid"]), process["name"]) if process else Owner()))
    return found
