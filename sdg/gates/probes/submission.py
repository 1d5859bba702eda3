"""Probe: does a workflow that is submitted now complete?

Each workflow is followed by a thread of its own, because a submit may take as long as the service needs to ask image registries.
Whoever waits looks at what the threads have seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from sdg.gates.checks import Verdict
from sdg.gates.probes.gateway import Gateway
from sdg.gates.probes.growth import Growth
from sdg.gates.probes.workflow import Seen, check, evidence
from sdg.kube.errors import KubeError
from sdg.osmo.client import OsmoClient
from sdg.osmo.errors import OsmoError, OsmoRefusedError, OsmoUnavailableError
from sdg.osmo.model import Workflow

POLL = 0.3  # seconds between two questions about a workflow
RETRY = 1.0  # seconds between two tries to submit
RETRY_REFUSED = 3.0  # the same after a refusal: each leaves a row in OSMO's database
EVENTS_EVERY = 2.0  # seconds between two looks at why a workflow is pending
LOG_LINES = 20  # kept as evidence
CANCEL_TIMEOUT = 1.0  # seconds

# an interrupted gate has about two seconds, and a submit that is under way may take a minute
ANSWER_WITHIN = 1.3  # seconds from the end on for the answer to a submit
LOOK_UP_TIMEOUT = 0.5  # seconds for the question what became of it otherwise
END_WITHIN = 2.2  # seconds for all of it

_PLACED = ("Scheduled:", "PodScheduled: True", "Pulled:", "Pulling:", "Created:", "Started:")  # events that are no obstacle
_NOT_YET = "There are no resources"  # right after an installation; every other refusal is about the workflow
_TOO_OFTEN = 429
_GATEWAY_TIMEOUT = 504  # the gateway's word only: the service may still be at it
_ORPHAN = (
    "its submit was not answered in time, so a workflow of this name may run on: "
    "look for it in `osmo workflow list`, and end it with `osmo workflow cancel`"
)


@dataclass(frozen=True, slots=True)
class SmokeWorkflow:
    """A workflow to submit.

    Attributes:
        name: as its spec has it.
        spec: the spec's text.
        growth: makes the first node that it can run on; None where nodes are just there.
    """

    name: str
    spec: str
    growth: Growth | None = None


@dataclass(frozen=True, slots=True)
class Smoke:
    """All workflows of one smoke gate; they run while the block lasts, and none outlives it."""

    gateway: Gateway
    pool: str
    workflows: Sequence[SmokeWorkflow]
    runs: list[Run] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.runs.extend(Run(self.gateway, self.pool, wanted) for wanted in self.workflows)
        for run in self.runs:
            run.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        stoppers = [threading.Thread(target=run.stop, daemon=True) for run in self.runs]
        for stopper in stoppers:
            stopper.start()
        end = time.monotonic() + END_WITHIN
        for stopper in stoppers:
            stopper.join(timeout=max(0.0, end - time.monotonic()))

    def look(self) -> Verdict:
        return Verdict(tuple(check(run.wanted.name, run.seen) for run in self.runs), self.evidence())

    def orphans(self) -> list[str]:
        """What may outlive the gate, in sentences."""
        return [f"{run.wanted.name}: {run.seen.orphan}" for run in self.runs if run.seen.orphan]

    def evidence(self) -> dict[str, object]:
        return {"workflows": [evidence(run.wanted.name, run.seen) for run in self.runs]}


class Run:
    """Submits one workflow and follows it to its end. `seen` is replaced as a whole, so that another thread may read it."""

    def __init__(self, gateway: Gateway, pool: str, wanted: SmokeWorkflow) -> None:
        self.wanted, self.seen = wanted, Seen()
        self._gateway, self._pool = gateway, pool
        self._stop = threading.Event()
        self._cancelling = threading.Lock()
        self._known: frozenset[str] | None = None  # workflows of this name from before; None while unknown
        self._in_doubt = False  # a submit was sent, and no answer has come so far
        self._asked_why = float("-inf")
        self._thread = threading.Thread(target=self._follow, name=f"smoke-{wanted.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the following, and cancels what has been submitted and has not ended.

        Only the answer to a submit tells what to cancel; when it does not come in time, the list of workflows may.
        """
        self._stop.set()
        started = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - started < (ANSWER_WITHIN if self._in_doubt else POLL):
            self._thread.join(timeout=0.05)
        if self._in_doubt:
            self._look_up()
        self._cancel()

    def _follow(self) -> None:
        while not self._done():
            try:
                with self._gateway.client() as client:
                    while not self._done():
                        self._step(client)
                        self._stop.wait(POLL)
            except Exception as error:  # noqa: BLE001 (whatever it is, it must be seen: nobody else notices that this thread ended)
                self._stop.wait(self._note(error))
        self._end_growth()
        if self._stop.is_set():
            self._cancel()  # the answer to the submit may have come after the end

    def _done(self) -> bool:
        return self._stop.is_set() or self.seen.over

    def _step(self, client: OsmoClient) -> None:
        if not self.seen.id:
            if self._grows():
                return
            self.seen = replace(self.seen, id=self._submit(client), problem="")
            if not self.seen.id:
                return
            self._in_doubt = False
            self._end_growth()
        workflow = client.workflow(self.seen.id)
        log = _log(client, workflow) if workflow.terminal else ()
        self.seen = replace(self.seen, workflow=workflow, log=log, problem="", obstacle=self._obstacle(client, workflow))

    def _grows(self) -> bool:
        """Whether the node that the workflow needs is still waited for."""
        growth = self.wanted.growth
        if growth is None or not growth.begun:
            return False
        self.seen = replace(self.seen, growing=growth.awaited())
        return bool(self.seen.growing)

    def _end_growth(self) -> None:
        if self.wanted.growth:
            self.wanted.growth.end()

    def _submit(self, client: OsmoClient) -> str:
        """The id of the workflow that was submitted now or before; empty when the gate ended first."""
        if self._known is None:
            self._known = frozenset(found.id for found in client.workflows(self.wanted.name, self._pool))
        if self._in_doubt and (found := self._lost(client)):
            return found[0].id
        before, self._in_doubt = self._in_doubt, True  # before the look at `_stop`, or whoever stops would not wait for what is sent now
        if self._stop.is_set():
            self._in_doubt = before
            return ""
        return client.submit(self._pool, self.wanted.spec)

    def _lost(self, client: OsmoClient, timeout: float | None = None) -> list[Workflow]:
        """What a submit without an answer may have made, newest first: to submit again would leave it behind."""
        new = client.workflows(self.wanted.name, self._pool, timeout=timeout)
        return [found for found in new if found.id not in (self._known or ()) and found.id.rpartition("-")[0] == self.wanted.name]

    def _look_up(self) -> None:
        """Asks once for the workflow of a submit that was not answered."""
        alive: list[Workflow] = []
        with suppress(Exception), self._gateway.client() as client:  # what went wrong is told below, like a list without it
            alive = [found for found in self._lost(client, LOOK_UP_TIMEOUT) if not found.terminal]
        if self.seen.id:
            return  # the answer has come meanwhile
        self.seen = replace(self.seen, id=alive[0].id) if alive else replace(self.seen, orphan=_ORPHAN)

    def _note(self, error: Exception) -> float:
        """Remembers what went wrong; returns the seconds until the next question."""
        if isinstance(error, OsmoRefusedError) or (isinstance(error, OsmoUnavailableError) and error.status != _GATEWAY_TIMEOUT):
            self._in_doubt = False  # an answer came, and it was no
        curable = not isinstance(error, OsmoRefusedError) or error.status == _TOO_OFTEN or str(error).startswith(_NOT_YET)
        if isinstance(error, OsmoRefusedError) and str(error).startswith(_NOT_YET) and self.wanted.growth and not self.wanted.growth.begun:
            return self._begin_growth(self.wanted.growth)
        kind = type(error).__name__.removesuffix("Error")
        self.seen = replace(self.seen, problem=f"{kind}: {error}", refused=not (curable or self.seen.id))
        if self.seen.id:
            return POLL
        return RETRY_REFUSED if isinstance(error, OsmoRefusedError) else RETRY

    def _begin_growth(self, growth: Growth) -> float:
        try:
            growth.begin()
        except KubeError as error:
            self.seen = replace(self.seen, problem=f"no node with a GPU could be asked for: {error}")
            return RETRY
        self.seen = replace(self.seen, growing="it was asked for")
        return POLL

    def _obstacle(self, client: OsmoClient, workflow: Workflow) -> str:
        """Why a workflow is pending; asked now and then, since its events are a stream that does not end."""
        if workflow.status != "PENDING":
            return ""
        now = time.monotonic()
        if now - self._asked_why < EVENTS_EVERY:
            return self.seen.obstacle
        self._asked_why = now
        lines = [line for line in client.events(workflow.id, deadline=0.8) if not any(word in line for word in _PLACED)]
        return (lines[-1].partition("] ")[2] or lines[-1]) if lines else self.seen.obstacle

    def _cancel(self) -> None:
        """Best effort: whoever is interrupted cannot wait for a service that does not answer."""
        with self._cancelling:
            seen = self.seen
            if not seen.id or seen.over or seen.cancelled:
                return
            with suppress(KubeError, OsmoError), self._gateway.client() as client:
                client.cancel(seen.id, "the readiness gate that submitted it was ended", timeout=CANCEL_TIMEOUT)
                self.seen = replace(self.seen, cancelled=True)


def _log(client: OsmoClient, workflow: Workflow) -> tuple[str, ...]:
    """What a workflow that has ended wrote last, the failed task's lines if one failed."""
    task = workflow.failed_task()
    with suppress(OsmoError):
        return tuple(client.logs(workflow.id, task.name if task else None, LOG_LINES, deadline=1.5))
    return ()
