"""What an inventory finds in a cluster, and which definitions may be left there."""

import pytest

from cli.inventory import inventory
from cli.rehearse import _definitions
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import Ref, collection
from sdg.platform.layout import GPU_OPERATOR_CRDS, KAI_CRDS
from sdg.settings.parse import parse

DEFINITION = "CustomResourceDefinition"


class Cluster:
    """Objects by kind, none of which has a namespace."""

    def __init__(self, **names):
        self.lists = {collection(kind): [{"metadata": {"name": name}} for name in found] for kind, found in names.items()}

    def get(self, path, query=None):
        if path in self.lists:
            return {"items": self.lists[path]}
        parent, _, name = path.rpartition("/")
        for found in self.lists.get(parent, ()):
            if found["metadata"]["name"] == name:
                return found
        raise ObjectNotFoundError(path)


@pytest.fixture(autouse=True)
def _no_forwards(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_namespace_of_microk8s_addon_and_the_gpu_operators_kinds_are_found():
    cluster = Cluster(
        Namespace=["gpu-operator-resources", "kube-system"], CustomResourceDefinition=[*GPU_OPERATOR_CRDS, "mine.example.com"]
    )
    expected = {Ref("Namespace", "", "gpu-operator-resources"), *(Ref(DEFINITION, "", name) for name in GPU_OPERATOR_CRDS)}
    assert inventory(cluster).objects == expected
    assert len(inventory(cluster).unexpected(retain=False)) == len(expected)


def test_only_the_definitions_that_were_to_stay_may():
    found = inventory(Cluster(CustomResourceDefinition=[*KAI_CRDS, GPU_OPERATOR_CRDS[0], "osmo-made-up.example.com"]))
    assert found.unexpected(retain=True) == [f"{DEFINITION}/{GPU_OPERATOR_CRDS[0]}", f"{DEFINITION}/osmo-made-up.example.com"]
    assert len(found.unexpected(retain=False, definitions=())) == len(KAI_CRDS) + 2


LAB = {"kind": "existing", "name": "lab", "gpus": 1}


@pytest.mark.parametrize(
    ("sections", "stay"),
    [
        ({"cluster": LAB}, {*KAI_CRDS}),
        ({"cluster": LAB, "platform": {"gpuOperator": {"install": True}}}, {*KAI_CRDS, *GPU_OPERATOR_CRDS}),
        ({"cluster": {"kind": "microk8s", "gpus": 1}}, {*KAI_CRDS}),
        ({"cluster": {"kind": "microk8s"}, "platform": {"kaiScheduler": {"removeCrds": True}}}, set()),
    ],
)
def test_which_definitions_stay_follows_from_the_settings(sections, stay):
    assert set(_definitions(parse(sections))) == stay
