"""What the providers of a stack can serve, by its settings and the catalogs, before anybody asked for anything. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, assert_never

from sdg.catalog.capabilities import UnknownCapability, capability, request_kind
from sdg.catalog.foundry_models import FoundryModel, foundry_models, retirement
from sdg.catalog.near import nearest
from sdg.catalog.nims import Nim, UnknownVariant, nims
from sdg.catalog.nvcf_functions import NvcfFunction, nvcf_functions
from sdg.inference.address import in_plain_text
from sdg.inference.model import PlannedEndpoint
from sdg.nvcf.reference import FunctionReference
from sdg.platform.layout import NIM_NAMESPACE, NIM_PORT
from sdg.settings.inference import External, Foundry, Inference, NimOperator, Nvcf, Server, servers

PRIMARY: Final = "sdg:inference"
MODELS: Final = "/v1/models"
_NVIDIA_KEYS: Final = ("ngcApiKey", "nvcfApiKey")  # they open more than one endpoint


@dataclass(frozen=True, slots=True)
class Catalogs:
    """What is known of models, by name."""

    nims: Mapping[str, Nim]
    functions: Mapping[str, NvcfFunction]
    foundry: Mapping[str, FoundryModel]

    @classmethod
    def known(cls) -> Catalogs:
        """Those of the project."""
        return cls(nims(), nvcf_functions(), foundry_models())


@dataclass(frozen=True, slots=True)
class Offer:
    """An endpoint that a provider of the stack can serve.

    Attributes:
        endpoint: as it would be planned.
        place: key of the settings that names it, or its provider.
        wanted: whether the settings ask for it by name, so that it is served whoever uses it.
        request_path: where requests of its kind go; None where that is OpenAI's own.
    """

    endpoint: PlannedEndpoint
    place: str
    wanted: bool
    request_path: str | None = None

    @property
    def name(self) -> str:
        return self.endpoint.name


@dataclass(frozen=True, slots=True)
class Offers:
    """Everything that the providers of a stack can serve, in their order, and what is wrong with what the settings say of it."""

    offers: tuple[Offer, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, name: str) -> Offer | None:
        """The first of a name; a second one is a problem already."""
        return next((offer for offer in self.offers if offer.name == name), None)


def places(inference: Inference) -> tuple[tuple[str, Server], ...]:
    """Every provider of a stack, the first one first, by the key that says it."""
    return tuple((f"{PRIMARY}.also[{number - 1}]" if number else PRIMARY, server) for number, server in enumerate(servers(inference)))


def nim_url(name: str) -> str:
    """Base URL of a NIM as clients in the cluster take it."""
    return f"http://{name}.{NIM_NAMESPACE}.svc.cluster.local:{NIM_PORT}/v1"


def offers(inference: Inference, catalogs: Catalogs, today: date) -> Offers:
    """What can be served.

    Args:
        inference: the stack's settings.
        catalogs: what is known.
        today: models that have been retired by then serve nobody.
    """
    found: list[Offer] = []
    problems: list[str] = []
    for place, server in places(inference):
        match server:
            case NimOperator():
                made, wrong = _nims(server, place, catalogs.nims)
            case Nvcf():
                made, wrong = _functions(server, place, catalogs.functions)
            case Foundry():
                made, wrong = _foundry(server, place, catalogs.foundry, today)
            case External():
                made, wrong = _external(server, place)
            case _:
                assert_never(server)
        found += made
        problems += wrong
    return Offers(_without_doubles(found), (*problems, *_twice(found)))


def unknown(name: str, what: str, known: Mapping[str, object]) -> str:
    """That a name is not known, and which ones are near; the rest of a sentence."""
    near = nearest(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}."
    return f'"{name}" is not a known {what}; {hint}'


def _without_doubles(found: list[Offer]) -> tuple[Offer, ...]:
    """What nobody named gives way to what has its name: the NIM `qwen25-14b` to the function `qwen25-14b` that the settings name."""
    named = {offer.name for offer in found if offer.wanted}
    return tuple(offer for offer in found if offer.wanted or offer.name not in named)


def _twice(found: list[Offer]) -> Iterator[str]:
    """Names are what workloads and the gate know endpoints by, whoever serves them."""
    first: dict[str, Offer] = {}
    for offer in found:
        other = first.setdefault(offer.name, offer)
        # of one provider named twice, that is the problem
        if offer.wanted and other.wanted and offer.endpoint.provider != other.endpoint.provider:
            yield f'{offer.place}: the name "{offer.name}" is taken by {other.place}; leave one of the two out, or give it another name.'


def _nims(server: NimOperator, place: str, known: Mapping[str, Nim]) -> tuple[list[Offer], list[str]]:
    problems: list[str] = []
    named = server.services
    for number, name in enumerate(named or ()):
        if name not in known:
            problems.append(f"{place}.services[{number}]: {unknown(name, 'NIM', known)}")
        elif name in (named or ())[:number]:
            problems.append(f'{place}.services[{number}]: "{name}" stands there twice; name it once.')
    for key in ("variants", "replicas"):
        for name in getattr(server, key):
            if name not in known:
                problems.append(f"{place}.{key}.{name}: {unknown(name, 'NIM', known)}")
            elif named is not None and name not in named:
                problems.append(f"{place}.{key}.{name}: the stack does not run this NIM; add it to {place}.services, or leave it out here.")
    made = []
    for name in dict.fromkeys(known if named is None else [name for name in named if name in known]):
        try:
            shaped = known[name].variant(server.variants.get(name))
        except UnknownVariant as error:
            shaped = known[name]
            legal = ", ".join(shaped.variants) or "none, so leave it out"
            problems.append(f'{place}.variants.{name}: "{error.name}" is no variant of this NIM; it has {legal}.')
        made.append(Offer(_nim(name, shaped), f"{place}.services", named is not None, shaped.request_path))
    return made, problems


def _nim(name: str, nim: Nim) -> PlannedEndpoint:
    return PlannedEndpoint(name, "nim-operator", nim.model, nim.capabilities, nim_url(name), nim.ready, request=nim.request)


def _functions(server: Nvcf, place: str, known: Mapping[str, NvcfFunction]) -> tuple[list[Offer], list[str]]:
    made, problems = [], []
    named: dict[FunctionReference, str] = {}
    for name, given in server.functions.items():
        key = f"{place}.functions.{name}"
        if name not in known:
            problems.append(f"{key}: {unknown(name, 'function', known)}")
            continue
        try:
            reference = FunctionReference.of(given)
        except ValueError as error:
            problems.append(f"{key}: {error}.")
            continue
        if (other := named.setdefault(reference, name)) != name:
            problems.append(f"{key}: {place}.functions.{other} names the same function, and one function serves one model; correct either.")
        function = known[name]
        endpoint = PlannedEndpoint(
            name, "nvcf", function.model, function.capabilities, reference.base_url, MODELS, "nvcfApiKey", request=function.request
        )
        made.append(Offer(endpoint, key, wanted=True))
    return made, problems


def _foundry(server: Foundry, place: str, known: Mapping[str, FoundryModel], today: date) -> tuple[list[Offer], list[str]]:
    made, problems = [], []
    for name, said in server.models.items():
        key = f"{place}.models.{name}"
        model = known.get(said.model or name)
        if model is None:
            where = f"{key}.model" if said.model else key
            problems.append(f"{where}: {unknown(said.model or name, 'model of Foundry', known)}")
            continue
        if retired := retirement(said.model or name, today):
            problems.append(f"{key}: {retired}")
        # requests to a deployment name the deployment
        called = name if server.offer == "deployment" else model.name
        endpoint = PlannedEndpoint(name, "foundry", called, model.capabilities, None, MODELS, None, request=model.request)
        made.append(Offer(endpoint, key, wanted="models" in server.model_fields_set))
    return made, problems


def _external(server: External, place: str) -> tuple[list[Offer], list[str]]:
    made, problems = [], []
    for name, said in server.endpoints.items():
        key = f"{place}.endpoints.{name}"
        wrong = list(_unknown_capabilities(said.capabilities))
        problems += [f"{key}.capabilities: {problem}" for problem in wrong]
        request = "none" if wrong else request_kind(said.capabilities)
        secret = None if said.key == "none" else said.key
        if secret in _NVIDIA_KEYS and in_plain_text(said.url):
            problems.append(f"{key}.url: {secret} would be sent there in plain text; give an https URL, or another key.")
        url = said.url.rstrip("/")
        endpoint = PlannedEndpoint(name, "external", said.model, said.capabilities, url, _ready(url), secret, request=request)
        made.append(Offer(endpoint, key, wanted=True))
    return made, problems


def _unknown_capabilities(names: tuple[str, ...]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        try:
            capability(name)
        except UnknownCapability as error:
            yield str(error)


def _ready(url: str) -> str:
    """The list of models below a base URL, as a path of its origin."""
    return f"/{url.partition('://')[2].partition('/')[2]}/models".replace("//", "/")


def serving(offer: Offer, variables: tuple[str, ...]) -> PlannedEndpoint:
    """The endpoint, for these variables of the workload."""
    return replace(offer.endpoint, variables=variables)
