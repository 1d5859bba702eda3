"""Wait for a probe to turn green: speaking, bounded, and ended with the update that it is part of."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.interrupt import Interruption

Look = Callable[[], Verdict]
Say = Callable[[str], None]

_NAMED = 6  # failed checks that a spoken line names
_SEEN = 300  # characters of what was seen in each
_LINE = 1000  # characters of a spoken line
_HEED = 0.1  # seconds between two thoughts about an interruption while a look is under way


@dataclass(frozen=True, slots=True)
class Wait:
    """How to wait.

    Attributes:
        deadline: seconds until the last look decides.
        interval: seconds between looks.
        patience: seconds of silence first: what is ready at once needs no words.
        speak_every: seconds between two lines about what is still missing, while nothing changes.
        speak_gap: seconds between two lines at least, while things change.
        settle: seconds for which a cause must be seen as final before it ends the wait: what is being replaced is missing for a moment.
    """

    deadline: float
    interval: float = 0.3
    patience: float = 1.0
    speak_every: float = 5.0
    speak_gap: float = 1.5
    settle: float = 0.0


def until_green(look: Look, wait: Wait, say: Say, interruption: Interruption | None = None) -> Verdict:
    """Looks until the verdict is green, hopeless, or late, or the update is ended; returns the last verdict and never raises.

    A look that is under way when the update is ended is left behind, in a thread of its own: it may take several slow answers.
    """
    interruption = interruption or Interruption.of_engine()
    voice, started, final_since = _Voice(say, wait), time.monotonic(), None
    verdict = Verdict((unanswered(TimeoutError("the first look had not ended")),))
    while True:
        verdict, now = _looked(look, interruption) or verdict, time.monotonic()
        final_since = (final_since or now) if verdict.hopeless else None
        end = _end(verdict, wait, now - started, None if final_since is None else now - final_since, interruption)
        if end:
            voice.farewell(verdict, now - started)
            return verdict.with_evidence(waited=round(now - started, 1), ended=end)
        voice.about(verdict)
        interruption.sleep(wait.interval)


def observed(look: Look) -> Verdict:
    """One look. What goes wrong while looking is itself a red check, so that evidence survives."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 (a probe may fail in any way; the record must not)
        return Verdict((unanswered(error),))


def _looked(look: Look, interruption: Interruption) -> Verdict | None:
    """One look in a thread; None when an interruption came first."""
    found: list[Verdict] = []
    thread = threading.Thread(target=lambda: found.append(observed(look)), name="look", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_HEED)
        if interruption.reason:
            break
    return found[0] if found else None


def unanswered(error: Exception) -> Check:
    """The red check for a question that got no answer."""
    seen = f"{type(error).__name__}: {error}"[:500]
    remedy = "Check that the cluster is up and that its kubeconfig works: `kubectl get --raw /readyz`."
    return Check("reachable", "cluster", Status.FAILED, seen, "an answer", remedy)


def say(line: str) -> None:
    """Speaks to the user: the engine shows a provider's stderr live, under the stack."""
    with suppress(OSError):  # nobody listens any more
        sys.stderr.write(f"{line}\n")  # in one piece: gates speak at the same time
        sys.stderr.flush()


def _end(verdict: Verdict, wait: Wait, waited: float, final_for: float | None, interruption: Interruption) -> str:
    """Why the wait is over; empty while it is not."""
    if verdict.status is Status.PASSED:
        return "green"
    if interruption.reason:
        return interruption.reason
    if final_for is not None and final_for >= wait.settle:
        return "time cannot cure this"
    return late(wait.deadline) if waited >= wait.deadline else ""


def late(deadline: float) -> str:
    """Why a wait was over that took too long."""
    return f"the deadline of {deadline:g} s was reached"


class _Voice:
    """Says what is missing: at once, when it changes, and every few seconds while it does not."""

    def __init__(self, say: Say, wait: Wait) -> None:
        self._say, self._wait = say, wait
        self._said, self._at = "", time.monotonic() - wait.speak_gap + wait.patience

    def about(self, verdict: Verdict) -> None:
        line, silence = _missing(verdict), time.monotonic() - self._at
        if silence >= (self._wait.speak_every if line == self._said else self._wait.speak_gap):
            self._say(line)
            self._said, self._at = line, time.monotonic()

    def farewell(self, verdict: Verdict, waited: float) -> None:
        if self._said and verdict.status is Status.PASSED:
            self._say(f"green after {waited:.1f} s")


def _missing(verdict: Verdict) -> str:
    failures = sorted(verdict.failures(), key=lambda check: (not check.final, not check.stuck))  # stable: else in the order of asking
    expectations = {check.expected for check in failures}
    common = expectations.pop() if len(expectations) == 1 else ""
    named = "; ".join(_named(check, common) for check in failures[:_NAMED])
    more = f"; and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
    line = f"waiting for {named or 'anything to check'}{more}"
    suffix = f" (expected: {common})" if common else ""
    return _cut(line, _LINE - len(suffix)) + suffix


def _named(check: Check, common: str) -> str:
    return f"{check.subject}: {_cut(check.observed, _SEEN)}" + ("" if common else f" (expected: {check.expected})")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
