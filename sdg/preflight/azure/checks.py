"""Asks Azure whether a stack can be made, before any of it is. Reads only.

Nothing that a deployment makes is read: only whether its resource group exists, for what is the stack's own is not in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from sdg.azure import questions as arm
from sdg.azure.arm import ArmReader
from sdg.azure.errors import ArmError, ArmForbiddenError, ArmNotFoundError, LoginError
from sdg.preflight.azure import naming, region, subscription, there
from sdg.preflight.azure.asking import Ask, Asked, ask
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding

GROUP, LOCATIONS = "whether the resource group exists", "the list of regions"
PERMISSIONS, PERMISSIONS_THERE = "what the deployer may do", "what the deployer may do in the resource group"
DELETED_VAULTS, DELETED_FOUNDRY = "the list of deleted key vaults", "the list of deleted Foundry accounts"
STORAGE_NAME, DATABASE_NAME, VAULT_NAME = "storage account", "PostgreSQL server", "key vault"
_PROVIDER: Final = "resource provider {}"
_SHOWN: Final = 3
_ANSWERED_BY: Final[Mapping[str, str]] = {
    **there.ASKED_OF,
    there.STORAGE: "Microsoft.Storage",
    STORAGE_NAME: "Microsoft.Storage",
    DATABASE_NAME: "Microsoft.DBforPostgreSQL",
    VAULT_NAME: "Microsoft.KeyVault",
    DELETED_VAULTS: "Microsoft.KeyVault",
    DELETED_FOUNDRY: "Microsoft.CognitiveServices",
}

Answer = TypeVar("Answer")


def findings(wanted: WantedStack, reader: ArmReader) -> Iterator[Finding]:
    """Everything that stands in the way. Without a login or a subscription, that alone: nothing else can be asked then."""
    try:
        yield from usable(wanted, reader)
    except ArmError as error:
        yield no_subscription(wanted, error)
        return
    asked = ask({**of_subscription(wanted, reader), **_of_names(wanted, reader), **there.questions(wanted, reader)})
    yield from everywhere(wanted, asked)
    yield from _names(wanted, asked)
    yield from in_region(wanted, asked)
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
            remedy = "Log in to its tenant (az login --tenant ID), or name another subscription with sdg:cluster.subscription."
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
    if wanted.has("key-vault"):
        asked[DELETED_VAULTS] = many(arm.DELETED_VAULTS)
    if wanted.has("foundry") and _foundry(wanted):
        asked[DELETED_FOUNDRY] = many(arm.DELETED_COGNITIVE)
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


def everywhere(wanted: WantedStack, asked: Asked) -> Iterator[Finding]:
    """What stands in the way whatever the region."""
    yield from there.judged("resource providers", lambda: subscription.registration(wanted, _providers(wanted, asked)))
    if (permissions := asked.many(PERMISSIONS)) is not None:
        # once the stack has a group, roles on that alone are enough
        given = [*permissions, *(asked.many(PERMISSIONS_THERE) or ())]
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
    if foundry := _foundry(wanted):
        accounts = asked.many(DELETED_FOUNDRY) or []
        yield from there.judged(DELETED_FOUNDRY, lambda: naming.deleted_foundry(foundry, accounts))
    names = {STORAGE_NAME: wanted.names.storage_account, DATABASE_NAME: wanted.names.postgres, VAULT_NAME: wanted.names.key_vault}
    for what, name in names.items():
        answer = asked.one(what)
        if answer is not None and not (what == VAULT_NAME and held):
            yield from naming.taken(what, name, answer, deployed=_deployed(wanted, asked))


def _foundry(wanted: WantedStack) -> str | None:
    """The name of Foundry's account, once the product makes one."""
    name = getattr(wanted.names, "foundry", None)
    return name if isinstance(name, str) else None


def unanswered(refused: Mapping[str, ArmError]) -> Iterator[Finding]:
    """What could not be asked, the questions of one cause in one finding."""
    forbidden = [question for question, error in refused.items() if isinstance(error, ArmForbiddenError)]
    if forbidden:
        seen = f"Whoever is logged in may not read {_some(forbidden)}, which Reader of the subscription may."
        yield Finding("azure-roles", seen, "Ask for that role, or activate one that you are eligible for, and ask again a minute later.")
    others = {question: error for question, error in refused.items() if not isinstance(error, ArmForbiddenError)}
    if others:
        said = dict.fromkeys(str(error) for error in others.values())
        yield Finding.of("azure-answers", f"ARM does not answer about {_some(list(others))} ({'; '.join(list(said)[:_SHOWN])}).")


def _some(questions: Iterable[str]) -> str:
    listed = list(questions)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
