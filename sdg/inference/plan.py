"""From settings, catalogs and a workload's spec to the smallest set of endpoints. Pure: whoever renders the spec is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from sdg.catalog.compatibility import matrix
from sdg.inference import needed
from sdg.inference.model import InferencePlan, PlannedEndpoint
from sdg.inference.needed import Checked
from sdg.inference.offers import PRIMARY, Catalogs, Offer, Offers, offers, places, serving
from sdg.inference.roles import Around, Filled, Role, fill
from sdg.nvcf import keys as nvcf_keys
from sdg.settings.inference import Inference, NimOperator, NoInference, Nvcf, Server
from sdg.settings.secrets import SECRET_KEYS, SecretName

if TYPE_CHECKING:
    from sdg.spec.discover import Needs


@dataclass(frozen=True, slots=True)
class Asked:
    """What a workload asks of the stack's endpoints.

    Attributes:
        workload: as a sentence names it.
        roles: its variables that take URLs of endpoints.
        chosen: endpoints by variable, where the user says which one.
        given: values of variables that the user gives.
        discover: what the spec refers to when these variables have these values; None when it cannot be rendered.
    """

    workload: str
    roles: tuple[Role, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    discover: Callable[[Mapping[str, str]], Needs | None] = lambda _overrides: None


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan, everything that is wrong with what it was made of, and what is worth knowing; a sentence or two each."""

    plan: InferencePlan
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan(
    inference: Inference,
    asked: Asked | None,
    cluster: str,
    today: date,
    catalogs: Catalogs | None = None,
) -> Planned:
    """Which endpoints the stack serves: those that its settings name, and those that its workload asks for.

    Args:
        inference: the stack's settings.
        asked: what its workload asks; None without one.
        cluster: kind of its cluster.
        today: models that have been retired by then serve nobody.
        catalogs: what is known; the project's own when None.
    """
    catalogs = catalogs or Catalogs.known()
    offered = offers(inference, catalogs, today)
    if asked is None:
        return Planned(InferencePlan(tuple(_sorted(_endpoints(offered, Filled({}, {}, ()), Checked(), spec=False)))), offered.problems)
    kind = matrix().clusters.get(cluster)
    around = Around(asked.workload, kind.inference if kind else (), catalogs, today, must=not isinstance(inference, NoInference))
    filled = fill(asked.roles, asked.chosen, asked.given, offered, around)
    needs = asked.discover(filled.overrides)
    checked = needed.check(needs, inference, offered, asked.workload) if needs else Checked()
    endpoints = tuple(_sorted(_endpoints(offered, filled, checked, spec=needs is not None)))
    problems = dict.fromkeys((*offered.problems, *filled.problems, *checked.problems))
    notes = (*checked.notes, *_unused(inference, endpoints, asked))
    return Planned(InferencePlan(endpoints, filled.overrides, checked.external), tuple(problems), notes)


def _endpoints(offered: Offers, filled: Filled, checked: Checked, *, spec: bool) -> Iterator[PlannedEndpoint]:
    """Those that somebody asks for.

    Args:
        spec: whether the rendered spec could be asked; if not, the roles alone say what it refers to.
    """
    variables = {name: set(held) for name, held in checked.nims.items()}
    for variable, offer in filled.by_variable.items():
        variables.setdefault(offer.name, set()).add(variable)
    seen = set()
    for offer in offered.offers:
        if offer.name in seen:
            continue  # a second one of a name is a problem already
        if offer.wanted or _asked_for(offer, filled, checked, spec=spec) or (not filled.by_variable and _default(offer)):
            seen.add(offer.name)
            yield serving(offer, tuple(sorted(variables.get(offer.name, ()))))


def _asked_for(offer: Offer, filled: Filled, checked: Checked, *, spec: bool) -> bool:
    if offer.endpoint.provider == "nim-operator" and spec:
        return offer.name in checked.nims
    return any(taken is offer for taken in filled.by_variable.values())


def _default(offer: Offer) -> bool:
    """Whether it is what its provider serves when nobody says what."""
    return offer.endpoint.provider == "foundry"


def _sorted(endpoints: Iterator[PlannedEndpoint]) -> list[PlannedEndpoint]:
    return sorted(endpoints, key=lambda endpoint: (endpoint.provider, endpoint.name))


def _unused(inference: Inference, endpoints: tuple[PlannedEndpoint, ...], asked: Asked) -> Iterator[str]:
    """What the settings name and the workload does not take: served all the same, since other workflows may."""
    if isinstance(inference, NimOperator) and not any(endpoint.provider == "nim-operator" for endpoint in endpoints):
        yield f"{asked.workload} refers to no NIM, and sdg:inference.services names none, so none runs."
    idle = [endpoint.name for endpoint in endpoints if asked.roles and endpoint.provider != "nim-operator" and not endpoint.variables]
    if idle:
        names = ", ".join(idle)
        yield f"{asked.workload} takes no URL of {names}, which sdg:inference names; say in sdg:workload.endpoints which variable should."


def provider_problems(inference: Inference, cluster: str) -> Iterator[str]:
    """Providers that cannot be together, or not on such a cluster; that of the first one is the settings' own to refuse."""
    known = matrix()
    named = places(inference)
    apart = {place: refusal for place, server in named if (refusal := known.refusal(cluster, server.provider))}
    yield from (f"{place}.provider: {refusal}" for place, refusal in apart.items() if place != PRIMARY)
    possible = [server.provider for place, server in named if place not in apart]
    if refusal := known.combination_refusal(cluster, possible):
        yield f"sdg:inference.also: {refusal}"


def secret_problems(inference: Inference, planned: InferencePlan, given: Mapping[SecretName, str], catalogs: Catalogs) -> Iterator[str]:
    """Keys that what is planned needs and that nobody gave, or that can be seen to be of the wrong kind; no value is shown.

    Args:
        given: the secrets that have a value.
    """
    for key, reason in _keys(inference, planned, catalogs):
        if key not in given:
            variable = SECRET_KEYS[key].variable
            how = f"set it with `pulumi config set --secret sdg:{key}`, or set {variable}"
            yield f"sdg:{key} is required, because {reason}: {how}."
        elif key == "nvcfApiKey" and (wrong := nvcf_keys.problem(given[key])):
            yield wrong


def _keys(inference: Inference, planned: InferencePlan, catalogs: Catalogs) -> Iterator[tuple[SecretName, str]]:
    for place, server in places(inference):
        if (key := _of_provider(server)) is not None:
            yield key, f"{place}.provider is {server.provider}"
    downloads = [
        endpoint.name for endpoint in planned.of("nim-operator") if (nim := catalogs.nims.get(endpoint.name)) is not None and nim.hf_token
    ]
    if downloads:
        several = len(downloads) > 1
        yield "hfToken", f"the NIM{'s' if several else ''} {', '.join(downloads)} download{'' if several else 's'} from Hugging Face"
    for endpoint in planned.of("external"):
        if endpoint.key is not None:
            yield endpoint.key, f"the endpoint {endpoint.name} of sdg:inference says key {endpoint.key}"


def _of_provider(server: Server) -> SecretName | None:
    match server:
        case NimOperator():
            return "ngcApiKey"
        case Nvcf():
            return "nvcfApiKey"
        case _:
            return None
