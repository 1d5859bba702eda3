"""Whoever runs the update, as far as the cluster and roles have to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sdg.azure.account import Account, az_logs_in
from sdg.azure.kubeconfig import Login, login_of


@dataclass(frozen=True, slots=True)
class Deployer:
    """Who runs the update.

    Attributes:
        login: how they log in to the cluster.
        principal_type: what they are to Entra ID; ARM refuses a role for somebody who is something else.
    """

    login: Login
    principal_type: Literal["ServicePrincipal", "User"]


def deployer_of(account: Account, environ: Mapping[str, str]) -> Deployer:
    """Who runs this process. Machines are service principals, whichever way they log in; `az` may be logged in as either."""
    login = login_of(environ)
    person = login.method == "azurecli" and az_logs_in(account.subscription, environ) != "servicePrincipal"
    return Deployer(login, "User" if person else "ServicePrincipal")
