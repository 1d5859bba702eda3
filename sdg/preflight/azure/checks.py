"""Asks Azure whether a stack can be made, before any of it is. Reads only.

Nothing that a deployment makes is read but whether its resource group exists, for what is the stack's own is not in its own way, and the
name of its API server where that is private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from sdg.azure import questions as arm
from sdg.azure.arm import ArmReader
from sdg.azure.errors import ArmError, ArmForbiddenError, ArmNotFoundError, LoginError
from sdg.preflight.azure import naming, reach, region, subscription, there
from sdg.preflight.azure.asking import Ask, Asked, ask
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding

GROUP, LOCATIONS = "whether the resource group exists", "the list of regions"
PERMISSIONS, PERMISSIONS_THERE = "what the deployer may do", "what the deployer may do in the resource group"
DELETED_VAULTS = "the list of deleted key vaults"
DELETED_ACCOUNTS = "the list of Foundry's deleted accounts"
CLUSTER = "whether the cluster exists"
STORAGE_NAME = "whether the name of the storage account is free"
DATABASE_NAME = "whether the name of the PostgreSQL server is free"
VAULT_NAME = "whether the name of the key vault is free"
_PROVIDER: Final = "resource provider {}"
_SHOWN: Final = 3
_ANSWERED_BY: Final[Mapping[str, str]] = {
    **there.ASKED_OF,
    there.STORAGE: "Microsoft.Storage",
    STORAGE_NAME: "Microsoft.Storage",
    DATABASE_NAME: "Microsoft.DBforPostgreSQL",
    VAULT_NAME: "Microsoft.KeyVault",
    DELETED_VAULTS: "Microsoft.KeyVault",
    DELETED_ACCOUNTS: "Microsoft.CognitiveServices",
    CLUSTER: "Microsoft.ContainerService",
}
_ACTION: Final = re.compile(r"perform action '([^']+)'")  # in ARM's words about what somebody may not do

Answer = TypeVar("Answer")


def findings(wanted: WantedStack, reader: ArmReader) -> Iterator[Finding]:
    """Everything that stands in the way. Without a login or a subscription, that alone: nothing else can be asked then."""
    try:
        yield from usable(wanted, reader)
    except ArmError as error:
        yield no_subscription(wanted, error)
        return
    asked = ask(
        {**of_subscription(wanted, reader), **_of_names(wanted, reader), **_of_cluster(wanted, reader), **there.questions(wanted, reader)}
    )
    yield from everywhere(wanted, asked)
    yield from _names(wanted, asked)
    yield from in_region(wanted, asked)
    yield from there.judged(CLUSTER, lambda: reach.private(wanted.cluster, asked.one(CLUSTER)))
    yield from unanswered(silent(wanted, asked))


def usable(wanted: WantedStack, reader: ArmReader) -> list[Finding]:
    """Whether the subscription is; asked first and alone, since without it all else is silent.

    Raises:
        ArmError: it cannot be read; `no_subscription` says why.
    """
    answer = reader.get(arm.SUBSCRIPTION.at(wanted.subscription), arm.SUBSCRIPTION.api_version)
    return list(subscription.state(wanted, answer))


def no_subscription(wanted: WantedStack, error: ArmError) -> Finding:
    """Why not even the subscription can be read."""
    match error:
        case LoginError():
            tried = f" Tried: {'; '.join(error.tried)}." if error.tried else ""
            return Finding("azure-login", f"{error.args[0]}{tried}", error.remedy)
        case ArmNotFoundError() | ArmForbiddenError():
            seen = f"Whoever is logged in sees no subscription {wanted.subscription} ({error.code or error.status}: {error.message})."
            remedy = "Log in to its tenant (`az login --tenant ID`), or name another subscription with sdg:cluster.subscription."
            return Finding("azure-subscription", seen, remedy)
        case _:
            return Finding.of("azure-answers", f"ARM does not say whether the subscription can be used ({error}).")


def of_subscription(wanted: WantedStack, reader: ArmReader) -> dict[str, Ask]:
    """What to ask about the subscription, by name."""
    own = wanted.subscription

    def many(question: arm.Question) -> Ask:
        return lambda: reader.list(question.at(own), question.api_version)

    def in_group(question: arm.Question) -> str:
        return question.at(own, group=wanted.names.resource_group)

    there_too = arm.PERMISSIONS_OF_GROUP
    asked: dict[str, Ask] = {
        GROUP: lambda: _if_there(dict[str, Any](), lambda: reader.get(in_group(arm.RESOURCE_GROUP), arm.RESOURCE_GROUP.api_version)),
        PERMISSIONS_THERE: lambda: _if_there(list[dict[str, Any]](), lambda: reader.list(in_group(there_too), there_too.api_version)),
        LOCATIONS: many(arm.LOCATIONS),
        PERMISSIONS: many(arm.PERMISSIONS),
    }
    if wanted.has("storage"):
        asked[there.STORAGE] = many(arm.STORAGE_SKUS)
    if wanted.has("key-vault") or wanted.has("foundry"):
        asked[DELETED_VAULTS] = many(arm.DELETED_VAULTS)
    if wanted.has("foundry"):
        asked[DELETED_ACCOUNTS] = many(arm.DELETED_ACCOUNTS)
    return asked | {_PROVIDER.format(namespace): _provider(reader, own, namespace) for namespace in wanted.namespaces}


def _provider(reader: ArmReader, own: str, namespace: str) -> Ask:
    return lambda: reader.get(arm.PROVIDER.at(own, namespace=namespace), arm.PROVIDER.api_version)


def _if_there(nothing: Answer, question: Callable[[], Answer]) -> Answer:
    """What lies there, or nothing."""
    try:
        return question()
    except ArmNotFoundError:
        return nothing


def _of_names(wanted: WantedStack, reader: ArmReader) -> dict[str, Ask]:
    """Whether names are free. Azure has no such question for Redis."""
    names = {
        STORAGE_NAME: ("storage", arm.STORAGE_NAME, wanted.names.storage_account, "Microsoft.Storage/storageAccounts"),
        DATABASE_NAME: ("database", arm.POSTGRESQL_NAME, wanted.names.postgres, "Microsoft.DBforPostgreSQL/flexibleServers"),
        VAULT_NAME: ("key-vault", arm.KEY_VAULT_NAME, wanted.names.key_vault, "Microsoft.KeyVault/vaults"),
    }

    def free(question: arm.Question, name: str, kind: str) -> Ask:
        path = question.at(wanted.subscription, location=wanted.region)
        return lambda: reader.check(path, question.api_version, {"name": name, "type": kind})

    return {what: free(question, name, kind) for what, (part, question, name, kind) in names.items() if part in wanted.parts}


def _of_cluster(wanted: WantedStack, reader: ArmReader) -> dict[str, Ask]:
    """Where a private API server is; nothing else of the cluster is looked at."""
    if wanted.cluster.api_server.access != "private":
        return {}
    path = arm.CLUSTER.at(wanted.subscription, group=wanted.names.resource_group, name=wanted.names.cluster)
    return {CLUSTER: lambda: _if_there(dict[str, Any](), lambda: reader.get(path, arm.CLUSTER.api_version))}


def everywhere(wanted: WantedStack, asked: Asked) -> Iterator[Finding]:
    """What stands in the way whatever the region."""
    yield from there.judged("resource providers", lambda: subscription.registration(wanted, _providers(wanted, asked)))
    permissions, own = asked.many(PERMISSIONS), asked.many(PERMISSIONS_THERE)
    if permissions is not None or own:
        # once the stack has a group, roles on that alone are enough
        given = [*(permissions or ()), *(own or ())]
        yield from there.judged(PERMISSIONS, lambda: subscription.roles(wanted, subscription.forbidden(wanted, given)))


def in_region(wanted: WantedStack, asked: Asked) -> Iterator[Finding]:
    """What stands in the way in the wanted region."""
    unknown = _unknown(wanted, asked)
    yield from unknown or there.findings(wanted, asked, _providers(wanted, asked), deployed=_deployed(wanted, asked))


def silent(wanted: WantedStack, asked: Asked) -> dict[str, ArmError]:
    """Questions without an answer. Of a region that isn't, and of a provider that nobody registered, silence is no news."""
    deaf = {name.lower() for name in subscription.unregistered(wanted, _providers(wanted, asked))}
    unknown = bool(_unknown(wanted, asked))
    return {
        question: error
        for question, error in asked.refused.items()
        if _ANSWERED_BY.get(question, "").lower() not in deaf and not (unknown and question in there.ASKED_OF)
    }


