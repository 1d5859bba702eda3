"""What is removed at the end of a stack, what is waited for, and what is left alone."""

from __future__ import annotations

import dataclasses

import pytest

from components.remains import RemainsProvider, namespaces
from sdg.gates.checks import Status
from sdg.gates.destroying import DestroyRefused
from sdg.gates.probes.remains import HELM_NAMESPACE, HELM_RELEASE, PROVISIONED_BY, Plan, RemainsProbe
from sdg.kube.errors import ObjectNotFoundError, RefusedError, UnreachableError
from sdg.kube.objects import Ref, collection
from sdg.osmo import retained
from sdg.platform.layout import OURS
from sdg.settings.parse import parse

OSMO = ("osmo-minimal", "osmo-operator", "osmo-workflows", "minio-operator", "kai-scheduler")
DELETE = Plan(retain=False, namespaces=OSMO, kai=True, crds=False)
RETAIN = Plan(retain=True, namespaces=OSMO, kai=True, crds=False)


class Cluster:
    """Objects by path. What is deleted is gone at once, unless it has finalizers: then it is going."""

    def __init__(self, *objects, refuses=()):
        self.objects = {ref.path: document for ref, document in objects}
        self.refuses = set(refuses)

    def get(self, path, query=None):
        if path in self.objects:
            return self.objects[path]
        inside = [found for key, found in self.objects.items() if key.rpartition("/")[0] == path]
        if not inside:
            raise ObjectNotFoundError(path)
        return {"items": inside}

    def delete(self, path):
        if path in self.refuses:
            raise RefusedError(403, "not allowed")
        metadata = self.objects[path]["metadata"]
        if metadata.get("finalizers"):
            metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            del self.objects[path]

    def patch(self, path, changes):
        self.objects[path]["spec"] |= changes["spec"]

    def names(self):
        return sorted(self.objects)


def object_of(ref, labels=None, annotations=None, finalizers=None, **more):
    metadata = {"name": ref.name, "namespace": ref.namespace, "uid": str(ref), "labels": labels or {}, "annotations": annotations or {}}
    return ref, {"metadata": metadata | ({"finalizers": finalizers} if finalizers else {}), **more}


def scoped(kind, name, **more):
    return object_of(Ref(kind, "", name), **more)


def of_release(kind, name, release="osmo-operator", namespace="osmo-operator"):
    return scoped(kind, name, annotations={HELM_RELEASE: release, HELM_NAMESPACE: namespace})


def cleaned(cluster, plan=DELETE, looks=5):
    probe = RemainsProbe(cluster, plan)
    return [probe.look() for _ in range(looks)][-1]


# what upstream's own script leaves behind, by name
LEFT_BY_UPSTREAM = [
    of_release("PriorityClass", "osmo-high"),
    of_release("ClusterRole", "osmo-operator-listener"),
    of_release("ClusterRoleBinding", "osmo-operator-worker"),
    scoped("Queue", "osmo-default-osmo-workflows", labels={"osmo.namespace": "osmo-workflows"}, spec={}),
    scoped("Queue", "osmo-pool-osmo-workflows-default", spec={"parentQueue": "osmo-default-osmo-workflows"}),
    scoped("Topology", "racks", labels={"osmo.namespace": "osmo-workflows"}),
    object_of(Ref("PodGroup", "osmo-workflows", "pg")),
    scoped("RuntimeClass", "nvidia", labels=dict(OURS), handler="runc"),
    scoped("Namespace", "osmo-minimal"),
    scoped("Namespace", "minio-operator"),
    of_release("Namespace", "kai-resource-reservation", "kai-scheduler", "kai-scheduler"),
]

