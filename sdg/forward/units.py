"""A forward's watchdog as a unit of the user's systemd: started again when it ends, and after a reboot when the user lingers.

Sources: systemctl(1), loginctl(1), systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sdg.forward.remains import WATCHDOG_TITLE

# answers of `is-system-running` with which units can be started; the others say that the manager is not there, or ends
_WORKS: Final = frozenset({"running", "degraded", "starting", "initializing"})
_TIMEOUT: Final = 10.0  # seconds that the manager gets for an answer
# names another runtime directory than the session's, as a rehearsal does, which changes nothing of the user's systemd
RUNTIME: Final = "SDG_RUNTIME_DIR"
_CONDITION: Final = "ConditionPathExists="
# what kubectl and its credential plugins read beside the manager's own environment
_INHERITED: Final = ("PATH", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


class UnitError(Exception):
    """The user's systemd refused something, in its own words."""


def usable() -> bool:
    """Whether this user has a systemd of their own that starts units. A session without one has no socket for it."""
    runtime = os.environ.get(RUNTIME) or os.environ.get("XDG_RUNTIME_DIR")
    if not (runtime and Path(runtime, "systemd", "private").exists() and shutil.which("systemctl")):
        return False
    try:
        return _run("systemctl", "--user", "is-system-running").stdout.strip() in _WORKS
    except UnitError:
        return False


def name_of(port: int) -> str:
    """The unit that keeps the forward of a port."""
    return f"{WATCHDOG_TITLE}-{port}.service"


def start(unit: str, text: str) -> int:
    """Writes the unit, starts it now and with every start of the user's systemd; returns the id of its process.

    Raises UnitError; nothing is left of the unit then.
    """
    path = _path(unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)  # the proxy's URL may hold a password
    try:
        _manager("daemon-reload")
        _manager("enable", unit)
        _manager("restart", unit)
        return main_pid(unit)
    except UnitError:
        remove(unit)
        raise


def remove(unit: str) -> None:
    """Stops the unit and takes it away, as far as the user's systemd can be reached from here."""
    path = _path(unit)
    with suppress(UnitError):
        _manager("disable", "--now", unit)
    path.unlink(missing_ok=True)
    (path.parent / "default.target.wants" / unit).unlink(missing_ok=True)
    with suppress(UnitError):
        _manager("daemon-reload")


def starts_with(unit: str, kubeconfig: Path) -> bool:
    """Whether there is such a unit, and it starts only with this kubeconfig."""
    try:
        return f"{_CONDITION}{_plain(str(kubeconfig))}" in _path(unit).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False


def main_pid(unit: str) -> int:
    """The process of a unit now; 0 when it has none, or between two starts."""
    try:
        return int(_manager("show", "--property=MainPID", "--value", unit).strip() or 0)
    except (UnitError, ValueError):
        return 0


def lingers() -> bool:
    """Whether this user's systemd runs without a session: from boot on, and after logout."""
    with suppress(UnitError):
        return _run("loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value").stdout.strip() == "yes"
    return False


def set_lingering(*, on: bool) -> None:
    """Switches that for this user; raises UnitError where it is not theirs to choose."""
    done = _run("loginctl", "--no-ask-password", "enable-linger" if on else "disable-linger")
    if done.returncode != 0:
        raise UnitError(done.stderr.strip() or "loginctl refused without a word")


def text_of(description: str, command: Sequence[str], log: Path, kubeconfig: Path, environment: Mapping[str, str]) -> str:
    """A unit file.

    Args:
        command: the watchdog's.
        log: where its output is added.
        kubeconfig: the forward's private one: without it the unit does not start, so whoever removes that ends the forward for good.
        environment: of whoever starts it; the few variables that kubectl needs are taken over.
    """
    inherited = {name: environment[name] for name in _INHERITED if environment.get(name)}
    lines = [
        "[Unit]",
        f"Description={_plain(description)}",
        f"{_CONDITION}{_plain(str(kubeconfig))}",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in inherited.items()),
        f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in command)}",
        "Restart=always",
        "RestartSec=0.5",
        f"StandardOutput=append:{_plain(str(log))}",
        f"StandardError=append:{_plain(str(log))}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _plain(value: str) -> str:
    return value.replace("%", "%%").replace("\n", " ")


def _quoted(value: str) -> str:
    escaped = _plain(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _path(unit: str) -> Path:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "systemd" / "user" / unit


def _manager(*arguments: str) -> str:
    done = _run("systemctl", "--user", "--no-ask-password", *arguments)
    if done.returncode != 0:
        raise UnitError(f"systemctl --user {arguments[0]}: {done.stderr.strip() or 'refused without a word'}")
    return done.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnitError(f"{command[0]} does not answer") from error
