"""The fence around commands: they run on the rehearsal's virtual host, a folder, and nowhere else.

    bin/    the one entry of PATH: harmless programs of this machine as links, and stand-ins for snap, microk8s, sudo and others
    home/   HOME, and where commands start
    state/  what stand-ins remember
    tmp/    TMPDIR

Three things hold a command in. PATH, HOME and TMPDIR point into the folder, and nothing else of the environment is passed on. A command
line that names a place outside is refused before it runs (`rehearsal.host.command_lines`). And where the kernel has Landlock, what a
command starts can write and execute only what the fence names (`rehearsal.host.confine`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rehearsal.host import command_lines, confine
from rehearsal.host.command_lines import CommandRefused

HOST_VARIABLE = "SDG_REHEARSAL_HOST"
"""Names the folder, for the Command plugin and for stand-ins."""

HARMLESS = (
    *("[", "awk", "base64", "basename", "bash", "cat", "chmod", "cmp", "cp", "cut", "date", "dirname", "echo", "env", "expr", "false"),
    *("grep", "head", "id", "install", "ln", "ls", "mkdir", "mktemp", "mv", "printf", "pwd", "readlink", "rm", "rmdir", "sed", "seq"),
    *("sh", "sha256sum", "sleep", "sort", "stat", "tail", "tee", "test", "timeout", "touch", "tr", "true", "uniq", "wc", "xargs"),
)
"""Programs of this machine that commands may use: they do nothing but to files, and those are the host's."""

_PARTS = ("bin", "home", "state", "tmp")
_OWN = {"HOME", "PATH", "TMPDIR", HOST_VARIABLE}
_LOADING = ("BASH_", "DYLD_", "LD_", "PYTHON", "SHELLOPTS", "ENV", "IFS")
_SHELLS = ("sh", "bash")


def prepare(folder: Path, may_run: Iterable[Path] = (), may_write: Iterable[Path] = ()) -> None:
    """Make the host's folder, or complete it; what stands in `bin` already stays, unless it is a link to something that is gone.

    Args:
        folder: the host's folder.
        may_run: programs outside `bin` that stand-ins start by their path, such as a tool of the cache.
        may_write: folders outside the host that stand-ins write to.

    Raises:
        FileNotFoundError: this machine has no `sh`.
    """
    for part in _PARTS:
        (folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in HARMLESS:
        _link(folder / "bin" / name)
    if not (folder / "bin" / "sh").exists():
        raise FileNotFoundError("a rehearsal's host needs `sh`, which is not on PATH")
    described = {"run": [str(path.resolve()) for path in may_run], "write": [str(path.resolve()) for path in may_write]}
    temporary = folder / f".{confine.DESCRIPTION}.{os.getpid()}"
    temporary.write_text(json.dumps(described), encoding="utf-8")
    temporary.replace(folder / confine.DESCRIPTION)


def existing(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of the virtual host that an environment names; None without one, or before it is prepared."""
    folder = Path(environment.get(HOST_VARIABLE, ""))
    return folder.resolve() if folder.is_absolute() and (folder / "bin" / "sh").exists() else None


def refuse_escapes(folder: Path, command: str) -> None:
    """Refuse a command line that could leave the host.

    Raises:
        CommandRefused: with the word that leads out.
    """
    command_lines.check(command, folder)


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a command.

    Raises:
        CommandRefused: a given variable moves the fence or loads code.
    """
    for name in given:
        if name in _OWN or name.startswith(_LOADING):
            raise CommandRefused(f"the variable {name} is the virtual host's own and cannot be set")
    host = {
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "PATH": str(folder / "bin"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "tmp"),
        HOST_VARIABLE: str(folder),
    }
    return host | dict(given)


def directory(folder: Path, given: str | None) -> Path:
    """Return where a command starts.

    Raises:
        CommandRefused: the given directory is not below the host's home.
    """
    home = folder / "home"
    wanted = (home / (given or ".")).resolve()
    if not wanted.is_relative_to(home.resolve()):
        raise CommandRefused(f"the directory {given} is outside the virtual host's home")
    return wanted


def arguments(folder: Path, command: str, interpreter: Sequence[str] = ()) -> list[str]:
    """Return what to execute so that an interpreter runs a command line inside the fence.

    Raises:
        CommandRefused: the interpreter is no shell of the host, or the command line could leave it.
    """
    shell = _interpreter(folder, interpreter)
    refuse_escapes(folder, command)
    return [sys.executable, "-I", "-S", confine.__file__, str(folder), *shell, command]


def _interpreter(folder: Path, given: Sequence[str]) -> list[str]:
    if not given:
        return ["/bin/sh", "-c"]  # by this path, since it is part of the shell's own error messages
    name = Path(given[0]).name
    if name not in _SHELLS or given[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"}:
        raise CommandRefused(f"the interpreter {given[0]} is none of {', '.join(_SHELLS)}")
    if any(not argument.startswith("-") for argument in given[1:]):
        raise CommandRefused(f"the interpreter {' '.join(given)} has arguments that are no options")
    path = given[0] if given[0] != name else str(folder / "bin" / name)
    return [path, *given[1:]]


def _link(link: Path) -> None:
    if link.exists():
        return
    link.unlink(missing_ok=True)
    found = shutil.which(link.name, path=os.pathsep.join(["/usr/bin", "/bin", os.environ.get("PATH", "")]))
    if found:
        # resolved: what is found may itself be reached over links, such as those of /etc/alternatives
        link.symlink_to(Path(found).resolve())
