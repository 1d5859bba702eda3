"""Logins to Azure that are there already, found with azure-identity in bounded time.

The ways and their order are those of its DefaultAzureCredential, but for a managed identity that no variable speaks of. Pulumi's names of
the variables (`ARM_CLIENT_ID`, …) win over the library's own (`AZURE_CLIENT_ID`, …). The library looks at the process' own environment too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError, ServiceResponseError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ChainedTokenCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from sdg.azure.account import Account
from sdg.azure.arm import SCOPE
from sdg.azure.errors import LoginError, without_tokens
from sdg.this_host import in_ci

CLI_TIMEOUT: Final = 20  # seconds; az takes one or two, and more on its first run
ANSWER_TIMEOUT: Final = 10.0  # seconds, of whoever gives tokens
_FRESH: Final = 300  # seconds that a token must still be good for
_LONGEST_REASON: Final = 240  # characters
_ENDPOINTS: Final = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
_BOUNDED: Final[Mapping[str, Any]] = {"connection_timeout": 5, "read_timeout": ANSWER_TIMEOUT, "retry_total": 1}

# what it warns of is in our errors already; without a handler it would go to stderr
logging.getLogger("azure.identity").addHandler(logging.NullHandler())

SERVICE_PRINCIPAL, WORKLOAD, MANAGED, CLI = "service principal", "workload identity", "managed identity", "az"


class Login:
    """A login of this process: a credential for `Arm` that finds its way once. May be used from several threads.

    Args:
        account: whose tenant is logged in to.
        environ: environment variables.
        given: a login that was made before, which is used instead of looking for one.
    """

    def __init__(self, account: Account, environ: Mapping[str, str], given: TokenCredential | None = None) -> None:
        # it warns of every way that failed, which a program without logging prints; LoginError says the same
        logging.getLogger("azure.identity").setLevel(logging.ERROR)
        self._account, self._environ = account, environ
        self._ways = [_Way(name, make) for name, make in _ways(account, environ)]
        self._chain: TokenCredential = given or ChainedTokenCredential(*self._ways)
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:  # noqa: ANN401 (of every credential)
        """A token for ARM, whatever else is asked for.

        Raises:
            LoginError: says which ways were tried and what to run.
        """
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < _FRESH:
                self._token = self._new()
            return self._token

    def _new(self) -> AccessToken:
        try:
            return self._chain.get_token(SCOPE)
        except CredentialUnavailableError as error:
            raise self._error("Nobody is logged in to Azure.") from error
        except (AzureError, ValueError) as error:
            refused = next((way for way in self._ways if way.refused), None)
            said = f"The login to Azure by {refused.name} fails." if refused else "Nobody is logged in to Azure."
            raise self._error(said) from error

    def _error(self, said: str) -> LoginError:
        tried = [f"{way.name}: {way.reason}" for way in self._ways if way.reason]
        return LoginError(said, tried, remedy(self._account.tenant, self._environ))


class _Way:
    """One way of logging in, which remembers why it failed. Made when its turn comes, since some look at files at once."""

    def __init__(self, name: str, make: Callable[[], TokenCredential | None]) -> None:
        self.name, self._make = name, make
        self._credential: TokenCredential | None = None
        self.reason, self.refused = "", False

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:  # noqa: ANN401 (of every credential)
        try:
            return self._ready().get_token(*scopes)
        except CredentialUnavailableError as error:
            self.reason = reason(error)
            raise
        except (AzureError, ValueError, OSError) as error:
            self.reason = reason(error)
            if self.name == MANAGED and isinstance(error, ServiceRequestError | ServiceResponseError):
                # variables promise an identity, and nothing answers there: not a login that somebody chose
                raise CredentialUnavailableError(message=self.reason) from error
            self.refused = True
            raise ClientAuthenticationError(message=self.reason) from error

    def _ready(self) -> TokenCredential:
        self._credential = self._credential or self._make()
        if self._credential is None:
            raise CredentialUnavailableError(message="not configured")
        return self._credential

    # the chain closes what it holds
    def __enter__(self) -> _Way:
        return self

    def __exit__(self, *_details: object) -> None: ...

    def close(self) -> None: ...


def _ways(account: Account, environ: Mapping[str, str]) -> list[tuple[str, Callable[[], TokenCredential | None]]]:
    return [
        (SERVICE_PRINCIPAL, lambda: _service_principal(account, environ)),
        (WORKLOAD, lambda: _workload(account, environ)),
        (MANAGED, lambda: _managed(environ)),
        (CLI, lambda: by_az(account)),
    ]


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in {"1", "true"}


def _named(environ: Mapping[str, str], name: str) -> str:
    """A variable by either of its names."""
    return environ.get(f"ARM_{name}", "").strip() or environ.get(f"AZURE_{name}", "").strip()


def _service_principal(account: Account, environ: Mapping[str, str]) -> TokenCredential | None:
    """With a secret, a certificate, or a token that somebody else vouches with (`ARM_USE_OIDC`)."""
    client, tenant = _named(environ, "CLIENT_ID"), _named(environ, "TENANT_ID") or account.tenant
    if not (client and tenant):
        return None
    if secret := _named(environ, "CLIENT_SECRET"):
        return ClientSecretCredential(tenant, client, secret, **_BOUNDED)
    if path := _named(environ, "CLIENT_CERTIFICATE_PATH"):
        password = _named(environ, "CLIENT_CERTIFICATE_PASSWORD") or None
        return CertificateCredential(tenant, client, path, password=password, **_BOUNDED)
    if _is_on(environ, "ARM_USE_OIDC"):
        return ClientAssertionCredential(tenant, client, lambda: _assertion(environ), **_BOUNDED)
    return None


def _assertion(environ: Mapping[str, str]) -> str:
    """The token that a CI system vouches with: given, in a file, or asked for where GitHub's runner says."""
    if given := environ.get("ARM_OIDC_TOKEN"):
        return given
    if path := environ.get("ARM_OIDC_TOKEN_FILE_PATH"):
        return Path(path).read_text(encoding="utf-8").strip()
    url = environ.get("ARM_OIDC_REQUEST_URL") or environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    token = environ.get("ARM_OIDC_REQUEST_TOKEN") or environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not (url and token):
        raise ValueError("ARM_USE_OIDC is set, and neither ARM_OIDC_TOKEN nor ARM_OIDC_TOKEN_FILE_PATH is")
    answer = requests.get(
        url, params={"audience": "api://AzureADTokenExchange"}, headers={"Authorization": f"Bearer {token}"}, timeout=ANSWER_TIMEOUT
    )
    answer.raise_for_status()
    if not (vouched := answer.json().get("value")):
        raise ValueError(f"{urlsplit(url).netloc} answers no token")
    return str(vouched)


