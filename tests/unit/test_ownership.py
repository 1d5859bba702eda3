"""What somebody else made is neither taken over nor deleted; what the stack made is taken over again."""

import pytest

from components.ownership import OwnershipProvider
from components.platform import gpu_operator, kai_scheduler, minio
from sdg.gates.checks import Status
from sdg.gates.probes.remains import HELM_NAMESPACE, HELM_RELEASE, Plan, RemainsProbe
from sdg.kube.api import KubernetesApi
from sdg.kube.errors import ObjectNotFoundError, UnreachableError
from sdg.kube.objects import Ref, collection
from sdg.platform.ownership import is_owned

OWNER = "sdg/lab"
CONNECTION = {"kubeconfig": "planted-credential", "context": None}
PROGRAMS = {"app.kubernetes.io/managed-by": "sdg"}


def namespace(name="kai-scheduler", **metadata):
    return {"metadata": {"name": name, **metadata}}


FOREIGN = namespace(managedFields=[{"manager": "helm"}, {"manager": "kubectl-create"}])
OF_ANOTHER_STACK = namespace(annotations={"sdg/stack": "sdg/other"}, labels=PROGRAMS, managedFields=[{"manager": "pulumi-kubernetes-1"}])
OURS = namespace(annotations={"sdg/stack": OWNER}, labels=PROGRAMS)
RESTORED = namespace(labels=PROGRAMS)
OF_AN_EARLIER_PROGRAM = namespace(managedFields=[{"manager": "pulumi-kubernetes-0a1b2c3d"}])
HANDED_OVER = namespace(annotations={"sdg/stack": OWNER}, managedFields=[{"manager": "kubectl-annotate"}])


class Cluster:
    """Objects by path."""

    def __init__(self, *namespaces, **more):
        self.objects = {Ref("Namespace", "", found["metadata"]["name"]).path: found for found in namespaces} | more
        self.error = None

    def get(self, path, query=None):
        if self.error:
            raise self.error
        if path not in self.objects:
            raise ObjectNotFoundError(path)
        return self.objects[path]

    def delete(self, path):
        del self.objects[path]


@pytest.fixture
def on(monkeypatch):
    def cluster(found):
        monkeypatch.setattr(KubernetesApi, "connect", lambda connection: found)
        return found

    return cluster


def asked(ground=kai_scheduler.GROUND, **changed):
    return {
        "connection": CONNECTION,
        "owner": OWNER,
        "namespaces": list(ground.namespaces),
        "kinds": list(ground.kinds),
        "service": list(ground.service) if ground.service else None,
        "remedy": ground.remedy,
        **changed,
    }


def refusals(props, olds=None):
    return [failure.reason for failure in OwnershipProvider().check(olds or {}, props).failures]


@pytest.mark.parametrize(
    ("found", "owned"),
    [(FOREIGN, False), (OF_ANOTHER_STACK, False), (OURS, True), (RESTORED, True), (OF_AN_EARLIER_PROGRAM, True), (HANDED_OVER, True)],
)
def test_a_namespace_is_told_by_its_mark(on, found, owned):
    on(Cluster(found))
    assert is_owned(found, OWNER) is owned
    assert (refusals(asked()) == []) is owned


def test_what_somebody_else_made_is_refused_at_preview_with_both_ways_out(on):
    on(Cluster(FOREIGN))
    (said,) = refusals(asked())
    assert "Namespace kai-scheduler is there already, and this stack did not make it" in said
    assert "`pulumi config set --path sdg:platform.kaiScheduler.install false`" in said
    assert "`kubectl annotate --overwrite namespace kai-scheduler sdg/stack=sdg/lab`" in said
    assert CONNECTION["kubeconfig"] not in said


def test_a_namespace_of_another_stack_is_refused_by_that_stacks_name(on):
    on(Cluster(OF_ANOTHER_STACK))
    (said,) = refusals(asked())
    assert "stack sdg/other made it" in said