OF_OTHERS = [
    scoped("PriorityClass", "osmo-high-of-mine"),
    of_release("ClusterRole", "osmo-operator-of-team-b", namespace="team-b"),
    scoped("Queue", "osmo-pool-team-b-default", labels={"osmo.namespace": "team-b"}),
    scoped("Queue", "default-queue", spec={"parentQueue": "default-parent-queue"}),
    scoped("RuntimeClass", "nvidia", labels={}, handler="nvidia"),
    scoped("Namespace", "team-b"),
    scoped("CustomResourceDefinition", "queues.scheduling.run.ai"),
    scoped("PersistentVolume", "by-hand", spec={"claimRef": {"namespace": "osmo-minimal", "name": "postgres-volume"}}),
]


OF_AKS = scoped("RuntimeClass", "nvidia", labels=dict(OURS), handler="nvidia-container-runtime")


@pytest.mark.parametrize("left", [*LEFT_BY_UPSTREAM, OF_AKS], ids=lambda left: str(left[0]))
def test_what_nothing_else_owns_goes(left):
    cluster = Cluster(left)
    assert cleaned(cluster).status is Status.PASSED
    assert cluster.names() == []


@pytest.mark.parametrize("kept", OF_OTHERS, ids=lambda kept: str(kept[0]))
def test_what_others_own_stays_and_is_not_waited_for(kept):
    foreign = scoped("Queue", "team-b", spec={})
    cluster = Cluster(kept, foreign)
    assert cleaned(cluster).status is Status.PASSED
    assert kept[0].path in cluster.names()


def test_a_child_queue_goes_before_its_parent():
    parent, child = LEFT_BY_UPSTREAM[3], LEFT_BY_UPSTREAM[4]
    subjects = [check.subject for check in RemainsProbe(Cluster(parent, child), DELETE).look().checks]
    assert subjects == ["Queue/osmo-pool-osmo-workflows-default", "Queue/osmo-default-osmo-workflows"]


def test_default_queues_of_a_kai_that_was_ours_go_once_nobody_uses_them():
    default = OF_OTHERS[3]
    assert cleaned(cluster := Cluster(default)).status is Status.PASSED
    assert cluster.names() == []
    cleaned(cluster := Cluster(default), Plan(retain=False, namespaces=OSMO, kai=False, crds=False))
    assert cluster.names() == [default[0].path]


def test_crds_go_only_when_they_were_asked_for():
    crd = OF_OTHERS[6]
    cleaned(cluster := Cluster(crd), Plan(retain=False, namespaces=OSMO, kai=True, crds=True))
    assert cluster.names() == []


GPU = Plan(retain=False, namespaces=("gpu-operator",), kai=False, crds=False, gpu_operator=True)


def test_a_gpu_operator_of_the_stacks_goes_with_its_policy_and_leaves_its_crds_unless_asked():
    crd = scoped("CustomResourceDefinition", "clusterpolicies.nvidia.com")
    found = [scoped("Namespace", "gpu-operator"), of_release("ClusterPolicy", "cluster-policy", "gpu-operator", "gpu-operator"), crd]
    cluster = Cluster(*found)
    assert cleaned(cluster, GPU).status is Status.PASSED
    assert cluster.names() == [crd[0].path]
    cleaned(cluster, dataclasses.replace(GPU, gpu_operator_crds=True))
    assert cluster.names() == []


def test_runtime_classes_of_a_gpu_operator_are_waited_for_and_left_to_kubernetes():
    made = scoped("RuntimeClass", "nvidia", handler="nvidia")
    made[1]["metadata"]["ownerReferences"] = [{"kind": "ClusterPolicy", "uid": "gone"}]
    (check,) = cleaned(cluster := Cluster(made), GPU).failures()
    assert check.subject == "RuntimeClass/nvidia"
    assert cluster.names() == [made[0].path]


def test_the_end_of_a_gpu_operator_takes_nothing_of_osmo_along():
    others = [LEFT_BY_UPSTREAM[number] for number in (0, 3, 5, 6, 8, 10)]
    assert cleaned(cluster := Cluster(*others), GPU).status is Status.PASSED
    assert cluster.names() == sorted(ref.path for ref, _ in others)


