"""What a rendered spec needs: endpoints, credentials, images, data, and how much of a cluster at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sdg.catalog.nims import nims
from sdg.spec.credentials import Credential, credentials_of
from sdg.spec.data import DataUrl, data_urls_of
from sdg.spec.external import shortest
from sdg.spec.images import images_of, registries_of
from sdg.spec.peak import Peak, Together, peak_of, together_of
from sdg.spec.problem import MOST, Problem, shown
from sdg.spec.references import (
    ExternalReference,
    FoundryReference,
    NimReference,
    NvcfFunction,
    Reference,
    Unsatisfied,
    function_ids,
    references,
)
from sdg.spec.render import Rendered
from sdg.spec.tasks import Task, tasks_of
from sdg.spec.texts import Text, texts_of


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything that a spec needs to run.

    Attributes:
        nim_services: names in the catalog, sorted.
        nvcf_functions: of NVIDIA Cloud Functions.
        foundry_endpoints: hosts.
        external_endpoints: URLs of endpoints that somebody else serves.
        credentials: of OSMO, by name and use.
        images: as the spec writes them.
        registries: hosts that they come from.
        tasks: with what each asks for.
        peak: the most that can run together.
        errors: references that nothing can satisfy, the first MOST of them; what OSMO would refuse is `validate`'s to say.
        data_urls: that tasks read and write.
        together: sets of tasks that can run at the same time.
        variables: of the spec that were read and hold endpoints, with what they hold.
    """

    nim_services: tuple[str, ...] = ()
    nvcf_functions: tuple[NvcfFunction, ...] = ()
    foundry_endpoints: tuple[str, ...] = ()
    external_endpoints: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    images: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    peak: Peak = field(default_factory=Peak)
    errors: tuple[Problem, ...] = ()
    data_urls: tuple[DataUrl, ...] = ()
    together: Together = field(default_factory=Together)
    variables: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)

    @property
    def nim_gpus(self) -> int:
        """GPUs that the NIM services hold as long as they run."""
        return sum(nims()[name].gpus for name in self.nim_services)

    def as_json(self, problems: Iterable[Problem] = ()) -> dict[str, Any]:
        """The needs for other programs; documented in docs/workloads.md.

        Args:
            problems: of rendering and validating, listed before those of discovery.
        """
        return {
            "nim_services": list(self.nim_services),
            "nim_gpus": self.nim_gpus,
            "nvcf_functions": [{"function_id": each.function_id, "version_id": each.version_id or None} for each in self.nvcf_functions],
            "foundry_endpoints": list(self.foundry_endpoints),
            "external_endpoints": list(self.external_endpoints),
            "credentials": [asdict(each) for each in self.credentials],
            "images": list(self.images),
            "registries": list(self.registries),
            "tasks": [{key: getattr(task, key) for key in ("name", "group", "cpu", "gpu", "memory", "storage")} for task in self.tasks],
            "peak": asdict(self.peak),
            "errors": [str(each) for each in (*problems, *self.errors)],
        }


def discover(rendered: Rendered) -> Needs:
    """What a spec needs, read from what it was rendered to: never from comments, unused or overridden defaults, or branches not taken."""
    tasks = tasks_of(rendered.document)
    found, problems = _references(rendered, tasks)
    images = images_of(tasks)
    return Needs(
        nim_services=tuple(sorted(each.name for each in found if isinstance(each, NimReference))),
        nvcf_functions=tuple(sorted(each for each in found if isinstance(each, NvcfFunction))),
        foundry_endpoints=tuple(sorted(each.host for each in found if isinstance(each, FoundryReference))),
        external_endpoints=shortest(each.url for each in found if isinstance(each, ExternalReference)),
        credentials=credentials_of(tasks),
        images=images,
        registries=registries_of(images),
        tasks=tasks,
        peak=peak_of(tasks),
        errors=problems,
        data_urls=data_urls_of(tasks),
        together=together_of(tasks),
        variables=_variables(rendered, found),
    )


def _references(rendered: Rendered, tasks: Iterable[Task]) -> tuple[set[Reference], tuple[Problem, ...]]:
    """What all texts refer to, and one problem for each wrong reference, where it first stands."""
    found: set[Reference] = set()
    wrong: dict[tuple[str, str], Unsatisfied] = {}
    for task in tasks:
        texts = list(texts_of(task))
        by_id = function_ids(texts)
        found.update(by_id)
        for text in texts:
            for each in references(text, named=bool(by_id)):
                if not isinstance(each, Unsatisfied):
                    found.add(each)
                elif len(wrong) < MOST:
                    wrong.setdefault((each.value, each.message), each)
    problems = (_problem(rendered, each.place, each.value, each.message, each.legal) for each in wrong.values())
    return found, tuple(problems)


def _problem(rendered: Rendered, place: tuple[str | int, ...], value: str, message: str, legal: str = "") -> Problem:
    return Problem(rendered.line(*place), ".".join(map(str, place)), shown(value) if value else "", message, legal, rule="needs")


def _variables(rendered: Rendered, found: set[Reference]) -> dict[str, tuple[Reference, ...]]:
    """Variables that the rendering read, with those of the spec's references that they hold."""
    held: dict[str, tuple[Reference, ...]] = {}
    for name in sorted(rendered.used) if found else ():
        value = rendered.values.get(name)
        if isinstance(value, str):
            own = dict.fromkeys(each for each in references(Text(("default-values", name), value, name)) if each in found)
            if own:
                held[name] = tuple(own)
    return held
