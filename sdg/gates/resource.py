"""Gates as Pulumi resources: a record that stores what was found and never fails, and a verdict that fails on a red record.

Two resources, because a dynamic provider that raises leaves nothing in the state: the record keeps the evidence of a red gate, and
because a red record always differs, the next update looks again.

A record has two faces: `wait` when it is created or updated, `observe` when it is refreshed. Inputs are the question; some of them say only
how to ask (`HOW`), and their change is stored without asking again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from sdg.gates.answer import outputs_of
from sdg.gates.checks import Status, Verdict
from sdg.gates.interrupt import Interruption
from sdg.gates.screen import red_screen
from sdg.gates.waiting import Say, observed, say
from sdg.kube.api import load_client

Properties = Mapping[str, Any]

FOUND = ("status", "checks", "evidence", "lastGreen", "askedAt")
"""Outputs: what was found. `lastGreen` holds the triggers of the last green answer, `askedAt` when the gate last waited (ISO, UTC)."""

HOW = ("connection", "deadline", "repair", "restore")
"""Inputs that say how to ask, not what: they never cause another look. `connection` changes with every credential rotation."""

_OWN = ("gate", "__provider")


class RecordProvider(ResourceProvider):
    """Looks and stores. Stateless, and importable, so that the state holds its name only: don't move a subclass."""

    serialize_as_secret_always = False

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        """Waits until green, late or hopeless. Never raises."""
        raise NotImplementedError

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:
        """One bounded look that changes nothing; `found` is what `wait` stored. Never raises."""
        raise NotImplementedError

    @staticmethod
    def remembered(stored: Properties) -> Properties:  # noqa: ARG004 (the interface)
        """Evidence of a stored answer that binds the next one; nothing unless a gate says so.

        `wait` and `observe` get it as the input `remembered`, and only a green answer can put something else in its place.
        """
        return {}

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002 (the interface)
        Interruption.of_engine()  # from the first call on, so that not even an idle provider outlives its engine
        load_client()  # providers are loaded and configured one at a time, but they work in parallel

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=props["gate"], outs={**props, **self._asked(props, stored={})})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=_asks_anew(olds, news) or any(olds.get(key) != news.get(key) for key in HOW))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        if not _asks_anew(olds, news):
            return UpdateResult(outs={**news, **{key: olds.get(key) for key in FOUND}})
        return UpdateResult(outs={**news, **self._asked(news, olds)})

    def read(self, id_: str, props: Properties) -> ReadResult:
        inputs = {key: value for key, value in props.items() if key not in (*FOUND, "__provider")}
        found = outputs_of(lambda asked, _: self._answered(props, lambda known: self.observe({**asked, **known}, props)), inputs, say)
        outs = {**inputs, **found, **{key: props.get(key) for key in ("lastGreen", "askedAt")}}
        if found["status"] != Status.PASSED:
            say(red_screen(outs))  # a refresh shows only that something changed
        return ReadResult(id_=id_, outs=outs)

    def _asked(self, props: Properties, stored: Properties) -> dict[str, Any]:
        def wait(asked: Properties, speak: Say) -> Verdict:
            return self._answered(stored, lambda known: self.wait({**asked, **known}, speak))

        found = outputs_of(wait, props, lambda line: say(f"gate {props['gate']}: {line}"))
        last_green = (props.get("triggers") or {}) if found["status"] == Status.PASSED else stored.get("lastGreen")
        return {**found, "lastGreen": last_green, "askedAt": dt.datetime.now(dt.UTC).isoformat()}

    def _answered(self, stored: Properties, ask: Callable[[Properties], Verdict]) -> Verdict:
        known = self.remembered(stored)
        verdict = observed(lambda: ask({"remembered": known}))
        return verdict if verdict.status is Status.PASSED else verdict.with_evidence(**known)


def _asks_anew(olds: Properties, news: Properties) -> bool:
    """Whether something that the gate asks for was added, changed or taken away, or the last answer was red."""
    keys = (set(olds) | set(news)) - {*FOUND, *HOW, *_OWN}
    return olds.get("status") != Status.PASSED or any(olds.get(key) != news.get(key) for key in keys)


class VerdictProvider(ResourceProvider):
    """Fails on a red record, with every failed check in the message."""

    serialize_as_secret_always = False

    @staticmethod
    def _judge(props: Properties) -> dict[str, Any]:
        if props["status"] != Status.PASSED:
            raise RuntimeError(red_screen(props))
        return {key: props[key] for key in ("gate", "status")}

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(id_=props["gate"], outs=self._judge(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds.get("status") != news["status"])

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=self._judge(news))


class GateRecord(Resource, module="gate", name="Record"):
    """What a gate found, green or red."""

    status: pulumi.Output[str]
    checks: pulumi.Output[list[dict[str, str]]]
    evidence: pulumi.Output[dict[str, Any]]
    lastGreen: pulumi.Output[dict[str, Any] | None]  # noqa: N815 (a Pulumi property)
    askedAt: pulumi.Output[str]  # noqa: N815 (likewise)

    def __init__(self, name: str, provider: RecordProvider, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connection"])
        asked = {**inputs, "connection": pulumi.Output.secret(inputs["connection"]), "gate": name}
        super().__init__(provider, name, {**asked, **dict.fromkeys(FOUND)}, pulumi.ResourceOptions.merge(secret, opts))


class GateVerdict(Resource, module="gate", name="Verdict"):
    """Exists only where its record is green; later stages depend on it."""

    status: pulumi.Output[str]
    evidence: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, record: GateRecord, triggers: object = None, opts: pulumi.ResourceOptions | None = None) -> None:
        found = {"status": record.status, "checks": record.checks, "evidence": record.evidence, "lastGreen": record.lastGreen}
        super().__init__(VerdictProvider(), name, {"gate": name, **found, "triggers": triggers}, opts)


@dataclass(frozen=True, slots=True)
class Gate:
    """A record and its verdict. The next stage depends on the verdict."""

    record: GateRecord
    verdict: GateVerdict


def gate(name: str, provider: RecordProvider, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> Gate:
    """Makes both resources of a gate.

    Args:
        inputs: what must hold, plus `connection`, `deadline` (seconds) and `triggers`; see the provider's module.
        opts: for the record; the verdict shares its parent.
    """
    record = GateRecord(name, provider, inputs, opts)
    parent = opts.parent if opts else None
    return Gate(record, GateVerdict(name, record, inputs.get("triggers"), pulumi.ResourceOptions(parent=parent)))
