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
CANCEL_TIMEOUT = 1.0  # seconds: an interrupted gate has two

_PLACED = ("Scheduled:", "PodScheduled: True", "Pulled:", "Pulling:", "Created:", "Started:")  # events that are no obstacle
_NOT_YET = "There are no resources"  # right after an installation; every other refusal is about the workflow
_TOO_OFTEN = 429


@dataclass(frozen=True, slots=True)
class SmokeWorkflow:
    """A workflow to submit: the name in its spec, and the spec's text."""

    name: str
    spec: str


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
        for stopper in stoppers:
            stopper.join(timeout=CANCEL_TIMEOUT + POLL)

    def look(self) -> Verdict:
        return Verdict(tuple(check(run.wanted.name, run.seen) for run in self.runs), self.evidence())

    def evidence(self) -> dict[str, object]:
        return {"workflows": [evidence(run.wanted.name, run.seen) for run in self.runs]}


class Run:
    """Submits one workflow and follows it to its end. `seen` is replaced as a whole, so that another thread may read it."""

    def __init__(self, gateway: Gateway, pool: str, wanted: SmokeWorkflow) -> None:
        self.wanted, self.seen = wanted, Seen()
        self._gateway, self._pool = gateway, pool
        self._stop = threading.Event()
        self._known: frozenset[str] | None = None  # workflows of this name from before; None while unknown
        self._answer_lost = False
        self._asked_why = float("-inf")
        self._thread = threading.Thread(target=self._follow, name=f"smoke-{wanted.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the following, and cancels what has been submitted and has not ended."""
        self._stop.set()
        self._thread.join(timeout=POLL)
        self._cancel()

    def _follow(self) -> None:
        while not self._done():
            try:
                with self._gateway.client() as client:
                    while not self._done():
                        self._step(client)
                        self._stop.wait(POLL)
            except (KubeError, OsmoError) as error:
                self._stop.wait(self._note(error))
        if self._stop.is_set():
            self._cancel()  # the answer to the submit may have come after the end

    def _done(self) -> bool:
        return self._stop.is_set() or self.seen.over

    def _step(self, client: OsmoClient) -> None:
        if not self.seen.id:
            self.seen = replace(self.seen, id=self._submit(client), problem="")
        workflow = client.workflow(self.seen.id)
        log = _log(client, workflow) if workflow.terminal else ()
        self.seen = replace(self.seen, workflow=workflow, log=log, problem="", obstacle=self._obstacle(client, workflow))

    def _submit(self, client: OsmoClient) -> str:
        if self._known is None:
            self._known = frozenset(found.id for found in client.workflows(self.wanted.name, self._pool))
        if self._answer_lost and (found := self._lost(client)):
            return found
        self._answer_lost = True  # until it has come
        return client.submit(self._pool, self.wanted.spec)

    def _lost(self, client: OsmoClient) -> str:
        """The workflow of a submit whose answer never came: to submit again would leave it behind."""
        new = (found.id for found in client.workflows(self.wanted.name, self._pool) if found.id not in (self._known or ()))
        return next(new, "")

    def _note(self, error: KubeError | OsmoError) -> float:
        """Remembers what went wrong; returns the seconds until the next question."""
        if isinstance(error, OsmoRefusedError | OsmoUnavailableError):
            self._answer_lost = False  # an answer came, and it was no
        curable = not isinstance(error, OsmoRefusedError) or error.status == _TOO_OFTEN or str(error).startswith(_NOT_YET)
        kind = type(error).__name__.removesuffix("Error")
        self.seen = replace(self.seen, problem=f"{kind}: {error}", refused=not (curable or self.seen.id))
        if self.seen.id:
            return POLL
        return RETRY_REFUSED if isinstance(error, OsmoRefusedError) else RETRY

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
