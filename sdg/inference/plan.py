"""From settings, catalogs and a workload's spec to the smallest set of endpoints. Pure: whoever renders the spec is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from sdg.catalog.compatibility import matrix
from sdg.catalog.key_shapes import key_shape
from sdg.catalog.nims import nims
from sdg.inference import needed
from sdg.inference.address import in_plain_text
from sdg.inference.model import InferencePlan, PlannedEndpoint
from sdg.inference.needed import Checked
from sdg.inference.offers import PRIMARY, Catalogs, Offer, Offers, offers, places, serving
from sdg.inference.roles import Around, Filled, Role, fill
from sdg.nvcf import keys as nvcf_keys
from sdg.settings.inference import Inference, NimOperator, NoInference, Nvcf, Server
from sdg.settings.secrets import SECRET_KEYS, SecretName

if TYPE_CHECKING:
    from sdg.spec.discover import Needs


_STORE: Final = "`pulumi config set --secret sdg:{}`"
# what the credentials of a service look like, by the catalog's names of shapes
_SHAPES: Final[Mapping[SecretName, str]] = {"ngcApiKey": "NVIDIA API key", "hfToken": "Hugging Face token"}


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
    """What a stack serves, and what came up.

    Attributes:
        plan: the endpoints.
        problems: everything that is wrong with what it was made of, a sentence or two each.
        notes: what is worth knowing, likewise.
        spec: whether the workload's spec could be asked, so that nothing else will be needed.
    """

    plan: InferencePlan
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    spec: bool = False


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
        named = tuple(_sorted(_endpoints(offered, Filled({}, {}, ()), Checked(), spec=False)))
        return Planned(InferencePlan(named), offered.problems, tuple(_readable_keys(named)))
    kind = matrix().clusters.get(cluster)
    around = Around(asked.workload, kind.inference if kind else (), catalogs, today, must=not isinstance(inference, NoInference))
    filled = fill(asked.roles, asked.chosen, asked.given, offered, around)
    needs = asked.discover(filled.overrides)
    checked = needed.check(needs, inference, offered, asked.workload, filled.refused) if needs else Checked()
    endpoints = tuple(_sorted(_endpoints(offered, filled, checked, spec=needs is not None)))
    idle = _shapes_of_others(inference, endpoints, asked.workload) if needs else ()
    problems = dict.fromkeys((*offered.problems, *filled.problems, *checked.problems, *idle))
    notes = (*checked.notes, *_readable_keys(endpoints), *(_unused(inference, endpoints, asked) if needs else ()))
    return Planned(InferencePlan(endpoints, filled.overrides, checked.external), tuple(problems), notes, needs is not None)


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


def _readable_keys(endpoints: tuple[PlannedEndpoint, ...]) -> Iterator[str]:
    for endpoint in endpoints:
        if endpoint.key and endpoint.url and in_plain_text(endpoint.url):
            yield f"sdg:{endpoint.key} is sent to {endpoint.name} in plain text, since its URL is {endpoint.url}; https would hide it."


def _shapes_of_others(inference: Inference, endpoints: tuple[PlannedEndpoint, ...], workload: str) -> Iterator[str]:
    """Variants and replicas of NIMs that the workload does not refer to; where `services` names NIMs, that is compared already."""
    run = {endpoint.name for endpoint in endpoints if endpoint.provider == "nim-operator"}
    for place, server in places(inference):
        if isinstance(server, NimOperator) and server.services is None:
            said = {"variants": server.variants, "replicas": server.replicas}
            others = [f"{place}.{key}.{name}" for key, shapes in said.items() for name in shapes if name in nims() and name not in run]
            yield from (f"{key}: the stack does not run this NIM, since {workload} does not refer to it; leave it out." for key in others)


def _unused(inference: Inference, endpoints: tuple[PlannedEndpoint, ...], asked: Asked) -> Iterator[str]:
    """What the settings name and the workload does not take: served all the same, since other workflows may."""
    served = {endpoint.provider for endpoint in endpoints}
    for place, server in places(inference):
        if server.provider not in served:
            yield f"{asked.workload} asks {server.provider} ({place}) for nothing, so nothing is made for it."
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


def secret_problems(inference: Inference, planned: Planned, given: Mapping[SecretName, str], catalogs: Catalogs) -> Iterator[str]:
    """Keys that what is planned needs and that nobody gave, or that can be seen to be of the wrong kind; no value is shown.

    Args:
        given: the secrets that have a value.
    """
    wrong_values: set[str] = set()  # one value may stand for two keys
    for key, reason in _keys(inference, planned, catalogs):
        if key not in given:
            variable = SECRET_KEYS[key].variable
            how = f"set it with {_STORE.format(key)}, or set {variable}"
            yield f"sdg:{key} is required, because {reason}: {how}."
        elif given[key] not in wrong_values and (wrong := _misplaced(key, given[key])):
            wrong_values.add(given[key])
            yield wrong


def _misplaced(key: SecretName, value: str) -> str | None:
    """Why a key cannot be what its name says, by its form alone."""
    if key == "nvcfApiKey":
        return nvcf_keys.problem(value)
    shape = key_shape(value)
    if shape is None or shape == _SHAPES.get(key, shape):
        return None
    variable = SECRET_KEYS[key].variable
    return f"sdg:{key} (or {variable}) has the form of another service's credential ({shape}); store the right one: {_STORE.format(key)}."


def _keys(inference: Inference, named: Planned, catalogs: Catalogs) -> Iterator[tuple[SecretName, str]]:
    planned = named.plan
    for place, server in places(inference):
        key = _of_provider(server)
        if key is not None and (planned.of(server.provider) or not named.spec):
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
