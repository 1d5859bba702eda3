"""What the service writes for the KAI scheduler, and what KAI does to its pods."""

from __future__ import annotations

import pytest

from rehearsal.api import ApiError
from rehearsal.services.osmo.scheduling import runtime_class_of

SCHEDULER = "kai-scheduler/kai-scheduler-default"
HELLO = """workflow:
  name: hello
  resources:
    default: {cpu: 1, gpu: 0, memory: 1Gi, storage: 1Gi}
  tasks:
  - name: hello
    image: alpine:3.20
    command: ["true"]
"""


def pool_status(osmo):
    return osmo.done("GET", "/api/pool")["pools"]["default"]["status"]


def pods(osmo):
    return [item for item in osmo.cluster.created if item["kind"] == "Pod"]


def test_a_connected_operator_makes_a_queue_for_each_pool_below_one_of_the_namespace(osmo):
    assert pool_status(osmo) == "ONLINE"
    queues = osmo.cluster.queues
    assert queues["osmo-pool-osmo-workflows-default"]["spec"]["parentQueue"] == "osmo-default-osmo-workflows"
    assert {queue["metadata"]["labels"]["osmo.namespace"] for queue in queues.values()} == {"osmo-workflows"}


def test_a_backend_that_is_configured_with_another_namespace_gets_a_second_set_of_queues(osmo):
    osmo.cluster.config["backends"] = {"default": {"k8s_namespace": "osmo-minimal"}}
    pool_status(osmo)
    assert {"osmo-default-osmo-minimal", "osmo-default-osmo-workflows"} <= set(osmo.cluster.queues)


def test_no_pool_is_online_where_queues_cannot_be_made(osmo):
    osmo.cluster.queues = None
    assert pool_status(osmo) == "OFFLINE"


def test_an_operator_that_is_gone_leaves_its_queues(osmo):
    pool_status(osmo)
    osmo.cluster.apps = {"osmo-minimal/osmo-service"}
    pool_status(osmo)
    assert osmo.cluster.queues


def test_a_group_is_held_together_in_its_pools_queue_until_it_is_done(osmo):
    osmo.cluster.schedules = False
    name = osmo.submit(HELLO)
    osmo.until_task(name, "SCHEDULING")
    (group,) = osmo.cluster.pod_groups.values()
    assert group["spec"] == {"queue": "osmo-pool-osmo-workflows-default", "minMember": 1}
    assert [pod["metadata"]["annotations"]["pod-group-name"] for pod in pods(osmo)] == [group["metadata"]["name"]]
    osmo.cluster.schedules = True
    osmo.cluster.move_all()
    osmo.until_status(name, "COMPLETED")
    assert osmo.cluster.pod_groups == {}


def test_pods_that_the_api_server_refuses_leave_no_group(osmo):
    osmo.cluster.refusal = ApiError(403, "Forbidden", 'pod rejected: RuntimeClass "nvidia" not found')
    osmo.until_status(osmo.submit(HELLO), "FAILED_BACKEND_ERROR")
    assert osmo.cluster.pod_groups == {}


def test_without_a_running_scheduler_no_task_gets_a_place(osmo):
    osmo.cluster.apps.remove(SCHEDULER)
    name = osmo.submit(HELLO)
    osmo.until_task(name, "PROCESSING")
    assert pods(osmo) == []
    osmo.cluster.apps.add(SCHEDULER)
    osmo.until_status(name, "COMPLETED")


@pytest.mark.parametrize(("given", "expected"), [("nvidia", "nvidia"), ("", None)])
def test_kai_gives_its_runtime_class_to_pods_that_name_gpus_even_none_of_them(osmo, given, expected):
    # as OSMO's user template always does
    osmo.cluster.runtime_class = given
    osmo.until_status(osmo.submit(HELLO), "COMPLETED")
    assert [pod["spec"].get("runtimeClassName") for pod in pods(osmo)] == [expected]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "nvidia"),
        (["--leader-elect"], "nvidia"),
        (["--gpu-pod-runtime-class-name", ""], ""),
        (["--webhook-addr", "9443", "--gpu-pod-runtime-class-name", "other"], "other"),
    ],
)
def test_kais_own_default_counts_where_its_admission_is_not_told(arguments, expected):
    assert runtime_class_of(arguments) == expected
