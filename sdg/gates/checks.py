"""What a probe found: plain data, no Pulumi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what was checked, in kebab-case ("node-ready").
        subject: the object it was checked on ("node/gpu-0").
        observed: what was seen, in the words of the system that was asked.
        expected: what had to be seen.
        remedy: what to do next; empty when the check passed.
        final: time cannot cure it, so waiting is pointless. Only for the causes of a closed list: an image name that cannot be parsed, a
            missing object that nothing in the graph will create, a pod that no pool could ever fit, a terminal state of a workflow or Job.
        stuck: something is in the way, as opposed to work that merely goes on; what is stuck is named first.
    """

    name: str
    subject: str
    status: Status
    observed: str
    expected: str
    remedy: str = ""
    final: bool = False
    stuck: bool = False


def judge(name: str, subject: str, good: bool, *, observed: str, expected: str, remedy: str) -> Check:
    """A check that passed if `good`; its remedy is kept only when it did not."""
    return Check(name, subject, Status.PASSED if good else Status.FAILED, observed, expected, "" if good else remedy)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one gate. A gate that checked nothing has failed.

    Attributes:
        evidence: what else is worth keeping: ids, versions, exit codes, last log lines; plain data only.
    """

    checks: tuple[Check, ...]
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        green = bool(self.checks) and all(check.status is Status.PASSED for check in self.checks)
        return Status.PASSED if green else Status.FAILED

    @property
    def hopeless(self) -> bool:
        """Whether waiting cannot help."""
        return any(check.final for check in self.failures())

    def failures(self) -> Iterator[Check]:
        return (check for check in self.checks if check.status is Status.FAILED)

    def with_evidence(self, **evidence: object) -> Verdict:
        return replace(self, evidence={**self.evidence, **evidence})

    def as_outputs(self) -> dict[str, object]:
        checks = [{key: value for key, value in asdict(check).items() if key not in ("final", "stuck")} for check in self.checks]
        return {"status": self.status.value, "checks": checks, "evidence": dict(self.evidence)}
