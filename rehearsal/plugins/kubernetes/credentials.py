"""Credentials that a kubeconfig gets from a program (`user.exec`), run as other clients do, where the program is the rehearsal's."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rehearsal.host.fence import HOST_VARIABLE
from rehearsal.plugins.provider import ProviderError

INFO: Final = "KUBERNETES_EXEC_INFO"
TIMEOUT: Final = 30  # seconds


def ask(asked: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Runs the program of a kubeconfig and returns what it gives, as entries of a kubeconfig's user.

    Raises:
        ProviderError: the program is not one of the rehearsal's, fails, or gives no credentials.
    """
    name = str(asked.get("command") or "")
    program = shutil.which(name, path=env.get("PATH", ""))
    if program is None or not _is_ours(Path(program), env):
        words = f"the kubeconfig gets its credentials from {name or 'no program'}"
        raise ProviderError(f"{words}, which is not the rehearsal's: nothing else runs")
    version = asked.get("apiVersion")
    info = json.dumps({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": False}})
    given = {entry["name"]: entry["value"] for entry in asked.get("env") or []}
    command = [program, *(asked.get("args") or [])]
    done = subprocess.run(
        command, env={**env, **given, INFO: info}, capture_output=True, text=True, check=False, timeout=TIMEOUT, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise ProviderError(f"getting credentials: exec: executable {name} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return _credentials(name, done.stdout, version)


def _is_ours(program: Path, env: Mapping[str, str]) -> bool:
    host = env.get(HOST_VARIABLE)
    return bool(host) and program.parent.resolve() == (Path(str(host)).parent / "bin").resolve()


def _credentials(name: str, printed: str, version: object) -> dict[str, str]:
    try:
        found = json.loads(printed)
        status = found["status"]
    except (ValueError, KeyError, TypeError):
        raise ProviderError(f"getting credentials: {name} printed no ExecCredential with a status") from None
    if found.get("apiVersion") != version:
        raise ProviderError(f"getting credentials: {name} printed version {found.get('apiVersion')}, and the kubeconfig asks for {version}")
    wanted = {"token": "token", "clientCertificateData": "client-certificate-data", "clientKeyData": "client-key-data"}
    taken = {own: _encoded(own, str(status[given])) for given, own in wanted.items() if status.get(given)}
    if not taken:
        raise ProviderError(f"getting credentials: {name} gave neither a token nor a certificate")
    return taken


def _encoded(entry: str, text: str) -> str:
    """As the kubeconfig's own entry has it: programs print certificates as they are, kubeconfigs hold them in base64."""
    return text if entry == "token" else base64.b64encode(text.encode()).decode()