def test_a_webhook_whose_service_is_gone_would_stop_every_pod_and_goes():
    webhooks = [{"clientConfig": {"service": {"namespace": "kai-scheduler", "name": "admission"}}}]
    cleaned(cluster := Cluster(scoped("MutatingWebhookConfiguration", "kai-admission", webhooks=webhooks)))
    assert cluster.names() == []


def test_what_is_held_is_waited_for_by_name_and_in_kubernetes_words():
    message = "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    held = {"conditions": [{"type": "NamespaceFinalizersRemaining", "status": "True", "message": message}], "phase": "Terminating"}
    cluster = Cluster(scoped("Namespace", "osmo-workflows", finalizers=["kubernetes"], status=held))
    (check,) = cleaned(cluster).failures()
    assert check.subject == "Namespace/osmo-workflows"
    assert check.observed == f"being deleted; {message}"


def test_a_refusal_is_told_in_the_api_servers_words():
    left = LEFT_BY_UPSTREAM[0]
    (check,) = cleaned(Cluster(left, refuses=[left[0].path])).failures()
    assert "refuses to delete it: HTTP 403: not allowed" in check.observed


def test_a_volume_that_its_class_would_keep_is_handed_to_its_provisioner():
    claim = {"namespace": "osmo-minimal", "name": "postgres-volume"}
    spec = {"claimRef": claim, "persistentVolumeReclaimPolicy": "Retain"}
    volume = scoped("PersistentVolume", "pvc-1", annotations={PROVISIONED_BY: "x"}, spec=spec, status={"phase": "Released"})
    cluster = Cluster(volume)
    (check,) = cleaned(cluster).failures()
    assert check.subject == "PersistentVolume/pvc-1"
    assert cluster.objects[volume[0].path]["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


def promised_objects():
    found = [object_of(promise.ref) for promise in retained.RETAINED]
    claims = [promise.ref for promise in retained.RETAINED if promise.role == "volume"]
    volumes = [
        scoped(
            "PersistentVolume",
            f"pvc-{claim.name}",
            annotations={PROVISIONED_BY: "x"},
            spec={"claimRef": {"namespace": claim.namespace, "name": claim.name}},
            status={"phase": "Bound"},
        )
        for claim in claims
    ]
    return [*found, *volumes]


def test_with_retain_exactly_the_promised_objects_stay():
    promised = promised_objects()
    rest = [
        scoped("Namespace", "osmo-operator"),
        object_of(Ref("Secret", "osmo-minimal", "left"), annotations={HELM_RELEASE: "osmo-minimal", HELM_NAMESPACE: "osmo-minimal"}),
    ]
    cluster = Cluster(*promised, *rest)
    assert cleaned(cluster, RETAIN).status is Status.PASSED
    assert cluster.names() == sorted(ref.path for ref, _ in promised)


def test_with_retain_what_is_going_or_was_orphaned_is_waited_for():
    owner = {"kind": "ReplicaSet", "uid": "gone"}
    pod = object_of(Ref("Pod", "osmo-minimal", "osmo-service-1"))
    pod[1]["metadata"]["ownerReferences"] = [owner]
    (check,) = cleaned(Cluster(*promised_objects(), pod), RETAIN).failures()
    assert check.subject == "Pod/osmo-minimal/osmo-service-1"


def test_with_retain_what_somebody_else_put_there_is_named_and_not_waited_for():
    mine = object_of(Ref("Secret", "osmo-minimal", "mine"))
    root = object_of(Ref("ConfigMap", "osmo-minimal", "kube-root-ca.crt"))
    cluster = Cluster(*promised_objects(), mine, root)
    assert cleaned(cluster, RETAIN).status is Status.PASSED
    assert RemainsProbe(cluster, RETAIN).strangers() == [mine[0]]


def test_what_stayed_is_told_with_what_it_holds():
    lines = retained.in_words(RemainsProbe(Cluster(*promised_objects()), RETAIN).kept())
    assert len(lines) == len(retained.RETAINED)
    assert "PersistentVolumeClaim/osmo-minimal/postgres-volume: OSMO's database" in lines
    assert RemainsProbe(Cluster(*promised_objects()), DELETE).kept() == []


def settings(**sections):
    return parse({"cluster": '{"kind": "existing", "name": "lab"}', **sections})


def test_only_namespaces_that_the_stack_makes_are_looked_for():
    assert set(namespaces(settings())) == set(OSMO)
    elsewhere = settings(platform='{"objectStore": {"provider": "s3"}, "kaiScheduler": {"install": false}}')
    assert set(namespaces(elsewhere)) == {"osmo-minimal", "osmo-operator", "osmo-workflows"}


PROPS = {
    "connection": {
        "kubeconfig": '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}], '
        '"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}], "users": [{"name": "u", "user": {}}]}',
        "context": None,
    },
    "stack": "lab",
    "data": "delete",
    "namespaces": list(OSMO),
    "kaiScheduler": {"install": True, "removeCrds": False},
    "deadline": 0.1,
}


@pytest.fixture
def cluster(monkeypatch):
    """The cluster that the provider connects to; `None` answers nothing."""
    held = {"api": Cluster()}

    class Down:
        def get(self, path, query=None):
            raise UnreachableError("[Errno 111] Connection refused")

    class Up:
        def __getattr__(self, name):
            return getattr(held["api"], name)

        def get(self, path, query=None):
            return {} if path == "/version" else held["api"].get(path, query)

    monkeypatch.setattr("sdg.gates.destroying.PATIENCE", 0.0)
    monkeypatch.setattr("sdg.gates.destroying.KubernetesApi.connect", lambda _: Up() if held["api"] else Down())
    return held


def test_what_is_still_there_at_the_deadline_ends_the_destroy_by_name(cluster):
    cluster["api"] = Cluster(scoped("Namespace", "osmo-workflows", finalizers=["example.com/hold"]))
    with pytest.raises(DestroyRefused) as refused:
        RemainsProvider().delete("remains", PROPS)
    assert "Namespace/osmo-workflows: being deleted; held by finalizers example.com/hold" in str(refused.value)
    assert "`pulumi destroy --stack lab` goes on from here" in str(refused.value)


def test_a_cluster_that_does_not_answer_ends_the_destroy_with_the_way_to_forget_it(cluster, monkeypatch):
    cluster["api"] = None
    with pytest.raises(DestroyRefused) as refused:
        RemainsProvider().delete("remains", PROPS)
    assert "the cluster at https://127.0.0.1:9 does not answer (connection refused)" in str(refused.value)
    assert "`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi destroy --stack lab`" in str(refused.value)
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    RemainsProvider().delete("remains", PROPS)


def test_what_stays_is_said_at_the_end(cluster, capsys):
    cluster["api"] = Cluster(*promised_objects())
    RemainsProvider().delete("remains", {**PROPS, "data": "retain"})
    said = capsys.readouterr().err
    assert "remains: kept ConfigMap/osmo-minimal/mek-config: OSMO's master encryption key" in said


@pytest.mark.parametrize("change", [{"data": "retain"}, {"namespaces": []}, {"connection": {}}])
def test_a_changed_setting_is_stored_in_place(change):
    difference = RemainsProvider().diff("remains", PROPS, {**PROPS, **change})
    assert difference.changes
    assert not difference.replaces
    assert not RemainsProvider().diff("remains", {**PROPS, "__provider": "x"}, PROPS).changes


def test_paths_are_the_apis():
    assert collection("Queue") == "/apis/scheduling.run.ai/v2/queues"
    assert Ref("PodGroup", "n", "g").path == "/apis/scheduling.run.ai/v2alpha2/namespaces/n/podgroups/g"
    assert all(Ref.parse(str(promise.ref)) == promise.ref for promise in retained.RETAINED)
    with pytest.raises(ValueError, match="names no object"):
        Ref.parse("Secret/only-a-name")
