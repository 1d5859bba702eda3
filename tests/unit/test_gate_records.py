"""Records and verdicts as resources: what makes them look again, what they keep, what they say."""

from typing import Any

import pytest
import yaml

from sdg.gates.checks import Check, Status, Verdict, judge
from sdg.gates.resource import RecordProvider, VerdictProvider
from sdg.gates.screen import red_screen

GREEN = Check("c", "s", Status.PASSED, "seen", "wanted")
RED = Check("c", "s", Status.FAILED, "seen", "wanted", "do this")
KUBECONFIG = yaml.safe_dump({"users": [{"name": "u", "user": {"token": "tok-0123456789"}}], "current-context": "here"})


def provider(*checks, evidence=None):
    class Fake(RecordProvider):
        @staticmethod
        def wait(inputs, say):
            say("waiting with tok-0123456789")
            return Verdict(checks, evidence or {})

        @staticmethod
        def observe(inputs, found):
            return Verdict(checks, evidence or {})

    return Fake()


def props(**changes) -> dict[str, Any]:
    return {"gate": "g", "connection": {"kubeconfig": KUBECONFIG, "context": "here"}, "deadline": 5.0, "pool": "default"} | changes


def asks_anew(olds, news):
    return RecordProvider().diff("g", olds, news).changes


def test_only_a_new_question_or_a_red_answer_asks_anew():
    old = props(status="passed", checks=[], evidence={"waited": 3.0})
    assert not asks_anew(old, props())
    assert asks_anew(old | {"status": "failed"}, props())
    assert asks_anew(old | {"extra": 1}, props())
    assert asks_anew(old, props(pool="other"))
    assert asks_anew(old, props(triggers={"revision": 2.0}))


@pytest.mark.parametrize("how", [{"connection": {"kubeconfig": "two"}}, {"deadline": 900.0}, {"repair": "do that"}])
def test_how_to_ask_is_stored_without_asking_again(how):
    old = props(status="passed", checks=["kept"], evidence={"id": "kept"}, lastGreen={})
    new = props(**how)
    assert asks_anew(old, new)  # a change, so that it is stored
    outs = provider(RED).update("g", old, new).outs
    assert (outs["status"], outs["checks"], outs["evidence"]) == ("passed", ["kept"], {"id": "kept"})
    assert outs[next(iter(how))] == next(iter(how.values()))


def test_a_red_record_is_stored_with_its_evidence_and_remembers_the_last_green_triggers():
    green = provider(GREEN).create(props(triggers={"version": "1.3.1"})).outs
    red = provider(RED, evidence={"id": "w-1"}).update("g", green, props(triggers={"version": "1.4.0"})).outs
    assert (red["status"], red["evidence"], red["lastGreen"]) == ("failed", {"id": "w-1"}, {"version": "1.3.1"})
    with pytest.raises(RuntimeError, match=r"last green with: version 1\.3\.1"):
        VerdictProvider().update("g", {}, red)


def test_the_last_green_triggers_are_not_named_when_nothing_changed():
    green = provider(GREEN).create(props(triggers={"version": "1.3.1"})).outs
    red = provider(RED).read("g", green).outs
    assert "last green" not in red_screen(red)


def test_what_is_stored_and_said_holds_no_credential(capsys):
    quoting = judge("c", "s", False, observed="Bearer tok-0123456789 refused", expected="200", remedy="")
    outs = provider(quoting, evidence={"log": ["password=hunter2hunter2"]}).create(props()).outs
    found = {key: outs[key] for key in ("checks", "evidence")}
    assert "tok-0123456789" not in str(found) + capsys.readouterr().err
    assert "hunter2" not in str(found)


def test_a_wait_that_raises_is_a_red_record():
    class Broken(RecordProvider):
        @staticmethod
        def wait(inputs, say):
            raise ConnectionError("refused")

    outs = Broken().create(props()).outs
    assert (outs["status"], outs["checks"][0]["observed"]) == ("failed", "ConnectionError: refused")


def test_a_refresh_keeps_the_question_and_replaces_the_answer():
    stored = props(status="passed", checks=[], evidence={}, lastGreen={"version": "1"}, __provider="p")
    outs = provider(RED).read("g", stored).outs
    assert (outs["status"], outs["pool"], outs["lastGreen"]) == ("failed", "default", {"version": "1"})


def test_a_refresh_that_finds_a_gate_red_says_so(capsys):
    provider(RED).read("g", props(status="passed"))
    assert "gate g is red" in capsys.readouterr().err
    provider(GREEN).read("g", props(status="passed"))
    assert capsys.readouterr().err == ""


def test_a_verdict_ignores_what_was_merely_observed():
    old = {"gate": "g", "status": "passed"}
    assert not VerdictProvider().diff("g", old, {"gate": "g", "status": "passed", "checks": ["other text"]}).changes


def test_a_green_record_makes_a_verdict():
    outs = provider(GREEN).create(props()).outs
    assert VerdictProvider().create(outs).outs == {"gate": "g", "status": "passed"}


def test_a_red_gate_says_what_was_checked_seen_and_expected_and_what_to_do():
    screen = red_screen({"gate": "g", **Verdict((RED, GREEN), {"ended": "the deadline of 5 s was reached"}).as_outputs()})
    assert screen.splitlines() == [
        "gate g is red (the deadline of 5 s was reached):",
        "  c on s",
        "    seen:     seen",
        "    expected: wanted",
        "    next:     do this",
    ]


def test_a_red_gate_never_says_more_than_a_screen():
    long = judge("c", "s", False, observed="\n".join(["line " * 50] * 40), expected="w", remedy="r")
    assert len(red_screen({"gate": "g", **Verdict((long,) * 30).as_outputs()}).splitlines()) < 60


def test_a_gate_that_checked_nothing_is_red_and_says_so():
    assert Verdict(()).status is Status.FAILED
    assert "nothing was checked" in red_screen({"gate": "g", **Verdict(()).as_outputs()})
