"""Probes of pods and workloads: what counts as ready, and in whose words it is said when something is not."""

import pytest

from sdg.gates.checks import Status
from sdg.gates.probes.pods import trouble
from sdg.gates.probes.workloads import WorkloadsProbe
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.workload import Workload

UNSCHEDULABLE = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."


class Api:
    """Answers from a dictionary of paths, and with empty lists; counts what is asked."""

    def __init__(self, **objects):
        self.objects = objects
        self.asked = []

    def get(self, path, query=None):
        self.asked.append(path)
        if path in self.objects:
            return self.objects[path]
        if path.rsplit("/", 1)[-1] in ("deployments", "jobs", "pods", "events"):
            return {"items": []}
        raise ObjectNotFoundError(path)


def pod(name="web-1", phase="Pending", containers=(), scheduled="True", ready="False", **more):
    conditions = [
        {"type": "PodScheduled", "status": scheduled, "reason": "Unschedulable", "message": UNSCHEDULABLE},
        {"type": "Ready", "status": ready, "message": "containers with unready status: [c]"},
    ]
    return {
        "metadata": {"name": name, "labels": {"app": "web"}, **more.pop("metadata", {})},
        "spec": {"volumes": more.pop("volumes", [])},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": list(containers), **more},
    }


def waits(reason, message="", last=None):
    return {"name": "c", "state": {"waiting": {"reason": reason, "message": message}}, "lastState": {"terminated": last} if last else {}}


def event(reason, message, name="web-1", kind="Pod", at="2026-01-01T00:00:00Z"):
    return {"reason": reason, "message": message, "involvedObject": {"kind": kind, "name": name}, "lastTimestamp": at}


MOUNT = event("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "db" not found')
CLAIM = event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', "data", "PersistentVolumeClaim")


@pytest.mark.parametrize(
    ("of", "events", "words"),
    [
        (pod(scheduled="False"), [], f"pod web-1: Unschedulable: {UNSCHEDULABLE}"),
        (
            pod(containers=[waits("CrashLoopBackOff", "back-off 40s", {"exitCode": 3, "message": "no database"})]),
            [],
            "pod web-1: CrashLoopBackOff: container c: last exit code 3: no database; back-off 40s",
        ),
        (
            pod(containers=[waits("ImagePullBackOff", "429 Too Many Requests")]),
            [],
            "pod web-1: ImagePullBackOff: container c: 429 Too Many Requests",
        ),
        (
            pod(containers=[waits("CreateContainerConfigError", 'secret "db" not found')]),
            [],
            'pod web-1: CreateContainerConfigError: container c: secret "db" not found',
        ),
        (pod(containers=[waits("ContainerCreating")]), [MOUNT], f"pod web-1: FailedMount: {MOUNT['message']}"),
        (pod(containers=[waits("ContainerCreating")]), [], "pod web-1: ContainerCreating: containers with unready status: [c]"),
        (
            pod(scheduled="False", volumes=[{"persistentVolumeClaim": {"claimName": "data"}}]),
            [CLAIM],
            f"pod web-1: Unschedulable: {UNSCHEDULABLE}; claim data: {CLAIM['message']}",
        ),
        (pod(phase="Failed", reason="Evicted", message="low on memory"), [], "pod web-1: Evicted: low on memory"),
        (
            pod(containers=[{"name": "c", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]),
            [],
            "pod web-1: Error: container c exit code 1: Error",
        ),
        (
            pod(phase="Running", containers=[{"name": "c", "state": {"running": {}}}]),
            [event("Unhealthy", "Readiness probe failed: 503")],
            "pod web-1: Unhealthy: Readiness probe failed: 503",
        ),
    ],
)
def test_a_pods_trouble_is_told_in_the_clusters_words(of, events, words):
    assert str(trouble(of, events)) == words


def test_init_containers_are_heard_as_well():
    of = pod(initContainerStatuses=[waits("CrashLoopBackOff", "back-off")])
    assert "CrashLoopBackOff" in str(trouble(of))


@pytest.mark.parametrize("of", [pod(phase="Running", ready="True"), pod(phase="Succeeded"), pod(metadata={"deletionTimestamp": "now"})])
def test_a_pod_that_is_ready_done_or_on_its_way_out_is_no_trouble(of):
    assert trouble(of) is None


def test_the_latest_event_counts():
    old = event("FailedMount", "old", at="2026-01-01T00:00:00Z")
    new = event("FailedMount", "new", at="2026-01-01T00:00:09Z")
    assert trouble(pod(), [new, old]).words == "new"


WEB = Workload("Deployment", "n", "web")


def deployment(available=0, replicas=1, updated=1, observed=1, conditions=(), **status):
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}},
        "status": {
            "observedGeneration": observed,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "conditions": list(conditions),
            **status,
        },
    }


def look(item, pods=(), events=(), objects=None, **options):
    api = Api(
        **{
            "/apis/apps/v1/namespaces/n/deployments": {"items": [item] if item else []},
            "/api/v1/namespaces/n/pods": {"items": list(pods)},
            "/api/v1/namespaces/n/events": {"items": list(events)},
            **(objects or {}),
        }
    )
    (check,) = WorkloadsProbe(api, [WEB], **options).look()
    return check


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (deployment(available=0), "0 of 1 replicas available"),
        (deployment(available=1, updated=0), "0 of 1 replicas updated"),
        (deployment(available=1, observed=0), "the newest revision has not been looked at yet"),
        (deployment(available=2, replicas=1), ""),
        (deployment(available=1, status={}), ""),
        (deployment(available=0, replicas=0, updated=0), "scaled to 0 replicas"),
    ],
)
def test_a_deployment_is_ready_when_its_newest_revision_is_available(item, words):
    check = look(item)
    assert (check.status is Status.PASSED) is (not words)
    assert words in check.observed


