"""Asks a host: one POSIX script, run by `sh` on this machine or over SSH on another, in bounded time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Final

from sdg.microk8s.snap import BEGUN, MARK
from sdg.osmo.values import OPTIX_PATH
from sdg.settings.cluster import SshHost

_SSH_FAILED: Final = 255  # ssh's own exit code


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        text: what the script printed, perhaps not to its end.
        failure: why it did not get there; empty when it did.
    """

    text: str
    failure: str = ""


def script() -> str:
    """The script that is run."""
    probe = resources.files(__package__).joinpath("probe.sh").read_text(encoding="utf-8")
    return f'mark={MARK}\nbegun="{BEGUN}"\noptix={OPTIX_PATH}\n{probe}'


def ask(ssh: SshHost | None, private_key: str | None, environ: Mapping[str, str], timeout: float) -> Reply:
    """Runs the script on the host. Whatever goes wrong is told as a failure.

    Args:
        ssh: the host; None for this machine.
        private_key: to log in with; the SSH agent's keys when None.
        environ: environment variables; programs are found on its PATH.
        timeout: seconds.
    """
    with _command(ssh, private_key) as command:
        program = shutil.which(command[0], path=environ.get("PATH"))
        if program is None:
            return Reply("", f"{command[0]} is not on PATH")
        return _run([program, *command[1:]], environ, timeout)


def _run(command: list[str], environ: Mapping[str, str], timeout: float) -> Reply:
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            command, env=dict(environ), stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True, text=True
        ) as process,
    ):
        late = False
        try:
            process.communicate(script(), timeout)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # what hangs, but for what runs as root
            process.wait()
        said, complained = (_text(stream) for stream in (out, err))
    if late:
        return Reply(said, f"no answer within {timeout:g} s")
    if process.returncode == _SSH_FAILED and command[-2:] == ["sh", "-s"]:
        return Reply(said, complained.strip().replace("\n", " ") or "ssh could not log in")
    return Reply(said)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


@contextmanager
def _command(ssh: SshHost | None, private_key: str | None) -> Iterator[list[str]]:
    if ssh is None:
        yield ["sh", "-s"]
        return
    with tempfile.TemporaryDirectory(prefix="sdg-") as folder:  # mode 0700
        options = ["BatchMode=yes", *_known_host(ssh, Path(folder))]
        if private_key:
            key = Path(folder, "key")
            key.touch(mode=0o600)
            key.write_text(private_key if private_key.endswith("\n") else f"{private_key}\n", encoding="utf-8")
            options += [f"IdentityFile={key}", "IdentitiesOnly=yes"]
        chosen = [part for option in options for part in ("-o", option)]
        yield ["ssh", "-T", "-p", str(ssh.port), *chosen, f"{ssh.user}@{ssh.address}", "sh", "-s"]


def _known_host(ssh: SshHost, folder: Path) -> list[str]:
    """As the commands that are run there later do: the key that the settings name, any when they name none."""
    if ssh.host_key is None:
        return ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    known = folder / "known_hosts"
    known.write_text(f"[{ssh.address}]:{ssh.port} {ssh.host_key}\n{ssh.address} {ssh.host_key}\n", encoding="utf-8")
    return ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null"]
