"""Which endpoint takes which variable of a workload. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from sdg.inference.offers import Catalogs, Offer, Offers, unknown

ENDPOINTS: Final = "sdg:workload.endpoints"
# below a domain that never resolves (RFC 2606)
PLACEHOLDER: Final = "known-once-made.invalid"


@dataclass(frozen=True, slots=True)
class Role:
    """A variable of a workload's spec that takes the URL of an endpoint.

    Attributes:
        variable: its name.
        capabilities: what the endpoint must be able to do; all of them.
        nim: the NIM that the spec's own default refers to; None where it has none.
        model: the one model that will do; None where any that is able will.
        request_path: the one path that requests go to; None where any that is able takes them.
        model_variable: variable that takes the model's name; None for none.
        suffix: what the URL ends with.
    """

    variable: str
    capabilities: tuple[str, ...]
    nim: str | None = None
    model: str | None = None
    request_path: str | None = None
    model_variable: str | None = None
    suffix: str = "/v1"


@dataclass(frozen=True, slots=True)
class Filled:
    """What takes the variables.

    Attributes:
        by_variable: endpoints.
        overrides: values for variables whose endpoint is not the spec's own default.
        problems: one sentence or two each.
        refused: variables that a problem speaks of already.
    """

    by_variable: Mapping[str, Offer]
    overrides: Mapping[str, str]
    problems: tuple[str, ...]
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Around:
    """What a problem names beside the role.

    Attributes:
        workload: the workload, as a sentence names it.
        providers: that the matrix allows on the stack's cluster.
        catalogs: what each of them could serve.
        today: models that have been retired by then serve nobody.
        must: whether the stack serves anything at all: without, workflows bring their own.
    """

    workload: str
    providers: tuple[str, ...]
    catalogs: Catalogs
    today: date
    must: bool = True

    def able(self, role: Role) -> str:
        """Which providers could serve a role, as a sentence."""
        known: dict[str, Iterator[str]] = {
            "nim-operator": (
                name for name, nim in self.catalogs.nims.items() if _lack(role, nim.capabilities, nim.model, nim.request_path) is None
            ),
            "nvcf": (name for name, known in self.catalogs.functions.items() if _lack(role, known.capabilities, known.model) is None),
            "foundry": (
                name
                for name, model in self.catalogs.foundry.items()
                if not model.is_retired(self.today) and _lack(role, model.capabilities, model.name) is None
            ),
            "external": iter((f"an endpoint of {role.model}" if role.model else "an endpoint that says so",)),
        }
        could = [f"{provider} ({', '.join(names)})" for provider in self.providers if (names := list(known.get(provider, ())))]
        return f"What could: {'; '.join(could)}." if could else "Nothing that is known here could."


def fill(roles: tuple[Role, ...], chosen: Mapping[str, str], given: Mapping[str, str], offers: Offers, around: Around) -> Filled:
    """Gives every role an endpoint: the one that the user chose, else the first that is able, provider by provider.

    Args:
        roles: of the workload.
        chosen: endpoints by variable, as the user names them; also for variables that are no role.
        given: values of variables that the user gives; they are left alone.
        offers: what the stack can serve.
        around: what a problem names beside.
    """
    problems: list[str] = []
    refused: set[str] = set()
    taken: dict[str, Offer] = {}
    by_variable = {role.variable: role for role in roles}
    for variable, name in chosen.items():
        key = f"{ENDPOINTS}.{variable}"
        offer = offers.of(name)
        if variable in given:
            problems.append(f"{key}: the variable has a value in sdg:workload already; say one of the two.")
        elif offer is None:
            served = {each.name: each for each in offers.offers}
            known = unknown(name, "endpoint of the stack", served) if served else "the stack serves nothing; set sdg:inference.provider."
            problems.append(f"{key}: {known}")
        elif variable in by_variable and (lack := _lacks(by_variable[variable], offer)):
            problems.append(f"{key}: {name} {lack}, which {around.workload} needs there. {around.able(by_variable[variable])}")
        else:
            taken[variable] = offer
            continue
        refused.add(variable)
    for role in roles:
        said = given.get(role.model_variable or "")
        if role.model and said not in (None, role.model):
            problems.append(
                f'sdg:workload: {around.workload} works with the model {role.model} alone; {role.model_variable} is "{said}". Leave it out.'
            )
        if role.variable in chosen or role.variable in given:
            continue
        offer = _first(role, offers)
        if offer is not None:
            taken[role.variable] = offer
        elif around.must:
            problems.append(_missing(role, offers, around))
            refused.add(role.variable)
    return Filled(taken, dict(_overrides(taken, by_variable)), tuple(problems), frozenset(refused))


def _first(role: Role, offers: Offers) -> Offer | None:
    """The first that is able, provider by provider.

    Of a NIM operator that runs what is asked for, that is the spec's own default; the catalog's other NIMs come after all that is named.
    """
    able = [offer for offer in offers.offers if _lacks(role, offer) is None]
    if not able:
        return None
    own = [offer for offer in able if offer.endpoint.provider == "nim-operator" and offer.name == role.nim]
    named = [offer for offer in able if offer.wanted]
    if able[0].endpoint.provider == "nim-operator":
        return [*own, *named, *able][0]
    return able[0]


def _lacks(role: Role, offer: Offer) -> str | None:
    """Why an endpoint will not do, as half a sentence; None when it will."""
    return _lack(role, offer.endpoint.capabilities, offer.endpoint.model, offer.request_path)


def _lack(role: Role, capabilities: tuple[str, ...], model: str, request_path: str | None = None) -> str | None:
    if role.model not in (None, model):
        return f"serves {model} and not {role.model}"
    if missing := [name for name in role.capabilities if name not in capabilities]:
        return f"lacks {', '.join(missing)}"
    if role.request_path and request_path not in (None, role.request_path):
        return f"takes requests at {request_path} and not at {role.request_path}"
    return None


def _missing(role: Role, offers: Offers, around: Around) -> str:
    wanted = f"the model {role.model}" if role.model else f"an endpoint with {', '.join(role.capabilities)}"
    served = ", ".join(f"{offer.name} {_lacks(role, offer)}" for offer in offers.offers if offer.wanted)
    services = next((offer.place for offer in offers.offers if offer.endpoint.provider == "nim-operator"), None)
    add = f"Add one to {services}, or another provider to sdg:inference.also." if services else "Add one to sdg:inference or its also."
    return (
        f"sdg:inference: {around.workload} needs {wanted} for its variable {role.variable}, and no provider of the stack has it"
        f"{f' ({served})' if served else ''}. {around.able(role)} {add}"
    )


def _overrides(taken: Mapping[str, Offer], roles: Mapping[str, Role]) -> Iterator[tuple[str, str]]:
    for variable, offer in taken.items():
        role = roles.get(variable, Role(variable, ()))
        if offer.endpoint.provider == "nim-operator" and offer.name == role.nim:
            continue  # what the spec says by itself
        url = offer.endpoint.url or placeholder(offer.name)
        yield variable, f"{url.removesuffix('/v1')}{role.suffix}" if url.endswith("/v1") else url
        if role.model_variable:
            yield role.model_variable, offer.endpoint.model


def placeholder(name: str) -> str:
    """Stands for the URL of an endpoint that Azure tells once it is made, until then."""
    return f"https://{name}.{PLACEHOLDER}/v1"


def readable(text: str, overrides: Mapping[str, str]) -> str:
    """A sentence about a rendered spec, with words for the URLs that nobody knows yet; also where it shows one cut short.

    Args:
        overrides: the values that the spec was rendered with.
    """
    for url in {url for url in overrides.values() if PLACEHOLDER in url}:
        name = (urlsplit(url).hostname or "").removesuffix(f".{PLACEHOLDER}")
        whole, least = f"https://{name}.{PLACEHOLDER}", len(f"https://{name}.")
        text = text.replace(whole, f"(the URL of {name})")
        for end in range(len(whole), least, -1):
            text = text.replace(f"{whole[:end]}…", f"(the URL of {name})")
    return text
