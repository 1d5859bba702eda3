"""Probe: does everything that a stack serves answer? One look asks all endpoints at once, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.probes.endpoint import Endpoint
from sdg.gates.probes.kept_forward import KeptForward
from sdg.gates.probes.nim_phase import Phase
from sdg.gates.probes.nims import NimsProbe, NimsView
from sdg.gates.probes.served import Direct, Served, Way
from sdg.gates.waiting import unanswered
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError

LOOK: Final = 12.0  # seconds that one look waits for its endpoints
# seconds between two times that one is asked over HTTP: those of others count how often
_AGAIN_INSIDE: Final = 1.0
_AGAIN_OUTSIDE: Final = 5.0
_AGAIN_GREEN: Final = 15.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one endpoint."""

    checks: tuple[Check, ...]
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        return bool(self.checks) and all(check.status is Status.PASSED for check in self.checks)


class Watched:
    """One endpoint over time: it is asked again when that is due, and never twice at once."""

    def __init__(self, endpoint: Endpoint, served: Served, way: Way) -> None:
        self.endpoint, self.way = endpoint, way
        self._served = served
        self._known: Known | None = None
        self._over_http: Known | None = None
        self._thread: threading.Thread | None = None
        self._began = self._due = time.monotonic()

    def begin(self, view: NimsView | None) -> None:
        """Starts asking, unless it is being asked already. `view` is that of its NIM's namespace; None for what is no NIM."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(view,), name=f"endpoint-{self.endpoint.name}", daemon=True)
        self._thread.start()

    def known(self, until: float) -> Known:
        """What was found, as soon as it was; at the moment `until` (monotonic seconds), that nothing was."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread is None or self._thread.is_alive() or self._known is None:
            words = f"NoAnswer: nothing, {int(time.monotonic() - self._began)} s after it was asked"
            remedy = "It is still being asked; a server that takes connections and says nothing is hung."
            return Known((Check("endpoint-answers", self.endpoint.subject, Status.FAILED, words, "an answer", remedy, stuck=True),))
        return self._known

    def _run(self, view: NimsView | None) -> None:
        try:
            self._known = self._look(view)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must be seen: nobody else notices that this thread ended)
            self._known = Known((_failed(self.endpoint, error),))

    def _look(self, view: NimsView | None) -> Known:
        if not self.endpoint.nim or view is None:
            return self._asked("asked")
        checks, phase = view.checks(self.endpoint)
        if any(check.status is Status.FAILED for check in checks):
            self._over_http = None
            return Known(tuple(checks), {"phase": str(phase)})
        asked = self._asked(str(Phase.READY))
        return Known((*checks, *asked.checks), asked.evidence)

    def _asked(self, phase: str) -> Known:
        """What it answers over HTTP; what it answered a moment ago, if it is too early to ask again."""
        if self._over_http is None or time.monotonic() >= self._due:
            checks = tuple(self._served.checks())
            self._over_http = Known(checks, {"phase": phase, **self._served.evidence()})
            inside = _AGAIN_INSIDE if self.endpoint.target else _AGAIN_OUTSIDE
            self._due = time.monotonic() + (_AGAIN_GREEN if self._over_http.green else inside)
        return self._over_http


class Endpoints:
    """All endpoints of a gate, for as long as the block lasts.

    Args:
        nims: looks at NIMs; None where the cluster cannot be asked, or need not be.
    """

    def __init__(self, watched: Sequence[Watched], nims: NimsProbe | None = None) -> None:
        self._watched, self._nims = watched, nims

    @classmethod
    def of(cls, inputs: Mapping[str, Any], nims: NimsProbe | None, *, with_requests: bool) -> Self:
        """Reads a gate's inputs `endpoints` and `connection`."""
        connection, keys = Connection.of(inputs["connection"]), inputs["connection"].get("keys") or {}
        found = []
        for entry in inputs["endpoints"]:
            endpoint = Endpoint.of(entry)
            way: Way = Direct(endpoint.root) if endpoint.target is None else KeptForward(connection, endpoint.target)
            key = str(keys.get(endpoint.name) or "")
            found.append(Watched(endpoint, Served(endpoint, key, way, with_request=with_requests), way))
        return cls(found, nims)

    def look(self) -> Verdict:
        """Asks all of them; never raises for one that does not answer."""
        until = time.monotonic() + LOOK
        views, troubles = self._views()
        for each in self._watched:
            namespace = each.endpoint.target.namespace if each.endpoint.nim and each.endpoint.target else ""
            if namespace not in troubles:
                each.begin(views.get(namespace))
        checks: list[Check] = list(troubles.values()) + [view.operator for view in views.values()][:1]
        evidence: dict[str, object] = {}
        for each in self._watched:
            known = self._of(each, troubles) or each.known(until)
            checks += known.checks
            evidence[each.endpoint.name] = dict(known.evidence)
        return Verdict(tuple(checks), {"endpoints": evidence})

    def close(self) -> None:
        """Ends every forward, at once: each may be about to come up."""
        for each in self._watched:
            each.way.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _views(self) -> tuple[dict[str, NimsView], dict[str, Check]]:
        """The namespaces of NIMs as they are now, and what went wrong in reading them."""
        views: dict[str, NimsView] = {}
        troubles: dict[str, Check] = {}
        if self._nims is None:
            return views, troubles
        targets = [each.endpoint.target for each in self._watched if each.endpoint.nim]
        for name in dict.fromkeys(target.namespace for target in targets if target):
            try:
                views[name] = self._nims.look(name)
            except KubeError as error:
                troubles[name] = unanswered(error)
        return views, troubles

    def _of(self, watched: Watched, troubles: Mapping[str, Check]) -> Known | None:
        """What is known of an endpoint in a cluster that does not answer: nothing; its check is the cluster's."""
        target = watched.endpoint.target
        return Known((), {"phase": "unknown"}) if target and watched.endpoint.nim and target.namespace in troubles else None


def _failed(endpoint: Endpoint, error: Exception) -> Check:
    seen = f"{type(error).__name__}: {error}"[:500]
    remedy = "Check that the cluster is up: `kubectl get --raw /readyz`." if endpoint.target else "Run `pulumi up` again."
    return Check("endpoint-answers", endpoint.subject, Status.FAILED, seen, "an answer", remedy, stuck=True)