def _workload(account: Account, environ: Mapping[str, str]) -> TokenCredential | None:
    client, tenant, path = environ.get("AZURE_CLIENT_ID"), environ.get("AZURE_TENANT_ID"), environ.get("AZURE_FEDERATED_TOKEN_FILE")
    if not (client and path):
        return None
    return WorkloadIdentityCredential(tenant_id=tenant or account.tenant, client_id=client, token_file_path=path, **_BOUNDED)


def _managed(environ: Mapping[str, str]) -> TokenCredential:
    """Of the machine that this runs on, where its variables speak of one. None is looked for: the engine's provider doesn't either,
    and an update must log in as whoever the preflight asked for.

    Raises:
        CredentialUnavailableError: no variable speaks of any.
    """
    chosen = _is_on(environ, "ARM_USE_MSI")
    if not (chosen or any(environ.get(name) for name in _ENDPOINTS)):
        raise CredentialUnavailableError(message="ARM_USE_MSI is not true")
    client = (environ.get("ARM_CLIENT_ID") if chosen else "") or environ.get("AZURE_CLIENT_ID") or None
    # the address is this machine's or link-local: never behind a proxy
    return ManagedIdentityCredential(client_id=client, read_timeout=ANSWER_TIMEOUT, retry_total=1, use_env_settings=False)


def by_az(account: Account) -> TokenCredential:
    """Of whoever logged in with az; it takes a tenant or a subscription, not both."""
    if account.tenant:
        return AzureCliCredential(tenant_id=account.tenant, process_timeout=CLI_TIMEOUT)
    return AzureCliCredential(subscription=account.subscription, process_timeout=CLI_TIMEOUT)


def reason(error: BaseException) -> str:
    """The library's words: the first line says it, the others lead to its documentation."""
    text = str(getattr(error, "message", "") or error).strip()
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return without_tokens(first)[:_LONGEST_REASON].rstrip(". ")


def chosen(environ: Mapping[str, str]) -> bool:
    """Whether variables choose a login, which a person's own would not replace."""
    return _is_on(environ, "ARM_USE_MSI") or bool(_named(environ, "CLIENT_ID"))


def remedy(tenant: str | None, environ: Mapping[str, str]) -> str:
    """What to do without a login that Azure takes, a sentence or two. It is about the way that the environment chooses, if any."""
    az = f"az login{f' --tenant {tenant}' if tenant else ''}"
    person = f"`{az}`; on a host without a browser `{az} --use-device-code`"
    principal = (
        "ARM_CLIENT_ID and ARM_TENANT_ID with ARM_CLIENT_SECRET, or with ARM_USE_OIDC=true and a token that the CI system vouches with"
    )
    if _is_on(environ, "ARM_USE_MSI"):
        return (
            "Check the managed identity that ARM_USE_MSI=true chooses, and ARM_CLIENT_ID where the machine has more than one. "
            f"For a login of your own, unset both and run {person}."
        )
    if _named(environ, "CLIENT_ID"):
        own = "" if in_ci(environ) else f" For a login of your own, unset ARM_CLIENT_ID and AZURE_CLIENT_ID and run {person}."
        return f"Check the service principal: {principal}.{own}"
    if in_ci(environ):
        return f"Give the job a service principal: {principal}. On a machine with a managed identity, ARM_USE_MSI=true chooses that."
    return f"Run {person}; on a machine with a managed identity, set ARM_USE_MSI=true."
