"""How workflows move: with their pods, in time, and as fault switches say."""

from __future__ import annotations

import pytest

from rehearsal.services.osmo.states import WorkflowStatus

OUTCOME = "osmo.outcome"
MULTI = """workflow:
  name: chain
  tasks:
  - {name: first, image: "alpine:3.20", command: ["true"]}
  - {name: second, image: "alpine:3.20", command: ["true"], inputs: [{task: first}]}
"""


def task_of(workflow):
    return workflow["groups"][0]["tasks"][0]


def test_a_completed_task_has_its_node_exit_code_and_times(osmo, hello):
    task = task_of(osmo.until_status(osmo.submit(hello), "COMPLETED"))
    assert (task["exit_code"], task["node_name"], task["failure_message"]) == (0, "gpu-node-0", None)
    assert task["processing_start_time"] <= task["scheduling_start_time"] <= task["start_time"] <= task["end_time"]


def test_no_pod_is_left_of_a_finished_workflow(osmo, hello):
    osmo.until_status(osmo.submit(hello), "COMPLETED")
    assert osmo.cluster.workflow_pods == {}


def test_a_pod_asks_for_what_the_spec_and_the_sidecar_need(osmo, hello):
    osmo.until_status(osmo.submit(hello.replace("cpu: 1", "cpu: 2\n      gpu: 1")), "COMPLETED")
    user, ctrl = osmo.cluster.created[0]["spec"]["containers"]
    wanted = {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "1Gi", "nvidia.com/gpu": "1"}
    assert user["resources"] == {"limits": wanted, "requests": wanted}
    assert (ctrl["name"], ctrl["resources"]["requests"]) == ("osmo-ctrl", {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"})


def test_a_pod_lands_where_its_platform_says(osmo, hello):
    templates = osmo.done("GET", "/api/configs/pod_template")
    gpu = {"spec": {"nodeSelector": {"nvidia.com/gpu.present": "true"}, "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}}
    osmo.cluster.config["pod_templates"] = {**templates, "gpu": gpu}
    osmo.cluster.config["pools"]["default"] |= {"default_platform": "gpu", "platforms": {"gpu": {"override_pod_template": ["gpu"]}}}
    osmo.until_status(osmo.submit(hello), "COMPLETED")
    spec = osmo.cluster.created[0]["spec"]
    assert (spec["nodeSelector"], spec["tolerations"]) == (gpu["spec"]["nodeSelector"], gpu["spec"]["tolerations"])


def test_a_configured_pull_credential_becomes_a_secret_for_as_long_as_the_workflow_lives(osmo, hello):
    login = {"registry": "nvcr.io", "username": "$oauthtoken", "auth": "planted-key"}
    osmo.cluster.config["workflow"]["backend_images"]["credential"] = login
    osmo.until_status(osmo.submit(hello), "COMPLETED")
    pod = osmo.cluster.created[-1]
    assert pod["spec"]["imagePullSecrets"][0]["name"].endswith("-pull")
    assert [item["kind"] for item in osmo.cluster.created] == ["Pod"]
    assert "planted-key" not in osmo.call("GET", "/api/configs/workflow").text


def test_a_pull_credential_is_read_from_a_secret_that_the_service_mounts(osmo, hello):
    osmo.cluster.config["workflow"]["backend_images"]["credential"] = {"secretName": "osmo-image-cred"}
    osmo.until_status(osmo.submit(hello), "COMPLETED")
    assert "imagePullSecrets" not in osmo.cluster.created[-1]["spec"]
    osmo.cluster.secrets["osmo-minimal/osmo-image-cred"] = {"registry": "nvcr.io", "username": "$oauthtoken", "auth": "planted-key"}
    osmo.until_status(osmo.submit(hello), "COMPLETED")
    assert osmo.cluster.created[-1]["spec"]["imagePullSecrets"][0]["name"].endswith("-pull")


def test_an_unschedulable_workflow_is_pending_with_the_schedulers_sentence_in_its_events(osmo, hello):
    osmo.cluster.schedules = False
    name = osmo.submit(hello)
    assert osmo.until_task(name, "SCHEDULING")["status"] == "PENDING"
    osmo.done("POST", f"/api/workflow/{name}/cancel")
    osmo.until_status(name, "FAILED_CANCELED")
    events = osmo.call("GET", f"/api/workflow/{name}/events").text
    assert "[hello] FailedScheduling: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.\n" in events


def test_a_later_group_starts_when_what_it_reads_is_there(osmo):
    first, second = osmo.until_status(osmo.submit(MULTI), "COMPLETED")["groups"]
    assert first["end_time"] <= second["processing_start_time"]
    assert (first["downstream_groups"], second["remaining_upstream_groups"]) == (["second-group"], [])


def test_a_group_fails_with_what_it_reads(osmo):
    osmo.faults[OUTCOME] = {"task": "first", "status": "FAILED", "exitCode": 3}
    first, second = osmo.until_status(osmo.submit(MULTI), "FAILED")["groups"]
    assert (first["status"], second["status"]) == ("FAILED", "FAILED_UPSTREAM")


@pytest.mark.parametrize(("field", "status"), [("exec_timeout", "FAILED_EXEC_TIMEOUT"), ("queue_timeout", "FAILED_QUEUE_TIMEOUT")])
def test_time_outs_end_a_workflow(osmo, hello, field, status):
    osmo.faults[OUTCOME] = {"status": "COMPLETED", "seconds": 3600}
    osmo.cluster.schedules = field == "exec_timeout"
    name = osmo.submit(hello.replace(f"{field}: 5m", f"{field}: 100ms"))
    found = osmo.until_status(name, status)
    assert "longer than the set timeout" in task_of(found)["failure_message"]
    assert osmo.cluster.workflow_pods == {}


def test_a_lost_node_ends_its_tasks(osmo, hello):
    osmo.faults[OUTCOME] = {"status": "COMPLETED", "seconds": 3600}
    name = osmo.submit(hello)
    osmo.until_status(name, "RUNNING")
    osmo.cluster.node_list.clear()
    task = task_of(osmo.until_status(name, "FAILED_BACKEND_ERROR"))
    assert (task["failure_message"], task["exit_code"]) == ("Node gpu-node-0 is gone", 3001)


@pytest.mark.parametrize(
    ("disruption", "status", "code"),
    [
        ("PreemptionByScheduler", "FAILED_PREEMPTED", 3006),
        ("EvictionByEvictionAPI", "FAILED_EVICTED", 3004),
        ("DeletionByTaintManager", "FAILED_EVICTED", 3004),
        (None, "FAILED_BACKEND_ERROR", 3001),
    ],
)
def test_a_pod_that_somebody_else_removes_ends_its_task(osmo, hello, disruption, status, code):
    osmo.faults[OUTCOME] = {"status": "COMPLETED", "seconds": 3600}
    name = osmo.submit(hello)
    osmo.until_status(name, "RUNNING")
    (pod,) = osmo.cluster.workflow_pods.values()
    if disruption:
        pod["status"]["conditions"].append({"type": "DisruptionTarget", "status": "True", "reason": disruption})
    osmo.cluster.delete_pod(pod["metadata"]["name"])
    assert task_of(osmo.until_status(name, status))["exit_code"] == code


@pytest.mark.parametrize(
    ("reason", "task_status", "workflow_status"),
    [("ImagePullBackOff", "FAILED_IMAGE_PULL", "FAILED"), ("CreateContainerConfigError", "FAILED_START_ERROR", "FAILED_START_ERROR")],
)
def test_a_container_that_cannot_start_ends_its_task(osmo, hello, reason, task_status, workflow_status):
    osmo.cluster.waiting_reason = reason
    assert task_of(osmo.until_status(osmo.submit(hello), workflow_status))["status"] == task_status


@pytest.mark.parametrize("status", [status.value for status in WorkflowStatus if status.failed and status != "FAILED_SUBMISSION"])
def test_the_outcome_switch_ends_a_workflow_with_status_exit_code_and_log(osmo, hello, status):
    osmo.faults[OUTCOME] = {"workflow": "verify-hello", "status": status, "exitCode": 137, "log": ["planted line"]}
    name = osmo.submit(hello)
    task = task_of(osmo.until_status(name, status))
    assert (task["status"], task["exit_code"]) == (status, 137)
    assert task["failure_message"]
    assert osmo.call("GET", f"/api/workflow/{name}/logs").text.endswith("[hello] planted line\n")
    assert osmo.call("GET", f"/api/workflow/{name}/error_logs", params={"task_name": "hello"}).text.endswith("planted line\n")


def test_the_outcome_switch_leaves_other_workflows_alone(osmo, hello):
    osmo.faults[OUTCOME] = {"workflow": "verify-gpu", "status": "FAILED"}
    osmo.until_status(osmo.submit(hello), "COMPLETED")


def test_a_failed_submission_is_refused_and_kept(osmo, hello):
    osmo.faults[OUTCOME] = {"workflow": "verify-hello", "status": "FAILED_SUBMISSION", "log": ["planted line"]}
    refused = osmo.call("POST", "/api/pool/default/workflow", json={"file": hello})
    assert (refused.status_code, refused.json()["error_code"], refused.json()["workflow_id"]) == (400, "USAGE", "verify-hello")
    assert "planted line" in refused.json()["message"]
    assert osmo.workflow("verify-hello-1")["status"] == "FAILED_SUBMISSION"
    osmo.faults.clear()
    assert osmo.submit(hello) == "verify-hello-2"


def test_the_log_says_that_the_container_was_simulated_and_what_it_would_have_echoed(osmo, hello):
    name = osmo.submit(hello)
    osmo.until_status(name, "COMPLETED")
    lines = [line[20:] for line in osmo.call("GET", f"/api/workflow/{name}/logs").text.splitlines()]
    assert lines[0] == "[osmo-ctrl][osmo] [osmo] Starting"
    assert lines[1].startswith("[hello] [rehearsal] simulated container")
    assert lines[2] == "[hello] Hello from OSMO"


@pytest.mark.parametrize(
    ("text", "missing"), [("set -e", "greeting"), ('echo "$HOME"', "$HOME"), ("echo `whoami`", "whoami"), ("echo hi | sh", "hi")]
)
def test_what_cannot_be_told_without_running_is_not_invented(osmo, hello, text, missing):
    name = osmo.submit(hello.replace('echo "Hello from OSMO"', text))
    osmo.until_status(name, "COMPLETED")
    assert missing not in osmo.call("GET", f"/api/workflow/{name}/logs").text


def test_a_restart_runs_only_what_failed(osmo):
    osmo.faults[OUTCOME] = {"task": "second", "status": "FAILED"}
    name = osmo.submit(MULTI)
    osmo.until_status(name, "FAILED")
    osmo.faults.clear()
    again = osmo.done("POST", f"/api/pool/default/workflow/{name}/restart")["name"]
    found = osmo.until_status(again, "COMPLETED")
    assert (found["parent_name"], found["parent_job_id"]) == ("chain", 1)
    assert len(osmo.cluster.created) == 3


def test_environment_of_the_submission_reaches_the_pod(osmo, hello):
    osmo.until_status(osmo.submit(hello, params={"env_vars": ["A=1", "B=2=3"]}), "COMPLETED")
    assert osmo.cluster.created[0]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
