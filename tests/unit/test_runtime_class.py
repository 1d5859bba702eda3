"""RuntimeClass `nvidia`: ours where nobody else makes it, and never anybody else's."""

import copy

import pytest

from components.platform import runtime_class
from components.platform.runtime_class import PATH, RuntimeClassProvider, manifest
from sdg.catalog.gpu_driver import AKS_RUNTIME
from sdg.kube.errors import ObjectNotFoundError, RefusedError, UnreachableError

STUB, OF_AKS = manifest("runc"), manifest(AKS_RUNTIME)
OPERATORS = {"metadata": {"name": "nvidia", "labels": {"app.kubernetes.io/component": "gpu-operator"}}, "handler": "nvidia"}
TAKEN_OVER = {"metadata": STUB["metadata"], "handler": "nvidia"}
SOMEBODYS = {"metadata": {"name": "nvidia"}, "handler": "runc"}


class Api:
    """A cluster with one RuntimeClass at most."""

    def __init__(self, found):
        self.found = copy.deepcopy(found)

    def get(self, path):
        assert path == PATH
        if self.found is None:
            raise ObjectNotFoundError(path)
        return self.found

    def post(self, path, document):
        assert path == PATH.rpartition("/")[0]
        if self.found is not None:
            raise RefusedError(409, "already exists")
        self.found = document
        return document

    def delete(self, path):
        self.get(path)
        self.found = None


@pytest.fixture
def cluster(monkeypatch):
    def of(found):
        api = Api(found)
        monkeypatch.setattr(runtime_class, "_api", lambda props: api)
        return api

    return of


def asked(*, wanted, handler="runc"):
    return {"connection": {"kubeconfig": "k"}, "wanted": wanted, "handler": handler}


@pytest.mark.parametrize("handler", ["runc", AKS_RUNTIME])
def test_it_is_made_where_it_is_wanted_and_absent(cluster, handler):
    api = cluster(None)
    RuntimeClassProvider().create(asked(wanted=True, handler=handler))
    assert api.found == manifest(handler)


@pytest.mark.parametrize(("found", "handler"), [(STUB, AKS_RUNTIME), (OF_AKS, "runc")])
def test_ours_is_made_anew_when_it_needs_another_handler_which_nobody_can_change(cluster, found, handler):
    api = cluster(found)
    olds, news = asked(wanted=True, handler=found["handler"]), asked(wanted=True, handler=handler)
    assert RuntimeClassProvider().diff("nvidia", olds, news).changes
    RuntimeClassProvider().update("nvidia", olds, news)
    assert api.found == manifest(handler)


def test_a_class_of_another_runtime_is_named_where_aks_installs_the_driver(cluster):
    api = cluster(OPERATORS)
    with pytest.raises(RuntimeError, match=r"has the handler nvidia.* need nvidia-container-runtime.*sdg:cluster.gpuPools \[\]"):
        RuntimeClassProvider().create(asked(wanted=True, handler=AKS_RUNTIME))
    assert api.found == OPERATORS


def test_a_state_from_before_there_was_a_choice_of_handlers_changes_nothing():
    olds = {"connection": {"kubeconfig": "k"}, "wanted": True}
    assert not RuntimeClassProvider().diff("nvidia", olds, asked(wanted=True)).changes


@pytest.mark.parametrize("found", [OPERATORS, SOMEBODYS])
@pytest.mark.parametrize("wanted", [True, False])
def test_somebody_elses_stays_as_it_is(cluster, found, wanted):
    api = cluster(found)
    RuntimeClassProvider().create(asked(wanted=wanted))
    RuntimeClassProvider().delete("nvidia", asked(wanted=wanted))
    assert api.found == found


def test_it_makes_room_for_a_gpu_operator_when_gpus_are_planned(cluster):
    api = cluster(STUB)
    olds, news = asked(wanted=True), asked(wanted=False)
    assert RuntimeClassProvider().diff("nvidia", olds, news).changes
    RuntimeClassProvider().update("nvidia", olds, news)
    assert api.found is None


@pytest.mark.parametrize(("found", "left"), [(STUB, None), (TAKEN_OVER, TAKEN_OVER), (None, None)])
def test_destroy_removes_only_what_is_still_ours(cluster, found, left):
    api = cluster(found)
    RuntimeClassProvider().delete("nvidia", asked(wanted=True))
    assert api.found == left


@pytest.mark.parametrize(("found", "wanted", "id_"), [(None, True, ""), (None, False, "nvidia"), (STUB, True, "nvidia")])
def test_a_refresh_notices_that_it_vanished(cluster, found, wanted, id_):
    cluster(found)
    assert RuntimeClassProvider().read("nvidia", asked(wanted=wanted)).id == id_


def test_a_refresh_of_a_cluster_that_does_not_answer_changes_nothing(monkeypatch):
    def unreachable(props):
        raise UnreachableError("nobody there")

    monkeypatch.setattr(runtime_class, "_api", unreachable)
    assert RuntimeClassProvider().read("nvidia", asked(wanted=True)).id == "nvidia"


def test_credentials_that_rotate_ask_the_cluster_nothing(cluster):
    api = cluster(None)
    olds, news = asked(wanted=True), asked(wanted=True) | {"connection": {"kubeconfig": "new"}}
    assert RuntimeClassProvider().diff("nvidia", olds, news).changes
    assert RuntimeClassProvider().update("nvidia", olds, news).outs == news
    assert api.found is None
