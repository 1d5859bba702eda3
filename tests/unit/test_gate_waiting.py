"""Waiting: speaks, is bounded, ends early for what time cannot cure, and with the update."""

import threading
import time
from itertools import chain, repeat

from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.interrupt import Interruption
from sdg.gates.waiting import Wait, until_green

GREEN = Verdict((Check("c", "s", Status.PASSED, "seen", "wanted"),))
RED = Verdict((Check("c", "s", Status.FAILED, "seen", "wanted"),))
FINAL = Verdict((Check("c", "s", Status.FAILED, "seen", "wanted", final=True),))
QUICK = {"interval": 0.01, "patience": 0.0, "speak_gap": 0.0}


def waiting(*verdicts, said=None, interruption=None, **how):
    looks = chain(verdicts[:-1], repeat(verdicts[-1]))
    return until_green(
        lambda: next(looks),
        Wait(**{"deadline": 5, **QUICK, **how}),
        (said if said is not None else []).append,
        interruption or Interruption(),
    )


def test_waiting_names_what_is_missing_and_ends_green():
    said = []
    assert waiting(RED, GREEN, said=said).status is Status.PASSED
    assert said[0] == "waiting for s: seen (expected: wanted)"
    assert said[1].startswith("green after")


def test_what_all_expect_alike_is_said_once():
    said = []
    pool = Check("c", "pool", Status.FAILED, "OFFLINE", "ONLINE")
    waiting(Verdict((*RED.checks, *RED.checks)), GREEN, said=said)
    waiting(Verdict((*RED.checks, pool)), GREEN, said=said)
    assert said[0] == "waiting for s: seen; s: seen (expected: wanted)"
    assert said[2] == "waiting for s: seen (expected: wanted); pool: OFFLINE (expected: ONLINE)"


def test_what_is_stuck_is_named_before_what_merely_goes_on():
    said, going = [], [Check("c", f"pod-{n}", Status.FAILED, "Pending", "wanted") for n in range(20)]
    stuck = Check("c", "the-one", Status.FAILED, "Unschedulable", "wanted", stuck=True)
    waiting(Verdict((*going, stuck)), GREEN, said=said)
    assert said[0].startswith("waiting for the-one: Unschedulable; pod-0: Pending")


def test_what_is_ready_at_once_needs_no_words():
    said = []
    waiting(RED, GREEN, said=said, patience=1.0)
    assert said == []


def test_an_unchanged_line_is_repeated_only_now_and_then():
    said = []
    waiting(RED, said=said, deadline=0.3, speak_every=60)
    assert len(said) == 1


def test_an_unchanged_line_is_repeated_so_that_silence_means_nothing():
    said = []
    waiting(RED, said=said, deadline=0.3, speak_every=0.1)
    assert len(said) >= 2


def test_a_probe_that_raises_is_a_red_check_at_the_deadline():
    def look():
        raise ConnectionError("refused")

    found = until_green(look, Wait(deadline=0), lambda line: None, Interruption())
    assert [check.observed for check in found.failures()] == ["ConnectionError: refused"]


def test_a_cause_that_time_cannot_cure_ends_the_wait_at_once():
    found = waiting(FINAL, deadline=3600)
    assert found.evidence["ended"] == "time cannot cure this"


def test_a_cause_that_was_there_for_a_moment_does_not_end_the_wait():
    assert waiting(FINAL, RED, FINAL, GREEN, settle=60).status is Status.PASSED


def test_a_cause_that_stays_ends_the_wait_when_it_has_settled():
    started = time.monotonic()
    found = waiting(FINAL, deadline=3600, settle=0.1)
    assert found.status is Status.FAILED
    assert 0.1 <= time.monotonic() - started < 5


def test_an_interruption_ends_the_wait_and_says_why():
    interruption = Interruption()
    threading.Timer(0.1, interruption.ask, ["the update was cancelled"]).start()
    started = time.monotonic()
    found = waiting(RED, deadline=3600, interval=60, interruption=interruption)
    assert found.evidence["ended"] == "the update was cancelled"
    assert time.monotonic() - started < 2


def test_an_interruption_does_not_wait_for_a_look_that_is_under_way():
    interruption, looks, released = Interruption(), iter([RED]), threading.Event()

    def look():
        for verdict in looks:
            return verdict
        interruption.ask("the update was cancelled")
        released.wait(30)
        return GREEN

    started = time.monotonic()
    found = until_green(look, Wait(deadline=3600, **QUICK), lambda line: None, interruption)
    took = time.monotonic() - started
    released.set()
    assert (found.checks, found.evidence["ended"]) == (RED.checks, "the update was cancelled")
    assert took < 1


def test_an_interruption_of_the_first_look_is_red_and_says_so():
    interruption, released = Interruption(), threading.Event()
    interruption.ask("the update was cancelled")
    found = until_green(lambda: released.wait(30) and GREEN, Wait(deadline=3600), lambda line: None, interruption)
    released.set()
    assert [check.observed for check in found.failures()] == ["TimeoutError: the first look had not ended"]


def test_a_spoken_line_stays_short_however_much_is_wrong():
    said = []
    many = Verdict(tuple(Check("c", f"pod-{n}", Status.FAILED, "x" * 300, "wanted") for n in range(50)))
    waiting(many, deadline=0.1, said=said)
    assert len(said[0]) <= 1500
