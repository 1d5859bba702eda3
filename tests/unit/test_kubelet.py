"""What is done with a pod, and what its status says while it does not run."""

from __future__ import annotations

import pytest

from rehearsal.faults import Faults, UnknownFault
from rehearsal.kubelet import Delay, Hold, Start, Warm, decide, first_of, runs
from rehearsal.needs import Missing
from rehearsal.podstatus import Crash, crashing, held, warming
from rehearsal.references import References

NOW = "2026-01-01T00:00:00Z"


def pod(phase="Pending", node="node-0", start=None, restart_policy="Always", **spec):
    annotations = {} if start is None else {"rehearsal.sdg/start": start}
    return {
        "metadata": {"namespace": "osmo", "name": "service-7d", "uid": "u1", "annotations": annotations},
        "spec": {"nodeName": node, "restartPolicy": restart_policy, "containers": [{"name": "main", "image": "i"}], **spec},
        "status": {"phase": phase, "conditions": [{"type": "PodScheduled", "status": "True"}]},
    }


def decided(item, age=0.0, known=None, **switches):
    faults = Faults()
    for name, fields in switches.items():
        faults.set(name.replace("_", "."), fields)
    return decide(item, known or References(), faults, age)


def test_a_scheduled_pod_that_misses_nothing_starts():
    assert decided(pod()) == Start()


def test_a_pod_that_misses_something_is_held_with_all_that_is_missing():
    decision = decided(pod(imagePullSecrets=[{"name": "a"}, {"name": "b"}]))
    assert isinstance(decision, Hold)
    assert "(a, b)" in decision.found[0].message


@pytest.mark.parametrize(
    "item",
    [pod(node=""), pod(start="true"), pod(phase="Succeeded"), pod(phase="Failed"), pod(phase="Running", start="true")],
    ids=["unscheduled", "started", "succeeded", "failed", "running"],
)
def test_nothing_is_done_with_pods_that_are_not_ours_to_start(item):
    assert decided(item) is None


def test_a_pod_that_is_being_deleted_is_left_alone():
    item = pod()
    item["metadata"]["deletionTimestamp"] = NOW
    assert decided(item) is None


def test_the_crash_switch_takes_a_running_pod_down_and_its_end_lets_it_start_again():
    fields = {"namespace": "osmo", "prefix": "service-", "exitCode": 2, "message": "boom"}
    assert decided(pod(phase="Running", start="true"), pod_crash=fields) == Crash("CrashLoopBackOff", 2, "boom")
    assert decided(pod(phase="Running", start="crash")) == Start()


@pytest.mark.parametrize("fields", [{"namespace": "other"}, {"prefix": "worker-"}])
def test_a_switch_for_other_pods_does_nothing(fields):
    assert decided(pod(), pod_crash=fields, pod_slow={**fields, "seconds": 60}) == Start()


def test_the_slow_switch_delays_by_what_is_left_and_not_for_ever():
    assert decided(pod(), age=2.0, pod_slow={"prefix": "service", "seconds": 5}) == Delay(3.0)
    assert decided(pod(), age=5.0, pod_slow={"prefix": "service", "seconds": 5}) == Start()


def test_a_held_pod_keeps_its_other_conditions_and_says_what_its_containers_wait_for():
    status = held(pod(), [Missing("CreateContainerConfigError", "Failed", "Error: x", "x", "main")], NOW)
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "CreateContainerConfigError", "message": "x"}}
    assert {"type": "PodScheduled", "status": "True"} in status["conditions"]
    assert [c["status"] for c in status["conditions"] if c["type"] == "Ready"] == ["False"]


def test_containers_wait_for_their_init_container():
    item = pod(initContainers=[{"name": "migrate", "image": "i"}])
    status = held(item, [Missing("CreateContainerConfigError", "Failed", "Error: x", "x", "migrate")], NOW)
    assert status["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_a_crash_loop_shows_how_the_container_ended_and_that_it_is_tried_again():
    (container,) = crashing(pod(), Crash(exit_code=137, message="out of memory"), restarts=2, now=NOW)["containerStatuses"]
    assert container["restartCount"] == 2
    assert container["lastState"]["terminated"]["exitCode"] == 137
    assert container["lastState"]["terminated"]["message"] == "out of memory"
    assert container["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": "back-off 20s restarting failed container=main pod=service-7d_osmo(u1)",
    }


def test_the_back_off_ends_at_five_minutes():
    assert Crash().backoff(pod(), restarts=20).startswith("back-off 5m0s ")


def test_a_pod_that_never_restarts_fails_instead():
    status = crashing(pod(restart_policy="Never"), Crash(exit_code=3), restarts=1, now=NOW)
    assert status["phase"] == "Failed"
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_pod_that_ends_well_and_never_restarts_succeeds():
    status = crashing(pod(restart_policy="Never"), Crash(exit_code=0, message="done"), restarts=1, now=NOW)
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (status["phase"], ended["reason"], ended["message"]) == ("Succeeded", "Completed", "done")


def test_a_program_that_ends_at_its_start_is_asked_only_once_nothing_is_missing():
    crash = Crash(exit_code=2, message="usage")
    assert decide(pod(), References(), Faults(), 0.0, lambda _pod: crash) == crash
    assert isinstance(decide(pod(imagePullSecrets=[{"name": "a"}]), References(), Faults(), 0.0, lambda _pod: crash), Hold)
    assert decide(pod(phase="Running", start="true"), References(), Faults(), 0.0, lambda _pod: crash) is None


def test_a_crashed_program_that_would_run_now_starts_again():
    assert decide(pod(phase="Running", start="crash"), References(), Faults(), 0.0, lambda _pod: None) == Start()


def test_an_image_that_cannot_be_pulled_never_started():
    status = crashing(pod(), Crash("ImagePullBackOff", message='Back-off pulling image "i"'), restarts=1, now=NOW)
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["lastState"] == {}


def test_an_unknown_switch_or_field_names_what_exists():
    with pytest.raises(UnknownFault, match=r"pod\.explode is not a fault switch\. Known: .*pod\.crash"):
        Faults().set("pod.explode", {})
    with pytest.raises(UnknownFault, match=r"exitcode: not a field of pod\.crash\. Known: .*exitCode"):
        Faults().set("pod.crash", {"exitcode": 1})


def test_switches_tell_their_listeners_and_can_be_taken_back_one_by_one_or_all():
    faults, told = Faults(), []
    faults.on_change(lambda: told.append(sorted(faults.all())))
    faults.set("osmo.reset")
    faults.set("osmo.delay", {"seconds": 1})
    faults.clear("osmo.reset")
    faults.clear()
    assert told == [["osmo.reset"], ["osmo.delay", "osmo.reset"], ["osmo.delay"], []]
    assert faults.get("osmo.delay") is None


def test_the_first_program_with_something_to_say_decides():
    ending = first_of(runs, lambda _pod: Warm(3.0), lambda _pod: Crash())
    assert decide(pod(), References(), Faults(), 0.0, ending) == Warm(3.0)
    assert decide(pod(start="true"), References(), Faults(), 0.0, ending) is None


def test_a_pod_that_warms_up_runs_and_is_not_ready():
    status = warming(pod(), 2, NOW)
    (container,) = status["containerStatuses"]
    assert (status["phase"], container["ready"], container["restartCount"]) == ("Running", False, 2)
    assert container["state"] == {"running": {"startedAt": NOW}}
    assert {one["type"]: one["status"] for one in status["conditions"]}["Ready"] == "False"
