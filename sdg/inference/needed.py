"""What a workload's spec refers to, and whether the stack serves it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sdg.inference.offers import Offers, nim_url, places
from sdg.inference.roles import PLACEHOLDER
from sdg.nvcf.reference import FunctionReference
from sdg.settings.inference import Inference, NimOperator, NoInference, Nvcf
from sdg.spec.references import NimReference, Reference

if TYPE_CHECKING:
    from sdg.spec.discover import Needs

REMEDY: Final = "or give its variable another endpoint with sdg:workload.endpoints"


@dataclass(frozen=True, slots=True)
class Checked:
    """What comes of it.

    Attributes:
        nims: that the spec refers to and the stack can run, each with the variables that refer to it.
        external: URLs and hosts that nobody here serves.
        problems, notes: a sentence or two each.
    """

    nims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    external: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check(needs: Needs, inference: Inference, offers: Offers, workload: str, refused: Collection[str] = ()) -> Checked:
    """Compares what is referred to with what can be served.

    Args:
        workload: as a sentence names it.
        refused: variables that a problem speaks of already: what these refer to is not worth another.
    """
    served = {(offer.endpoint.url or "").rstrip("/") for offer in offers.offers}
    elsewhere = [url for url in needs.external_endpoints if url.rstrip("/") not in served and PLACEHOLDER not in url]
    elsewhere += [host for host in needs.foundry_endpoints if PLACEHOLDER not in host]
    if isinstance(inference, NoInference):
        return Checked(external=tuple(sorted(elsewhere)), notes=tuple(_nobody(needs, workload)))
    run = {offer.name for offer in offers.offers if offer.endpoint.provider == "nim-operator"}
    known = run | {name for name in needs.nim_services if nim_url(name) in served}  # the URL of an endpoint elsewhere, too
    unserved = [name for name in needs.nim_services if name not in known and not _told(needs, NimReference(name), refused)]
    problems = [*_nims(unserved, needs, inference, workload), *_functions(needs, inference, workload)]
    nims = {name: _variables(needs, NimReference(name)) for name in needs.nim_services if name in run}
    return Checked(nims, tuple(sorted(elsewhere)), tuple(problems))


def _nobody(needs: Needs, workload: str) -> Iterator[str]:
    """With no provider, workflows bring their own; whoever reads the preflight learns what these are."""
    named = [*(f"NIM {name}" for name in needs.nim_services), *(f"function {use.function_id}" for use in needs.nvcf_functions)]
    if named:
        yield f"sdg:inference.provider is none, and {workload} refers to {', '.join(named)}: whoever submits it has to say what serves it."


def _told(needs: Needs, reference: Reference, refused: Collection[str]) -> bool:
    """Whether all that is wrong with a reference is wrong with the variables that hold it."""
    held = _variables(needs, reference)
    return bool(held) and set(held) <= set(refused)


def _nims(unserved: list[str], needs: Needs, inference: Inference, workload: str) -> Iterator[str]:
    """NIMs of the catalog; a spec that refers to others has a problem of its own."""
    operator = next((place for place, server in places(inference) if isinstance(server, NimOperator)), None)
    for name in unserved:
        refers = f"{workload} refers to the NIM {name}{_by(needs, NimReference(name))}"
        if operator is None:
            yield (
                f"sdg:inference: {refers}, which no provider of the stack serves. Add {{provider: nim-operator}} to sdg:inference.also, "
                f"{REMEDY}."
            )
        else:
            yield f"{operator}.services lacks {name}: {refers}. Add it, {REMEDY}."


def _functions(needs: Needs, inference: Inference, workload: str) -> Iterator[str]:
    nvcf = next(((place, server) for place, server in places(inference) if isinstance(server, Nvcf)), None)
    known = set(_ids(nvcf[1])) if nvcf else set()
    for use in needs.nvcf_functions:
        refers = f"{workload} refers to the function {use.function_id}{_by(needs, use)}"
        if nvcf is None:
            yield f"sdg:inference: {refers}, and the stack has no provider nvcf. Add it to sdg:inference.also, {REMEDY}."
        elif use.function_id not in known:
            yield f"{nvcf[0]}.functions lacks {use.function_id}: {refers}. Add it, {REMEDY}."


def _by(needs: Needs, reference: Reference) -> str:
    """The variables that hold a reference, as the end of what refers to it."""
    variables = _variables(needs, reference)
    return f" with its variable {' and '.join(variables)}" if variables else ""


def _variables(needs: Needs, reference: Reference) -> tuple[str, ...]:
    return tuple(sorted(name for name, held in needs.variables.items() if reference in held))


def _ids(nvcf: Nvcf) -> Iterator[str]:
    for given in nvcf.functions.values():
        try:
            reference = FunctionReference.of(given)
        except ValueError:  # a problem of its own
            continue
        if reference.function:
            yield reference.function
