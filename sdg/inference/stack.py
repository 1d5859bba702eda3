"""The endpoints of a stack and what its workload needs: settings, files and catalogs together, before anything exists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from sdg.inference.model import InferencePlan
from sdg.inference.offers import PRIMARY, Catalogs, offers, places
from sdg.inference.plan import Asked, Planned, plan, provider_problems, secret_problems
from sdg.inference.roles import readable
from sdg.osmo.layout import GPU_PLATFORM
from sdg.osmo.values.pools import DEFAULT_PLATFORM
from sdg.settings.cluster import Cluster
from sdg.settings.inference import Inference, NimOperator
from sdg.settings.osmo import Osmo
from sdg.settings.rules import Sections
from sdg.settings.secrets import SecretName
from sdg.settings.workload import CataloguedWorkload, NoWorkload, SpecWorkload
from sdg.workload.model import PlannedWorkload
from sdg.workload.variables import SpecVariables

if TYPE_CHECKING:  # they take a while to import, and only workloads need them
    from sdg.spec.discover import Needs
    from sdg.spec.problem import Problem
    from sdg.spec.render import Rendered
    from sdg.spec.schema import Profile
    from sdg.spec.values import Values
    from sdg.workload.found import Found

KEY: Final = "sdg:workload"


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What a stack serves, and what its workload needs.

    Attributes:
        inference: the endpoints.
        workload: None without one, and where it cannot be rendered.
        problems: everything that refuses the stack, a sentence or two each.
        notes: what is worth knowing.
    """

    inference: InferencePlan = field(default_factory=InferencePlan)
    workload: PlannedWorkload | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan_stack(
    sections: Sections, given: Mapping[SecretName, str], environ: Mapping[str, str] = os.environ, today: date | None = None
) -> StackPlan:
    """Plans a stack.

    Args:
        sections: those of its settings that could be read.
        given: its secrets that have a value, in plain.
        environ: environment variables; one of them says where fetched workloads are kept.
        today: models that have been retired by then serve nobody; this day when None.
    """
    inference, cluster, workload = sections.get("inference"), sections.get("cluster"), sections.get("workload")
    catalogs, day = Catalogs.known(), today or datetime.now(tz=UTC).date()
    said = None if isinstance(workload, NoWorkload) else workload
    found = _found(said, environ) if said else None
    if inference is None or cluster is None:  # refused already, and what these would come to with the rest would be guesses
        named = offers(inference, catalogs, day).problems if inference else ()
        return StackPlan(problems=(*(found.problems if found else ()), *named))
    asked, spec = None, None
    if said and found:
        spec = _Spec(found, said, sections.get("osmo") or Osmo(), cluster)
        asked = Asked(found.name, found.roles, said.endpoints, {**found.values.values, **found.values.strings}, spec.discover)
    planned = plan(inference, asked, cluster.kind, day, catalogs)
    problems = [
        *provider_problems(inference, cluster.kind),
        *(found.problems if found else ()),
        *planned.problems,
        *(spec.problems if spec else ()),
        *secret_problems(inference, planned, given, catalogs),
        *(_nothing(inference, planned) if isinstance(workload, NoWorkload) else ()),
    ]
    notes = (*planned.notes, *(spec.warnings if spec else ()))
    return StackPlan(planned.plan, spec.workload if spec else None, tuple(problems), notes)


def _found(workload: CataloguedWorkload | SpecWorkload, environ: Mapping[str, str]) -> Found:
    from sdg.workload.found import find  # noqa: PLC0415

    return find(workload, environ)


def _nothing(inference: Inference, planned: Planned) -> Iterable[str]:
    """A provider that has nothing to serve: nobody names NIMs, and there is no workload that would."""
    for place, server in places(inference):
        if isinstance(server, NimOperator) and not planned.plan.of("nim-operator") and not planned.problems:
            without = "set sdg:inference.provider to none" if place == PRIMARY else "leave nim-operator out of sdg:inference.also"
            yield (
                f"{place}.services is unset, and there is no sdg:workload whose spec says which NIMs to run. Name some in "
                f"{place}.services, name a workload, or {without}."
            )


class _Spec:
    """A workload's spec, rendered with the URLs that the plan comes to."""

    def __init__(self, found: Found, said: CataloguedWorkload | SpecWorkload, osmo: Osmo, cluster: Cluster) -> None:
        self._found, self._said, self._osmo = found, said, osmo
        self._gpus, self._dedicated = bool(cluster.gpus), cluster.dedicated_gpu_nodes
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.workload: PlannedWorkload | None = None

    def discover(self, overrides: Mapping[str, str]) -> Needs | None:
        """What it refers to; None when it cannot be rendered, which `problems` then says."""
        if self._found.text is None or self._found.path is None:
            return None
        from sdg.spec.discover import discover  # noqa: PLC0415
        from sdg.spec.problem import SpecError  # noqa: PLC0415
        from sdg.spec.render import render  # noqa: PLC0415

        values = _over(self._found.values, overrides)
        try:
            rendered = render(self._found.text, values)
        except SpecError as error:
            self._say(map(_as_settings, error.problems), overrides)
            return None
        needs = discover(rendered)
        self._say((*self._validated(rendered), *needs.errors), overrides)
        variables = SpecVariables.of(self._found.name, self._found.text, rendered)
        self.problems += variables.problems(self._said, (role.variable for role in self._found.roles))
        self.warnings += variables.notes(self._said)
        self.workload = PlannedWorkload(self._found.name, self._found.path, self._found.text, values, rendered, needs)
        return needs

    def _validated(self, rendered: Rendered) -> Iterable[Problem]:
        """What OSMO would refuse, as the stack sets OSMO up."""
        from sdg.spec.validate import Surroundings, validate  # noqa: PLC0415

        profile: Profile = "6.4" if self._osmo.profile == "6.4" else "6.3"  # another one is refused by a rule of its own
        platforms = (DEFAULT_PLATFORM, *((GPU_PLATFORM,) if self._gpus else ()))
        able = (GPU_PLATFORM,) if self._dedicated else platforms
        surroundings = Surroundings(platforms=platforms, gpu_platforms=able)
        return validate(rendered, profile, surroundings)

    def _say(self, problems: Iterable[Problem], overrides: Mapping[str, str]) -> None:
        for problem in problems:
            sentence = f"{KEY}: {self._found.name}: {readable(str(problem), overrides)}."
            (self.problems if problem.severity == "error" else self.warnings).append(sentence)


def _as_settings(problem: Problem) -> Problem:
    """As it is mended in a stack: there are no options of a command line there."""
    if problem.rule != "undefined-variable":
        return problem
    name = problem.path.rpartition(".")[2]
    return replace(problem, legal=f"sdg:workload.strings.{name}, or a default under default-values")


def _over(values: Values, overrides: Mapping[str, str]) -> Values:
    """With the URLs, as text: what a user says to be text is never cast."""
    return replace(values, strings={**values.strings, **overrides})
