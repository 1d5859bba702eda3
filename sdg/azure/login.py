"""Logging in a person at a host without a browser: with a code that is typed elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DeviceCodeCredential

from sdg.azure.account import CHOOSE, Account, AccountError, find, named_tenant
from sdg.azure.arm import SCOPE
from sdg.azure.credential import by_az, reason, remedy
from sdg.azure.errors import LoginError
from sdg.this_host import in_ci

LOGIN_TIMEOUT: Final = 900  # seconds; a device code lives as long


def log_in(
    account: Account | None, environ: Mapping[str, str], say: Callable[[str], None], timeout: int = LOGIN_TIMEOUT
) -> TokenCredential:
    """Logs in a person at a host without a browser: shows a code to type elsewhere, and returns when that is done.

    With az on PATH it is az's own login, which updates use too; without it, the login ends with this process.

    Args:
        account: whose tenant is logged in to. None while nothing names a subscription: it is the one that az works on from then on.

    Raises:
        LoginError: in CI, where nobody can type a code; nobody did in time; or no subscription came of it.
    """
    tenant = account.tenant if account else named_tenant(environ)
    if in_ci(environ):
        raise LoginError("CI is set, so nobody is asked to type a code.", remedy=remedy(tenant, environ))
    if az := shutil.which("az", path=environ.get("PATH", "")):
        _az_login(az, tenant, environ, say, timeout)
        return by_az(account or _found(environ))
    if account is None:
        raise LoginError(f"az is not on PATH, and without it a login names no subscription: install az, or {CHOOSE}.")
    say("az is not on PATH, so this login is for this command alone; an update needs az, or a service principal.")
    return by_device_code(account, say, timeout)


def by_device_code(account: Account, say: Callable[[str], None], timeout: int = LOGIN_TIMEOUT, **library: Any) -> TokenCredential:  # noqa: ANN401
    """A login of this process alone, which is complete when this returns.

    Args:
        library: further options of DeviceCodeCredential.

    Raises:
        LoginError: nobody typed the code in time, or Entra refused.
    """

    def show(url: str, code: str, _expires: object) -> None:
        say(f"Open {url} in any browser and enter the code {code}.")

    credential = DeviceCodeCredential(tenant_id=account.tenant or "organizations", timeout=timeout, prompt_callback=show, **library)
    try:
        credential.get_token(SCOPE)
    except AzureError as error:
        raise LoginError(f"The login did not complete: {reason(error)}.") from error
    return credential


def _found(environ: Mapping[str, str]) -> Account:
    try:
        return find(None, environ)
    except AccountError as error:
        raise LoginError(f"The login is complete, and {error}") from error


def _az_login(az: str, tenant: str | None, environ: Mapping[str, str], say: Callable[[str], None], timeout: int) -> None:
    command = [az, "login", "--use-device-code", "--output", "none", *(["--tenant", tenant] if tenant else [])]
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as process:
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        try:
            lines = [line.rstrip("\n") for line in _spoken(process, say)]
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
    if code != 0:
        last = next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
        raise LoginError(f"az login did not complete: {reason(RuntimeError(last))}.")


def _spoken(process: subprocess.Popen[str], say: Callable[[str], None]) -> list[str]:
    said: list[str] = []
    for line in process.stdout or ():
        say(line.rstrip("\n"))
        said.append(line)
    return said