def open_questions(wanted: WantedStack, asked: Asked) -> list[str]:
    """Questions about the wanted region that got no answer, whatever the reason; none of a region that isn't."""
    if _unknown(wanted, asked):
        return []
    of_region = (LOCATIONS, there.STORAGE, *there.ASKED_OF, *map(_PROVIDER.format, wanted.namespaces))
    return [question for question in of_region if question in asked.refused]


def _unknown(wanted: WantedStack, asked: Asked) -> list[Finding]:
    locations = asked.many(LOCATIONS)
    return there.judged(LOCATIONS, lambda: region.known(wanted, locations)) if locations else []


def _providers(wanted: WantedStack, asked: Asked) -> list[Mapping[str, Any]]:
    return [found for name in wanted.namespaces if (found := asked.one(_PROVIDER.format(name))) is not None]


def _deployed(wanted: WantedStack, asked: Asked) -> bool:
    """Whether the stack may have something in the wanted region: its resource group exists, and that is its region."""
    return bool(asked.one(GROUP)) and wanted.region == wanted.cluster.location


def _names(wanted: WantedStack, asked: Asked) -> Iterator[Finding]:
    vaults = asked.many(DELETED_VAULTS) or []
    held = there.judged(DELETED_VAULTS, lambda: naming.deleted_vault(wanted, vaults))
    yield from held
    accounts = asked.many(DELETED_ACCOUNTS) or []
    yield from there.judged(DELETED_ACCOUNTS, lambda: naming.deleted_account(wanted, accounts))
    names = {
        STORAGE_NAME: ("storage account", wanted.names.storage_account),
        DATABASE_NAME: ("PostgreSQL server", wanted.names.postgres),
        VAULT_NAME: ("key vault", wanted.names.key_vault),
    }
    for question, (what, name) in names.items():
        answer = asked.one(question)
        if answer is not None and not (question == VAULT_NAME and held):
            yield from naming.taken(what, name, answer, deployed=_deployed(wanted, asked))


def unanswered(refused: Mapping[str, ArmError]) -> Iterator[Finding]:
    """What could not be asked, the questions of one cause in one finding."""
    forbidden = {question: error for question, error in refused.items() if isinstance(error, ArmForbiddenError)}
    if forbidden:
        yield _unread(forbidden)
    others = {question: error for question, error in refused.items() if question not in forbidden}
    if others:
        said = dict.fromkeys(str(error) for error in others.values())
        yield Finding.of("azure-answers", f"ARM does not answer about {_some(list(others))} ({'; '.join(list(said)[:_SHOWN])}).")


def _unread(forbidden: Mapping[str, ArmError]) -> Finding:
    actions = dict.fromkeys(found[1] for error in forbidden.values() if (found := _ACTION.search(str(error))))
    lacking = f", for want of {_some(list(actions))}" if actions else ""
    return Finding(
        "azure-unread",
        f"Whoever is logged in may not read {_some(list(forbidden))}{lacking}; so nobody looked, and Azure itself may refuse it later.",
        "To have it looked at, ask for Reader on the subscription (Contributor for names of PostgreSQL servers), or activate a role that "
        "you are eligible for, and ask again a minute later.",
    )


def _some(questions: Iterable[str]) -> str:
    listed = list(questions)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