def test_pods_of_the_last_revision_must_be_gone():
    assert (
        "1 replicas of the last revision still run"
        in look(deployment(available=1) | {"status": {**deployment(available=1)["status"], "replicas": 2}}).observed
    )


def test_a_pod_in_trouble_is_named_under_its_workload():
    check = look(deployment(), [pod(scheduled="False"), {**pod(name="other"), "metadata": {"name": "other", "labels": {"app": "x"}}}])
    assert check.observed == f"0 of 1 replicas available; pod web-1: Unschedulable: {UNSCHEDULABLE}"
    assert not check.final


def test_a_workload_with_a_pod_in_trouble_is_stuck_and_one_on_its_way_is_not():
    assert look(deployment(), [pod(scheduled="False")]).stuck
    assert not look(deployment(), [pod(containers=[waits("ContainerCreating")])]).stuck


def test_a_secret_that_does_not_exist_is_final_and_its_name_is_in_the_remedy():
    check = look(deployment(), [pod(containers=[waits("ContainerCreating")])], [MOUNT])
    assert check.final
    assert "secret db in namespace n" in check.remedy


def test_a_secret_that_exists_by_now_is_not_final():
    check = look(deployment(), [pod(containers=[waits("ContainerCreating")])], [MOUNT], {"/api/v1/namespaces/n/secrets/db": {}})
    assert not check.final


def test_pods_that_the_api_server_refuses_to_create_are_explained():
    refused = {"type": "ReplicaFailure", "status": "True", "message": 'pods "web-" is forbidden: RuntimeClass "nvidia" not found'}
    check = look(deployment(updated=0, conditions=[refused]))
    assert "is forbidden" in check.observed
    assert check.final


def test_an_image_name_that_cannot_be_parsed_is_final():
    assert look(deployment(), [pod(containers=[waits("InvalidImageName")])]).final


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CrashLoopBackOff"])
def test_what_may_pass_is_waited_for(reason):
    assert not look(deployment(), [pod(containers=[waits(reason)])]).final


def test_an_object_that_vanished_is_named_with_the_command_that_repairs_it():
    check = look(None, repair="run this")
    assert (check.subject, check.observed, check.remedy, check.final) == ("Deployment/n/web", "no such object", "run this", True)


@pytest.mark.parametrize(("records", "remedy"), [([{"metadata": {"name": "sh.helm.release.v1.web.v1"}}], "repair"), ([], "restore")])
def test_an_object_of_a_release_that_is_gone_itself_comes_back_with_the_release(records, remedy):
    api = Api(**{"/api/v1/namespaces/n/secrets": {"items": records}})
    probe = WorkloadsProbe(api, [WEB], repair="repair", restore="restore")
    assert probe.look()[0].remedy == remedy


def test_pods_and_events_are_not_read_while_all_is_well():
    api = Api(**{"/apis/apps/v1/namespaces/n/deployments": {"items": [deployment(available=1)]}})
    WorkloadsProbe(api, [WEB]).look()
    assert api.asked == ["/apis/apps/v1/namespaces/n/deployments"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"conditions": [{"type": "Complete", "status": "True"}]}, ""),
        (
            {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]},
            "failed: BackoffLimitExceeded: m",
        ),
        ({}, "0 of 1 completions"),
    ],
)
def test_a_job_is_ready_when_it_is_complete(status, words):
    api = Api(**{"/apis/batch/v1/namespaces/n/jobs": {"items": [{"metadata": {"name": "j"}, "spec": {}, "status": status}]}})
    (check,) = WorkloadsProbe(api, [Workload("Job", "n", "j")]).look()
    assert words in check.observed
    assert (check.status is Status.PASSED) is (not words)


def test_a_kind_that_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="CronJob"):
        WorkloadsProbe(Api(), [Workload("CronJob", "n", "x")])


FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]}


@pytest.mark.parametrize(
    ("labels", "options", "command"),
    [
        ({}, {"repair": "repair", "restore": "pulumi up --stack s"}, "kubectl --namespace n delete job j && pulumi up --stack s --refresh"),
        ({}, {}, "kubectl --namespace n delete job j && pulumi refresh && pulumi up"),
        (
            {"app.kubernetes.io/managed-by": "Helm"},
            {"repair": "pulumi up --stack s --replace 'urn'"},
            "pulumi up --stack s --replace 'urn'",
        ),
    ],
)
def test_a_job_that_failed_for_good_is_final_and_its_remedy_makes_it_again(labels, options, command):
    job = {"metadata": {"name": "j", "labels": labels}, "spec": {}, "status": FAILED}
    api = Api(**{"/apis/batch/v1/namespaces/n/jobs": {"items": [job]}})
    (check,) = WorkloadsProbe(api, [Workload("Job", "n", "j")], **options).look()
    assert check.final
    assert f"then run `{command}`." in check.remedy


def test_a_job_that_is_still_tried_is_waited_for():
    job = {"metadata": {"name": "j"}, "spec": {}, "status": {"failed": 3}}
    api = Api(**{"/apis/batch/v1/namespaces/n/jobs": {"items": [job]}})
    (check,) = WorkloadsProbe(api, [Workload("Job", "n", "j")]).look()
    assert not check.final


def test_a_workload_survives_its_way_through_a_gates_inputs():
    assert Workload.of(WEB.as_input()) == WEB
