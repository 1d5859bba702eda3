"""Which endpoints a text refers to: NIM services, cloud functions, Foundry, others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from sdg.catalog.endpoint_hosts import EndpointHosts, endpoint_hosts, is_below
from sdg.catalog.nims import UnknownNim, nim, nims
from sdg.catalog.nvcf_functions import nvcf_functions
from sdg.spec.external import is_endpoint, names_endpoint
from sdg.spec.hosts import Mention, mentions
from sdg.spec.texts import Text

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID: Final = re.compile(_UUID)
_IN_PATH: Final = re.compile(rf"/functions/({_UUID})(?:/versions/({_UUID}))?(?![0-9a-z-])", re.IGNORECASE)
_METADATA: Final = re.compile(rf"function-id[\"']?[\s:=,]{{1,4}}[\"']?({_UUID})", re.IGNORECASE)
_ID_NAME: Final = re.compile(r"(.*?)_?function_?id", re.IGNORECASE)
_VERSION_NAME: Final = re.compile(r"(.*?)_?(?:function_?)?version(?:_?id)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class NvcfFunction:
    """A function of NVIDIA Cloud Functions.

    Attributes:
        function_id: its UUID, in lower case.
        version_id: the version that is asked for; empty for any.
    """

    function_id: str
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class NimReference:
    """A reference to a NIM service by its full name in the cluster."""

    name: str


@dataclass(frozen=True, slots=True)
class FoundryReference:
    """A reference to a host of Azure AI Foundry."""

    host: str


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """A reference to an endpoint that nobody here serves."""

    url: str


@dataclass(frozen=True, slots=True)
class Unsatisfied:
    """A reference that nothing can satisfy as it stands.

    Attributes:
        place: path to the text in the document.
        value: what stands there.
        message: what is wrong with it, as a sentence without its full stop.
        legal: what could stand there.
        nameless: it is a URL of NVIDIA Cloud Functions that names no function.
    """

    place: tuple[str | int, ...]
    value: str
    message: str
    legal: str = ""
    nameless: bool = False


Reference = NimReference | NvcfFunction | FoundryReference | ExternalReference | Unsatisfied


def references(text: Text, *, named: bool = False) -> Iterator[Reference]:
    """Every reference in a text.

    Args:
        named: whether variables of the task name a function of NVIDIA Cloud Functions, so that a URL need not.
    """
    hosts = endpoint_hosts()
    for mention in mentions(text.text, text.name):
        for each in _of_mention(mention, text.place, hosts):
            if not (named and isinstance(each, Unsatisfied) and each.nameless):
                yield each


def function_ids(texts: Iterable[Text]) -> tuple[NvcfFunction, ...]:
    """Functions that one task names by their ids alone.

    In a variable that the catalog knows, or whose name says that it holds an endpoint; in one called `..._FUNCTION_ID`, with the version
    that a variable of the like name holds; or in the metadata of a call.
    """
    known = list(texts)
    guide = {function.environment for function in nvcf_functions().values()}
    alone = ((text.name, found[0].lower()) for text in known if text.name and (found := _ID.fullmatch(text.text.strip().lower())))
    by_name = (value for name, value in alone if name in guide or names_endpoint(name))
    in_metadata = (found[1].lower() for text in known for found in _METADATA.finditer(text.text))
    return (*_named(known), *map(NvcfFunction, by_name), *map(NvcfFunction, in_metadata))


def _named(texts: Iterable[Text]) -> tuple[NvcfFunction, ...]:
    named = [(text.name, text.text.strip().lower()) for text in texts if text.name and _ID.fullmatch(text.text.strip().lower())]
    versions = {found[1].lower(): value for name, value in named if (found := _VERSION_NAME.fullmatch(name.replace("-", "_")))}
    ids = {match[1].lower(): value for name, value in named if (match := _ID_NAME.fullmatch(name.replace("-", "_")))}
    return tuple(NvcfFunction(value, versions.get(prefix, "")) for prefix, value in ids.items())


def _of_mention(mention: Mention, place: tuple[str | int, ...], hosts: EndpointHosts) -> Iterator[Reference]:
    # a DNS name may end with a dot
    host = mention.host.removesuffix(".")
    if name := _before(host, _nim_suffixes()):
        yield from _nim(mention, name, place, hosts)
    elif is_below(host, (hosts.nvcf.api, hosts.nvcf.grpc)):
        yield _nvcf(mention, place, hosts)
    elif is_below(host.partition(".")[2], hosts.foundry):
        yield FoundryReference(host) if mention.complete else _made_at_run_time(mention, place)
    elif is_endpoint(mention):
        yield ExternalReference(mention.url if mention.scheme else f"http://{mention.url}")


@cache
def _nim_suffixes() -> tuple[str, ...]:
    """The right one, then those that pods of other namespaces may or may not resolve: `.osmo-nims.svc.cluster` down to `.osmo-nims`."""
    hosts = endpoint_hosts()
    labels = hosts.nim.domain.split(".")
    shorter = (".".join((hosts.nim.namespace, *labels[:count])) for count in range(len(labels) - 1, -1, -1))
    return (hosts.nim.suffix, *(f".{each}" for each in shorter))


def _before(host: str, suffixes: Iterable[str]) -> str:
    return next((host.removesuffix(suffix) for suffix in suffixes if host.endswith(suffix)), "")


def _nim(mention: Mention, name: str, place: tuple[str | int, ...], hosts: EndpointHosts) -> Iterator[Reference]:
    if not mention.complete:
        yield _made_at_run_time(mention, place)
        return
    try:
        nim(name)
    except UnknownNim as unknown:
        legal = f"a name of the catalog, such as {' or '.join(unknown.near)}" if unknown.near else f"one of {', '.join(nims())}"
        yield Unsatisfied(place, mention.host, f"{name} is no NIM service of the catalog", legal)
        return
    right = hosts.nim.url(name)
    if not mention.host.removesuffix(".").endswith(hosts.nim.suffix):
        yield Unsatisfied(place, mention.host, "a short name of a service resolves in some pods and not in others", right)
        return
    yield NimReference(name)
    if mention.scheme and mention.scheme != "http":
        yield Unsatisfied(place, mention.url, f"NIM services answer http, not {mention.scheme}", right)
    if mention.port not in {hosts.nim.port, None} or (mention.port is None and mention.scheme):
        port = f"port {mention.port}" if mention.port is not None else f"the port that {mention.scheme} has where none is said"
        yield Unsatisfied(place, mention.url, f"NIM services answer at port {hosts.nim.port}, not at {port}", right)


def _nvcf(mention: Mention, place: tuple[str | int, ...], hosts: EndpointHosts) -> Reference:
    own = mention.host.removesuffix(f".{hosts.nvcf.invocation}")
    if _ID.fullmatch(own):
        return NvcfFunction(own)
    if found := _IN_PATH.search(mention.path):
        return NvcfFunction(found[1].lower(), (found[2] or "").lower())
    if not mention.complete:
        return _made_at_run_time(mention, place)
    legal = f"https://<function id>.{hosts.nvcf.invocation}/v1, or a path of {hosts.nvcf.api} with functions/<function id>"
    return Unsatisfied(place, mention.url, "names no function of NVIDIA Cloud Functions", legal, nameless=True)


def _made_at_run_time(mention: Mention, place: tuple[str | int, ...]) -> Unsatisfied:
    message = "which endpoint this is shows only when the task runs, so nothing can be prepared for it"
    return Unsatisfied(place, mention.url, message, "the whole host, or a variable of the task's environment")
