"""The KAI scheduler: what its chart is told, and what its gate asks for."""

import pytest

from sdg.gates.checks import Status
from sdg.gates.probes.definitions import DefinitionsProbe
from sdg.kube.errors import ObjectNotFoundError
from sdg.platform import kai, layout
from sdg.settings.mirror import Mirror

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"


class Api:
    def __init__(self, **established):
        self.objects = {f"{PATH}{name.replace('_', '.')}": served for name, served in established.items()}

    def get(self, path, query=None):
        if path not in self.objects:
            raise ObjectNotFoundError(path)
        return {"status": {"conditions": [{"type": "Established", "status": str(self.objects[path])}]}}


def look(api, *, awaited):
    return DefinitionsProbe(api, ["queues.scheduling.run.ai"], "Do this.", awaited).look()[0]


def test_no_pod_without_gpus_gets_a_runtime_class_whatever_the_cluster_is():
    assert kai.kai_values(Mirror())["admission"] == {"gpuPodRuntimeClassName": ""}


def test_kais_images_come_from_the_mirror_and_else_from_where_its_chart_says():
    assert "global" not in kai.kai_values(Mirror())
    mirrored = kai.kai_values(Mirror(images={"ghcr.io": "mirror.test/ghcr"}))
    assert mirrored["global"] == {"registry": "mirror.test/ghcr/nvidia/kai-scheduler"}


def test_what_osmo_writes_is_among_what_the_chart_defines():
    assert set(kai.DEFINITIONS) < set(layout.KAI_CRDS)


def test_a_definition_that_is_served_passes():
    assert look(Api(queues_scheduling_run_ai=True), awaited=False).status is Status.PASSED


@pytest.mark.parametrize("awaited", [True, False])
def test_a_missing_definition_ends_the_wait_only_where_nothing_in_the_stack_makes_it(awaited):
    found = look(Api(), awaited=awaited)
    assert (found.status, found.observed, found.remedy) == (Status.FAILED, "no such definition", "Do this.")
    assert found.final is not awaited


def test_a_definition_that_is_not_served_yet_is_waited_for():
    found = look(Api(queues_scheduling_run_ai=False), awaited=False)
    assert (found.status, found.observed, found.final) == (Status.FAILED, "not established yet", False)
