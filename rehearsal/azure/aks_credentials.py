"""The kubeconfigs that AKS hands out."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from rehearsal.azure.errors import ArmError
from rehearsal.azure.world import Resource

SERVER_APP, CLIENT_APP = "6dae42f8-4368-4678-94ff-3960e28e3630", "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""Ids of Azure's own applications that tokens for AKS are for, and that people log in through."""
BAD_REQUEST: Final = 400
_INSTALL: Final = "kubelogin is not installed, which is required to connect to AAD enabled cluster; see https://aka.ms/aks/kubelogin"


@dataclass(frozen=True, slots=True)
class Server:
    """How an API server is reached.

    Attributes:
        authority: its certificate authority, PEM.
        token: the administrator's.
    """

    url: str
    authority: bytes
    token: str = field(repr=False)


def answer(name: str, kubeconfig: str) -> dict[str, Any]:
    """What ARM answers: a list, its one kubeconfig encoded."""
    return {"kubeconfigs": [{"name": name, "value": b64encode(kubeconfig.encode()).decode()}]}


def admin(cluster: Resource, server: Server) -> str:
    """The administrator's.

    Raises:
        ArmError: the cluster has no local accounts.
    """
    if cluster.outputs.get("disableLocalAccounts"):
        words = "Getting static credential is not allowed because this cluster is set to disable local accounts."
        raise ArmError(BAD_REQUEST, "BadRequest", words)
    return _config(
        cluster, server, f"{cluster.name}-admin", f"clusterAdmin_{cluster.resource_group}_{cluster.name}", {"token": server.token}
    )


def user(cluster: Resource, server: Server, form: str = "") -> str:
    """A user's: with Entra ID it names a program that gets a token, else it holds one.

    Args:
        form: `exec` or `azure`, which is the older one; what AKS has made of both since Kubernetes 1.24.

    Raises:
        ArmError: there is no such form.
    """
    if form.lower() not in {"", "azure", "exec"}:
        raise ArmError(BAD_REQUEST, "InvalidParameter", f"The value of parameter format is invalid: {form}. It must be azure or exec.")
    name = f"clusterUser_{cluster.resource_group}_{cluster.name}"
    entra = cluster.outputs.get("aadProfile")
    how = {"exec": _kubelogin(entra)} if entra else {"token": server.token}
    return _config(cluster, server, cluster.name, name, how)


def _kubelogin(entra: dict[str, Any]) -> dict[str, Any]:
    login = ["--environment", "AzurePublicCloud", "--server-id", SERVER_APP, "--client-id", CLIENT_APP]
    return {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "kubelogin",
        "args": ["get-token", *login, "--tenant-id", str(entra.get("tenantID") or ""), "--login", "devicecode"],
        "env": None,
        "installHint": _INSTALL,
        "provideClusterInfo": False,
    }


def _config(cluster: Resource, server: Server, context: str, name: str, how: dict[str, Any]) -> str:
    place = {"certificate-authority-data": b64encode(server.authority).decode(), "server": server.url}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster.name, "cluster": place}],
            "contexts": [{"name": context, "context": {"cluster": cluster.name, "user": name}}],
            "current-context": context,
            "preferences": {},
            "users": [{"name": name, "user": how}],
        },
        sort_keys=False,
    )
