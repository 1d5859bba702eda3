"""Running the `helm` program: with homes of its own, secrets out of its arguments, and no longer than this process lives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rehearsal.plugins import process
from rehearsal.plugins.kubernetes import kubeconfig
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.provider import ProviderError

_POLL = 0.2
_RUN_PREFIX = "run-"


class HelmError(Exception):
    """Helm failed, with its own sentence."""


class Helm:
    """The `helm` program and the private directory that its files live in while this process does."""

    def __init__(self, cluster: Cluster, settings: Settings, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._settings = settings
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._private: Path | None = None
        process.at_exit(self.end)

    def run(self, arguments: Sequence[str], *, values: Object | None = None, secret: str | None = None) -> str:
        """Run helm to its end and return what it printed.

        Args:
            arguments: Everything after `helm`; never a secret, since every user of the machine can read them.
            values: Values of a release, which helm reads from its stdin: they never touch a disk.
            secret: A password for helm's `--password-stdin`.

        Raises:
            HelmError: helm failed.
            ProviderError: there is no helm.
        """
        given = json.dumps(values) if values is not None else secret
        child = self._start([*arguments, *(["--values", "-"] if values is not None else [])])
        try:
            output, errors = self._finish(child, given)
        finally:
            with self._lock:
                self._running.discard(child)
        if child.returncode:
            raise HelmError(_sentence(errors))
        return output

    def end(self) -> None:
        """Kill what still runs and remove the private files."""
        with self._lock:
            running, self._running = self._running, set()
            private, self._private = self._private, None
        for child in running:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        program = os.environ.get("SDG_HELM") or shutil.which("helm")
        if not program:
            raise ProviderError("helm is not there: set SDG_HELM to its path, or put it on PATH")
        with self._lock:
            child = subprocess.Popen(
                [*_dying_with_parent(), program, *arguments],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            self._running.add(child)
        return child

    def _finish(self, child: subprocess.Popen[str], given: str | None) -> tuple[str, str]:
        interrupted = False
        while True:
            try:
                return child.communicate(given, timeout=_POLL)
            except subprocess.TimeoutExpired:
                given = None  # it is on its way: a second call may only wait
                # Helm then marks the release as failed, or rolls it back when it is atomic, instead of leaving it pending.
                if self._cancelled.is_set() and not interrupted:
                    interrupted = True
                    child.send_signal(signal.SIGINT)

    def _environment(self) -> dict[str, str]:
        private = self._private_directory()
        homes = {f"HELM_{kind.upper()}_HOME": str(_home() / kind) for kind in ("cache", "config", "data")}
        named = {
            "HELM_PLUGINS": "pluginsPath",
            "HELM_REGISTRY_CONFIG": "registryConfigPath",
            "HELM_REPOSITORY_CACHE": "repositoryCache",
            "HELM_REPOSITORY_CONFIG": "repositoryConfigPath",
        }
        chosen = {variable: self._settings.helm[name] for variable, name in named.items() if self._settings.helm.get(name)}
        ambient = {key: value for key, value in os.environ.items() if not key.startswith(("HELM_", "KUBE"))}
        return {
            **ambient,
            **homes,
            "HELM_REGISTRY_CONFIG": str(private / "registry.json"),
            "HELM_REPOSITORY_CONFIG": str(private / "repositories.yaml"),
            **chosen,
            "HELM_DRIVER": self._settings.helm.get("driver", "secret"),
            **({"HELM_KUBECONTEXT": self._settings.context} if self._settings.context else {}),
            "KUBECONFIG": str(self._kubeconfig(private)),
        }

    def _kubeconfig(self, private: Path) -> Path:
        given = self._settings.kubeconfig
        if given and (path := kubeconfig.as_path(given)):
            return path
        file = private / "kubeconfig"
        if not file.exists():
            with suppress(OSError):
                text = self._cluster.kubeconfig
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
        return file

    def _private_directory(self) -> Path:
        """Return a directory that only this user can read and that goes with this process."""
        if self._private is None:
            home = _home()
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sweep(home)
            self._private = Path(tempfile.mkdtemp(prefix=f"{_RUN_PREFIX}{os.getpid()}-", dir=home))
        return self._private


def _home() -> Path:
    return Path(os.environ.get("SDG_HELM_HOME") or Path(tempfile.gettempdir()) / f"sdg-helm-{os.getuid()}")


def _sweep(home: Path) -> None:
    """Remove what plugins left that were killed before they could."""
    for left in home.glob(f"{_RUN_PREFIX}*"):
        pid = left.name.removeprefix(_RUN_PREFIX).split("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)


def _dying_with_parent() -> list[str]:
    """Return the prefix that has the kernel kill helm when this process is killed; empty where there is no such tool."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _sentence(errors: str) -> str:
    """Return what helm said went wrong, without warnings before it and without its prefixes."""
    _, found, sentence = f"\n{errors}".rpartition("\nError: ")
    text = (sentence if found else errors).removesuffix("\n")
    for prefix in ("INSTALLATION FAILED: ", "UPGRADE FAILED: "):
        text = text.removeprefix(prefix)
    return text


def flags(release: Mapping[str, object], table: Mapping[str, str]) -> list[str]:
    """Return the switches of those options that are on."""
    return [switch for name, switch in table.items() if release.get(name)]
