"""What a rollout means, and how conditions change."""

from __future__ import annotations

import pytest

from rehearsal.nims import status

BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def deployment(wanted=1, /, *, generation=1, conditions=(), **counts):
    whole = {"observedGeneration": 1, "conditions": list(conditions), **counts}
    return {"metadata": {"name": "d", "generation": generation}, "spec": {"replicas": wanted}, "status": whole}


def states(found):
    return {one["type"]: (one["status"], one["reason"], one["message"]) for one in found["conditions"]}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (deployment(), "0 out of 1 new replicas"),
        (deployment(2, updatedReplicas=1, replicas=2), "1 out of 2 new replicas"),
        (deployment(updatedReplicas=1, replicas=2), "1 old replicas are pending termination"),
        (deployment(updatedReplicas=1, replicas=1), "0 of 1 updated replicas are available"),
        (deployment(0), "0 out of 0 new replicas"),
        (deployment(generation=2, updatedReplicas=1, replicas=1, availableReplicas=1), "0 out of 1 new replicas"),
        (deployment(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]), "exceeded its progress deadline"),
    ],
    ids=["none", "some", "old ones", "not available", "none wanted", "not looked at", "late"],
)
def test_a_rollout_that_is_not_done_says_what_is_lacking(item, words):
    found = status.rollout(item)
    assert (found.done, words in found.message) == (False, True)


def test_a_rollout_is_done_when_all_are_new_and_available():
    assert status.rollout(deployment(updatedReplicas=1, replicas=1, availableReplicas=1)).done


def test_no_deployment_is_no_rollout():
    assert not status.rollout(None).done


def test_both_conditions_are_there_in_every_state():
    assert states(status.ready({}, "rolled out", NOW)) == {"Ready": ("True", "Ready", "rolled out"), "Failed": ("False", "Ready", "")}
    assert states(status.not_ready({}, "NotReady", "waits", NOW)) == {
        "Ready": ("False", "NotReady", "waits"),
        "Failed": ("False", "Ready", "waits"),
    }
    assert states(status.failed({}, "Failed", "why", NOW)) == {"Ready": ("False", "Failed", ""), "Failed": ("True", "Failed", "why")}


def test_a_time_changes_with_a_status_and_not_with_a_message():
    first = status.not_ready({}, "NotReady", "one", BEFORE)
    second = status.not_ready(first, "NotReady", "two", NOW)
    assert {one["lastTransitionTime"] for one in second["conditions"]} == {BEFORE}
    third = status.ready(second, "done", NOW)
    assert {one["type"]: one["lastTransitionTime"] for one in third["conditions"]} == {"Ready": NOW, "Failed": BEFORE}


def test_no_condition_names_a_generation():
    assert not any("observedGeneration" in one for one in status.ready({}, "", NOW)["conditions"])
