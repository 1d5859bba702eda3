"""Regions that would do for a stack in Azure. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sdg.azure.account import Account
from sdg.azure.errors import ArmError
from sdg.catalog.azure_requirements import azure_requirements
from sdg.preflight.azure import checks, region, stack, there
from sdg.preflight.azure.asking import Asked, ask
from sdg.preflight.azure.wanted import WantedStack
from sdg.preflight.model import Finding, Subject
from sdg.settings.azure import Azure

Verdict = Literal["fits", "not known", "does not"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
NOT_UNDERSTOOD: Final = "azure-answers"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A region, and what stands in the way there.

    Attributes:
        unanswered: questions about it that got no answer, or none that was understood.
    """

    region: str
    findings: tuple[Finding, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """A region of which too little is known never fits."""
        if any(finding.refuses and finding.check != NOT_UNDERSTOOD for finding in self.findings):
            return "does not"
        return "not known" if self.unanswered or any(finding.check == NOT_UNDERSTOOD for finding in self.findings) else "fits"


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found.

    Attributes:
        candidates: the regions that were looked at: first those that fit, else in the order in which they were named.
        findings: what stands in the way everywhere, or why no region was looked at.
    """

    candidates: tuple[Candidate, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether nothing can be made in any region."""
        return any(finding.refuses for finding in self.findings)

    @property
    def best(self) -> str | None:
        """The first region that fits."""
        return next((candidate.region for candidate in self.candidates if candidate.verdict == "fits"), None)


def candidates(cluster: Azure, named: Iterable[str] = ()) -> list[str]:
    """Regions to look at: those that are named, the stack's own, and those of the catalog."""
    return list(dict.fromkeys([*map(region.short_name, named), cluster.location, *azure_requirements().regions]))


def find(subject: Subject, cluster: Azure, account: Account, regions: Iterable[str]) -> Search:
    """Asks every region at once what the stack needs of it.

    Args:
        regions: short names.
    """
    wanted = stack.wanted(subject, cluster, account)
    places = [wanted.elsewhere(name) for name in regions]
    try:
        with stack.arm(subject, account) as reader:
            disabled = checks.usable(wanted, reader)
            common = checks.of_subscription(wanted, reader)
            local = {_named(place, name): asks for place in places for name, asks in there.questions(place, reader).items()}
            asked = ask({**common, **local})
    except ArmError as error:
        return Search(findings=(checks.no_subscription(wanted, error),))
    everywhere = asked.only({name: name for name in common})
    found = [_there(place, everywhere, asked) for place in places]
    anywhere = (*disabled, *checks.everywhere(wanted, everywhere), *checks.unanswered(checks.silent(wanted, everywhere)))
    return Search(tuple(sorted(found, key=lambda candidate: VERDICTS.index(candidate.verdict))), anywhere)


def _there(place: WantedStack, everywhere: Asked, asked: Asked) -> Candidate:
    own = asked.only({name: _named(place, name) for name in there.ASKED_OF})
    both = Asked({**everywhere.said, **own.said}, {**everywhere.refused, **own.refused})
    return Candidate(place.region, tuple(checks.in_region(place, both)), tuple(checks.open_questions(place, both)))


def _named(place: WantedStack, question: str) -> str:
    return f"{question} in {place.region}"