@pytest.mark.parametrize("port", [80, 9000])
def test_the_way_to_a_minio_that_is_there_names_its_own_port(on, port):
    service = {Ref("Service", "minio-operator", "minio").path: {"spec": {"ports": [{"port": port}]}}}
    on(Cluster(namespace("minio-operator"), **service))
    (said,) = refusals(asked(minio.GROUND))
    assert f"endpoint http://minio.minio-operator.svc.cluster.local:{port} " in said
    assert "provider s3" in said


@pytest.mark.parametrize(
    ("ground", "kind", "setting"),
    [
        (kai_scheduler.GROUND, "SchedulingShard", "kaiScheduler.install false"),
        (gpu_operator.GROUND, "ClusterPolicy", "gpuOperator.install false"),
    ],
)
def test_one_in_another_namespace_is_found_by_what_a_cluster_has_once(on, ground, kind, setting):
    def listed(**annotations):
        return Cluster(**{collection(kind): {"items": [{"metadata": {"name": "default", "annotations": annotations}}]}})

    on(listed(**{HELM_RELEASE: "mine", HELM_NAMESPACE: "team-b"}))
    (said,) = refusals(asked(ground))
    assert f"{kind} default is there already" in said
    assert setting in said
    # a destroy that was told to forget the cluster left it
    on(listed(**{HELM_RELEASE: ground.namespaces[0], HELM_NAMESPACE: ground.namespaces[0]}))
    assert refusals(asked(ground)) == []


def test_what_the_stack_is_known_to_have_made_is_not_looked_at_again(on):
    on(Cluster(FOREIGN))
    assert refusals(asked(), olds=asked()) == []


@pytest.mark.parametrize("connection", [None, {"kubeconfig": None}, object()])
def test_a_cluster_that_is_not_known_at_preview_is_looked_at_in_the_update(on, connection):
    on(Cluster(FOREIGN))
    assert refusals(asked(connection=connection)) == []
    with pytest.raises(RuntimeError, match="this stack did not make it"):
        OwnershipProvider().create(asked())


def test_a_cluster_that_does_not_answer_is_left_to_its_gate(on):
    on(Cluster()).error = UnreachableError("no answer")
    assert refusals(asked()) == []


def test_the_state_keeps_no_way_into_the_cluster(on):
    on(Cluster())
    assert "connection" not in OwnershipProvider().create(asked()).outs


def test_destroy_leaves_alone_what_an_update_was_refused_for(on):
    shard = {"metadata": {"name": "default", "annotations": {HELM_RELEASE: "kai-scheduler", HELM_NAMESPACE: "kai-scheduler"}}}
    crd = {"metadata": {"name": "queues.scheduling.run.ai"}}
    queue = {"metadata": {"name": "default-queue"}}
    cluster = Cluster(
        FOREIGN,
        namespace("osmo-workflows", annotations={"sdg/stack": OWNER}),
        **{
            collection("SchedulingShard"): {"items": [shard]},
            collection("CustomResourceDefinition"): {"items": [crd]},
            collection("Queue"): {"items": [queue]},
        },
    )
    probe = RemainsProbe(cluster, Plan(False, ("kai-scheduler", "osmo-workflows"), kai=True, crds=True, owner=OWNER))
    probe.look()
    assert probe.look().status is Status.PASSED
    assert Ref("Namespace", "", "kai-scheduler").path in cluster.objects
    assert Ref("Namespace", "", "osmo-workflows").path not in cluster.objects
    assert probe.strangers() == [Ref("Namespace", "", "kai-scheduler")]


def test_with_retain_a_foreign_namespace_is_neither_kept_nor_emptied():
    left = {"metadata": {"name": "s", "namespace": "minio-operator"}}
    secrets = {collection("Secret", "minio-operator"): {"items": [left]}}
    probe = RemainsProbe(
        Cluster(namespace("minio-operator"), **secrets), Plan(True, ("minio-operator",), kai=False, crds=False, owner=OWNER)
    )
    assert probe.look().status is Status.PASSED
    assert probe.kept() == []
    assert probe.strangers() == [Ref("Namespace", "", "minio-operator")]
