"""The host's programs on disk: one script under many names, so that the fence lets a name run that appears while a command does."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

from rehearsal.host import client, fence
from rehearsal.host.machine import Machine
from rehearsal.host.small import PROGRAMS
from rehearsal.host.snap import NAME

ALWAYS: Final = tuple(sorted({*PROGRAMS, "snap"} - {"nvidia-smi"}))
SOMETIMES: Final = ("microk8s", "nvidia-smi")
NEVER: Final = ("loginctl", "systemctl")
"""A rehearsal's host has no systemd of the user's."""


_COMMENT: Final = "# Stand-in of a rehearsal: it acts on a virtual host, and on nothing of this machine."


def install(folder: Path, machine: Machine) -> None:
    """Makes the host's folder, or completes it."""
    fence.prepare(folder)
    link(folder, machine)
    absent(folder).mkdir(mode=0o700, exist_ok=True)
    for name in (*SOMETIMES, *NEVER):
        _write(absent(folder) / name, f'#!/bin/sh\necho "{name}: not found" >&2\nexit 127\n')


def link(folder: Path, machine: Machine) -> None:
    """Makes callable what the machine has, and takes away what it has not."""
    there = {*ALWAYS, *(["nvidia-smi"] if machine.host.gpu else []), *([NAME] if NAME in machine.snaps else [])}
    first = folder / "bin" / ALWAYS[0]
    text = _script(folder)
    if not first.exists() or first.read_text() != text:
        for name in (*ALWAYS, *SOMETIMES):
            (folder / "bin" / name).unlink(missing_ok=True)
        _write(first, text)
    for name in (*ALWAYS, *SOMETIMES):
        program = folder / "bin" / name
        if name not in there:
            program.unlink(missing_ok=True)
        elif not program.exists():
            os.link(first, program)


def absent(folder: Path) -> Path:
    """Folder of programs that say that they are not there, for a shell whose PATH goes on to those of this machine."""
    return folder / "absent"


def _script(folder: Path) -> str:
    command = shlex.join([sys.executable, "-I", "-S", client.__file__, str(folder)])
    return f'#!/bin/sh\n{_COMMENT}\nexec {command} "${{0##*/}}" "$@"\n'


def _write(program: Path, text: str) -> None:
    staging = program.with_name(f".{program.name}.{os.getpid()}")
    staging.write_text(text)
    staging.chmod(0o700)
    staging.replace(program)
