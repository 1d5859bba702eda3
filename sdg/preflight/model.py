"""What the preflight is asked, and what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sdg.azure.account import Account
from sdg.catalog.preflight import Severity, checks
from sdg.inference.model import InferencePlan
from sdg.settings.kubeconfig import ApiServer
from sdg.settings.rules import Sections
from sdg.settings.secrets import SecretName
from sdg.workload.model import PlannedWorkload

if TYPE_CHECKING:  # it takes a while to import
    from azure.core.credentials import TokenCredential

SETTINGS: Final = "settings"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed.

    Attributes:
        check: its name in `preflight.yaml`.
        seen: what was seen and what was expected, a sentence or two.
        remedy: what to do, a sentence, commands between backticks; empty where `seen` says it.
        later: whether the stack exists already, so that what only matters where something new is made may count for less.
    """

    check: str
    seen: str
    remedy: str = ""
    later: bool = False

    @classmethod
    def of(cls, check: str, seen: str) -> Finding:
        """With the remedy of the table."""
        return cls(check, seen, checks()[check].remedy)

    @property
    def severity(self) -> Severity:
        check = checks()[self.check]
        return (check.later if self.later else None) or check.severity

    @property
    def refuses(self) -> bool:
        """Whether nothing may be created."""
        return self.severity == "error"

    @property
    def commands(self) -> list[str]:
        """What may be copied into a shell: whatever stands between backticks and has more than one word."""
        own = f"{self.seen} {self.remedy}" if self.check == SETTINGS else self.remedy  # what was seen is else somebody else's text
        return re.findall(r"`([^`\s]+ [^`]+)`", own)

    def __str__(self) -> str:
        return f"{self.seen} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Subject:
    """A stack that is to be deployed from this machine.

    Attributes:
        sections: those of its settings that could be read.
        server: where a cluster that exists answers; None when the stack makes it, or its kubeconfig cannot be used.
        secrets: its secrets that have a value, in plain.
        owner: project and stack, as marks of what a stack has made say it.
        environ: environment variables.
        project: the project's directory; relative paths start here.
        account: the subscription of a cluster in Azure; None without one.
        login: a login to Azure that was made for this run; one is looked for when None.
        kubeconfig: text of the kubeconfig of a cluster that exists, with the chosen context alone; None as for `server`.
        inference: the endpoints that it is to serve.
        workload: what it is for; None without one.
    """

    sections: Sections
    server: ApiServer | None = None
    secrets: Mapping[SecretName, str] = field(default_factory=dict, repr=False)
    owner: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    project: Path = Path()
    account: Account | None = None
    login: TokenCredential | None = field(default=None, repr=False)
    kubeconfig: str | None = field(default=None, repr=False)
    inference: InferencePlan = field(default_factory=InferencePlan)
    workload: PlannedWorkload | None = None


Preflight = Callable[[Subject], Iterable[Finding]]


def capital(sentence: str) -> str:
    """The sentence with a capital letter, and all else as it is."""
    return sentence[0].upper() + sentence[1:]
