"""Run a program so that it and all that it starts can write and execute only what the virtual host's fence names.

This is Landlock, a part of the Linux kernel that needs no privileges (source: the kernel's `Documentation/userspace-api/landlock.rst`).
Without it (a kernel before 5.13, or another system) the program runs all the same, held by PATH and by the check of command lines alone.

Started as a script in a process of its own, `confine.py FOLDER PROGRAM ARGUMENT…`, since the restriction cannot be taken off again. Only
a few modules of the standard library are imported: this stands before every command.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import signal
import struct
import sys

DESCRIPTION = "fence.json"
"""File in the host's folder: what may be run and written besides the folder's own."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION, _PATH_BENEATH = 1, 1
_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38

_EXECUTE, _WRITE_FILE = 1 << 0, 1 << 1
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE = [1 << bit for bit in range(6, 13)]  # character devices, directories, files, sockets, pipes, block devices, links
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_CHANGES = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | sum(_MAKE)

_LOADERS = ("/lib/ld-*.so*", "/lib64/ld-*.so*", "/lib/*/ld-*.so*", "/usr/lib/*/ld-*.so*")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")


def available() -> int:
    """Return the version of the kernel's Landlock, 0 without one."""
    version: int = _kernel().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_GET_VERSION))
    return max(0, version)


def restrict(folder: str) -> None:
    """Restrict this process for good, as far as the kernel can.

    Raises:
        OSError: the kernel has Landlock and refuses all the same.
    """
    version = available()
    if not version:
        return
    changes = _CHANGES | (_REFER if version > 1 else 0) | (_TRUNCATE if version > 2 else 0)  # noqa: PLR2004 -- versions of Landlock
    ruleset = _checked(_kernel().syscall(_CREATE_RULESET, struct.pack("Q", _EXECUTE | changes), ctypes.c_size_t(8), ctypes.c_uint32(0)))
    of_files = _WRITE_FILE | (changes & _TRUNCATE)
    described = _described(folder)
    for path in {*_programs(folder), *described["run"]}:
        _allow(ruleset, path, _EXECUTE)
    for path in {*_folders(folder), *described["write"]}:
        _allow(ruleset, path, changes)
    for path in _DEVICES:
        _allow(ruleset, path, of_files)
    _checked(_kernel().prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_kernel().syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    os.close(ruleset)


def _described(folder: str) -> dict[str, list[str]]:
    with open(os.path.join(folder, DESCRIPTION), encoding="utf-8") as file:  # noqa: PTH118, PTH123 -- pathlib costs time
        described: dict[str, list[str]] = json.load(file)
    return described


def _programs(folder: str) -> set[str]:
    """Return the interpreters, and what stands in the host's `bin`, through its links."""
    own = [entry.path for entry in os.scandir(f"{folder}/bin")]
    loaders = [path for pattern in _LOADERS for path in glob.glob(pattern)]  # noqa: PTH207
    return {os.path.realpath(path) for path in ("/bin/sh", "/bin/bash", sys.executable, *own, *loaders)}


def _folders(folder: str) -> list[str]:
    """Return the host's folders but `bin`: no command may change what the next one runs."""
    return [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False) and entry.name != "bin"]


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = struct.pack("=Qi", rights, opened)
        _checked(_kernel().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0)))
    finally:
        os.close(opened)


def _kernel() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def main(folder: str, program: list[str]) -> None:
    """Become the program, inside the fence, and end when the process that asked for it ends."""
    _kernel().prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    restrict(folder)
    os.execv(program[0], program)  # noqa: S606 -- it has to become that program


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
