"""What a workload's spec refers to, and whether the stack serves it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from sdg.inference.offers import Catalogs, Offers, unknown
from sdg.inference.roles import PLACEHOLDER
from sdg.nvcf.reference import FunctionReference
from sdg.settings.inference import Inference, NimOperator, NoInference, Nvcf, servers

REMEDY: Final = "or give its variable another endpoint with sdg:workload.endpoints"


class FunctionUse(Protocol):
    """A function that a spec refers to; no id where it says none."""

    @property
    def function_id(self) -> str | None: ...


class Needs(Protocol):
    """What a rendered spec refers to, as discovery says it."""

    @property
    def nim_services(self) -> tuple[str, ...]: ...
    @property
    def nvcf_functions(self) -> tuple[FunctionUse, ...]: ...
    @property
    def foundry_endpoints(self) -> tuple[str, ...]: ...
    @property
    def external_endpoints(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What comes of it.

    Attributes:
        nims: that the spec refers to and the stack can run.
        external: URLs and hosts that nobody here serves.
        problems, notes: a sentence or two each.
    """

    nims: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check(needs: Needs, inference: Inference, offers: Offers, catalogs: Catalogs, workload: str) -> Checked:
    """Compares what is referred to with what can be served.

    Args:
        workload: as a sentence names it.
    """
    served = {(offer.endpoint.url or "").rstrip("/") for offer in offers.offers}
    elsewhere = [url for url in needs.external_endpoints if url.rstrip("/") not in served and PLACEHOLDER not in url]
    elsewhere += [host for host in needs.foundry_endpoints if PLACEHOLDER not in host]
    if isinstance(inference, NoInference):
        return Checked(external=tuple(sorted(elsewhere)), notes=tuple(_nobody(needs, workload)))
    run = {offer.name for offer in offers.offers if offer.endpoint.provider == "nim-operator"}
    problems = [*_nims(needs, inference, run, catalogs, workload), *_functions(needs, inference, workload)]
    nims = tuple(name for name in sorted(needs.nim_services) if name in run)
    return Checked(nims, tuple(sorted(elsewhere)), tuple(problems))


def _nobody(needs: Needs, workload: str) -> Iterator[str]:
    """With no provider, workflows bring their own; whoever reads the preflight learns what these are."""
    functions = [f"function {use.function_id or 'without an id'}" for use in needs.nvcf_functions]
    named = [*(f"NIM {name}" for name in sorted(needs.nim_services)), *functions]
    if named:
        yield f"sdg:inference.provider is none, and {workload} refers to {', '.join(named)}: whoever submits it has to say what serves it."


def _nims(needs: Needs, inference: Inference, run: set[str], catalogs: Catalogs, workload: str) -> Iterator[str]:
    operator = next((server for server in servers(inference) if isinstance(server, NimOperator)), None)
    for name in sorted(needs.nim_services):
        if name not in catalogs.nims:
            yield f"sdg:workload: {workload} refers to a NIM that is not in the catalog: {unknown(name, 'NIM', catalogs.nims)}"
        elif operator is None:
            yield (
                f"sdg:inference: {workload} refers to the NIM {name}, which no provider of the stack serves. Add "
                f"{{provider: nim-operator}} to sdg:inference.also, {REMEDY}."
            )
        elif name not in run:
            yield f"sdg:inference.services lacks {name}, which {workload} refers to. Add it, {REMEDY}."


def _functions(needs: Needs, inference: Inference, workload: str) -> Iterator[str]:
    nvcf = next((server for server in servers(inference) if isinstance(server, Nvcf)), None)
    known = set(_ids(nvcf)) if nvcf else set()
    for use in needs.nvcf_functions:
        if use.function_id is None:
            yield f"sdg:workload: {workload} refers to NVIDIA Cloud Functions without a function's id. Write it into the URL, {REMEDY}."
        elif nvcf is None:
            yield (
                f"sdg:inference: {workload} refers to the function {use.function_id}, and the stack has no provider nvcf. Add it to "
                f"sdg:inference.also, {REMEDY}."
            )
        elif use.function_id not in known:
            yield f"sdg:inference.functions lacks {use.function_id}, which {workload} refers to. Add it, {REMEDY}."


def _ids(nvcf: Nvcf) -> Iterator[str]:
    for given in nvcf.functions.values():
        try:
            reference = FunctionReference.of(given)
        except ValueError:  # a problem of its own
            continue
        if reference.function:
            yield reference.function
