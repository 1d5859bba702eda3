"""The preflight of a stack in Azure, as every preview and update asks it: Azure once per update, this host every time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from pydantic import BaseModel

from sdg.azure import account as accounts
from sdg.azure.account import Account, AccountError, NoAccountError
from sdg.azure.arm import PUBLIC, Arm
from sdg.azure.credential import Login, chosen, remedy
from sdg.azure.errors import ArmError
from sdg.azure.names import Names
from sdg.preflight.azure import checks, reach
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.cache import once_per_update
from sdg.preflight.model import Finding, Subject, capital
from sdg.settings.azure import Azure
from sdg.settings.mirror import Mirror

# what an answer depends on beside the stack: who asks, and through which programs
_ENVIRONMENT: Final = ("PATH", "HOME", "AZURE_CONFIG_DIR", "ARM_CLIENT_ID", "AZURE_CLIENT_ID", "IDENTITY_ENDPOINT")
_SECTIONS: Final = ("cluster", "osmo", "platform", "inference", "mirror")


def findings(subject: Subject, cluster: Azure) -> Iterator[Finding]:
    """Everything that stands in the way of a stack in Azure. Without an account, which is an error of its own, what this host lacks."""
    yield from reach.kubelogin(cluster, subject.environ)
    if subject.account:
        yield from _active(subject.account, subject)
    yield from _remembered(subject, cluster)


def without_account(error: NoAccountError, environ: Mapping[str, str]) -> Finding:
    """Nothing names a subscription: somebody has to log in, or, where variables choose a login, to name one."""
    if chosen(environ):
        return Finding("azure-subscription", capital(str(error)), f"Set {accounts.SUBSCRIPTION_VARIABLES[0]}, or {accounts.CHOOSE}.")
    name = f"With a login other than az's, name the subscription too: {accounts.SUBSCRIPTION_VARIABLES[0]}."
    return Finding("azure-login", f"Nobody is logged in to Azure: {error}", f"{remedy(accounts.named_tenant(environ), environ)} {name}")


def wanted(subject: Subject, cluster: Azure, account: Account) -> WantedStack:
    """What the stack wants of Azure."""
    names = Names.of(cluster, subject.owner, account.subscription)
    return WantedStack(cluster, subject.sections, names, account.subscription, cluster.location)


def arm(subject: Subject, account: Account) -> Arm:
    """Azure's resource manager, asked as whoever is logged in.

    Raises:
        ArmError: `sdg:mirror.apis` leads to where no token may be sent.
    """
    relogin = remedy(account.tenant, subject.environ)
    return Arm(_mirror(subject).api(PUBLIC), Login(account, subject.environ, subject.login), relogin=relogin)


def _remembered(subject: Subject, cluster: Azure) -> list[Finding]:
    answer = once_per_update(
        _question(subject), lambda: {"findings": json.dumps([dataclasses.asdict(one) for one in _ask(subject, cluster)])}
    )
    return [Finding(**fields) for fields in json.loads(answer["findings"])]


def _ask(subject: Subject, cluster: Azure) -> Iterable[Finding]:
    yield from reach.public(cluster, _mirror(subject).api)
    if subject.account is None:
        return
    try:
        with arm(subject, subject.account) as reader:
            yield from checks.findings(wanted(subject, cluster, subject.account), reader)
    except ArmError as error:
        yield Finding.of("azure-answers", str(error))


def _question(subject: Subject) -> str:
    given = cast("Mapping[str, BaseModel]", subject.sections)
    sections = [given[key].model_dump_json() for key in _SECTIONS if key in given]
    environment = [f"{name}={subject.environ.get(name, '')}" for name in _ENVIRONMENT]
    return "\n".join(["azure", subject.owner, str(subject.account), *sections, *environment])


def _active(account: Account, subject: Subject) -> Iterator[Finding]:
    """Whether what people do by hand lands in the same subscription; the stack's own is nobody's to switch."""
    try:
        active = accounts.find(None, subject.environ)
    except AccountError:  # none, such as in CI
        return
    if account.source == accounts.SETTING and active.subscription != account.subscription:
        by_az = active.source not in accounts.SUBSCRIPTION_VARIABLES
        remedy = f"az account set --subscription {account.subscription}" if by_az else f"export {active.source}={account.subscription}"
        yield Finding(
            "azure-active-subscription",
            f"{accounts.SETTING} is {account.subscription}, and {active.source} names {active.subscription}: the stack is made in the "
            "first, and what you do by hand may land in the second.",
            f"Nobody switches it for you: `{remedy}`.",
        )


def _mirror(subject: Subject) -> Mirror:
    return subject.sections.get("mirror") or Mirror()
