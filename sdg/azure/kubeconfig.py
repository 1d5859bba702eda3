"""AKS' kubeconfigs: decoded, under a stack's own names, and with the way to log in that fits whoever runs the update."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import yaml

from sdg.kube.kubeconfig_entries import Document, current, one_context

KUBELOGIN: Final = "kubelogin"
Method = Literal["azurecli", "spn", "msi", "workloadidentity"]

# what AKS' own entry says of the login, all of it for a person at a browser
_REPLACED: Final = frozenset({"--login", "-l", "--client-id"})
# kubelogin looks for secrets under the names of Azure's own libraries, infrastructure tools keep them under theirs
_SECRETS: Final = ("CLIENT_SECRET", "CLIENT_CERTIFICATE_PATH", "CLIENT_CERTIFICATE_PASSWORD")
_WITH_ARM_SECRETS: Final = " ".join([*(f'AZURE_{key}="${{AZURE_{key}:-$ARM_{key}}}"' for key in _SECRETS), f'exec {KUBELOGIN} "$@"'])
_HINT: Final = "Install kubelogin, which logs in to AKS with Entra ID: `az aks install-cli` does."


class AksKubeconfigError(ValueError):
    """What AKS gave is no kubeconfig of the kind that was asked for; the sentence shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Login:
    """How `kubelogin` gets a token for the cluster.

    Attributes:
        method: a mode of `kubelogin`: as `az` is logged in, as a service principal, as this machine's managed identity, or by a token
            that was handed to this process.
        client_id: of the service principal or identity; None where there is only one.
        token_file: holds the token that was handed to this process.
    """

    method: Method
    client_id: str | None = None
    token_file: str | None = None


def login_of(environ: Mapping[str, str]) -> Login:
    """The login of a process, by its environment: whichever the Azure provider would use too.

    Secrets are not looked at: `kubelogin` finds them in its own environment.
    """
    client = _first(environ, "ARM_CLIENT_ID", "AZURE_CLIENT_ID")
    secrets = ("ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH")
    if client and _first(environ, *secrets):
        return Login("spn", client)
    token_file = _first(environ, "ARM_OIDC_TOKEN_FILE_PATH", "AZURE_FEDERATED_TOKEN_FILE")
    if client and (token_file or _on(environ, "ARM_USE_OIDC")):
        return Login("workloadidentity", client, token_file)
    if _on(environ, "ARM_USE_MSI") or environ.get("IDENTITY_ENDPOINT"):
        return Login("msi", client)
    return Login("azurecli")


def with_certificate(encoded: str, name: str) -> str:
    """The administrator's kubeconfig, whose user has a certificate.

    Args:
        encoded: what `listClusterAdminCredential` answered, base64.
        name: of cluster, context and user in what comes back.

    Raises:
        AksKubeconfigError: it holds none.
    """
    cluster, user = _parts(encoded)
    if not user.keys() & {"client-certificate-data", "token"}:
        raise AksKubeconfigError("AKS gave an administrator's kubeconfig without a certificate")
    return one_context(name, cluster, user)


def with_login(encoded: str, name: str, login: Login) -> str:
    """The users' kubeconfig, which logs in as whoever runs the update instead of asking for a code in a browser.

    Args:
        encoded: what `listClusterUserCredential` answered, base64.
        name: of cluster, context and user in what comes back.

    Raises:
        AksKubeconfigError: its user doesn't log in through `kubelogin`, as with a cluster without Entra ID.
    """
    cluster, user = _parts(encoded)
    exec_ = user.get("exec")
    if not isinstance(exec_, dict) or exec_.get("command") != KUBELOGIN or not isinstance(exec_.get("args"), list):
        raise AksKubeconfigError("AKS gave a users' kubeconfig that doesn't log in with Entra ID")
    return one_context(name, cluster, {"exec": {**exec_, **_called(login, exec_["args"]), "installHint": _HINT}})


def _called(login: Login, given: Sequence[str]) -> dict[str, Any]:
    args = [*_without(given, _REPLACED), "--login", login.method]
    if login.client_id:
        args += ["--client-id", login.client_id]
    if login.token_file:
        args += ["--federated-token-file", login.token_file]
    if login.method == "spn":
        return {"command": "sh", "args": ["-c", _WITH_ARM_SECRETS, KUBELOGIN, *args]}
    return {"command": KUBELOGIN, "args": args}


def _without(args: Sequence[str], flags: frozenset[str]) -> list[str]:
    """Arguments without these flags and their values, whether a value stands behind a space or a `=`."""
    kept: list[str] = []
    skipped = False
    for arg in args:
        if skipped:
            skipped = False
        elif arg in flags:
            skipped = True
        elif arg.partition("=")[0] not in flags:
            kept.append(arg)
    return kept


def _parts(encoded: str) -> tuple[Document, Document]:
    """Cluster and user of the current context."""
    try:
        document = yaml.safe_load(base64.b64decode(encoded, validate=True))
        return current(document)
    except (binascii.Error, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        # their messages may quote credentials
        raise AksKubeconfigError("AKS gave no kubeconfig with a current context") from None


def _first(environ: Mapping[str, str], *keys: str) -> str | None:
    return next((environ[key] for key in keys if environ.get(key)), None)


def _on(environ: Mapping[str, str], key: str) -> bool:
    return environ.get(key, "").lower() in {"true", "1"}
