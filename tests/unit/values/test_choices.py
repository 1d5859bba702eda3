import pytest

from sdg.osmo.values import Images, operator_values, service_values, storage_choice
from sdg.settings.osmo import Osmo


def values(settings=None, **changed):
    asked = {
        "images": Images("registry.test/osmo", "6.3.1"),
        "storage": storage_choice("s3://bucket"),
        "gpus": "shared",
        "storage_class": "fast",
        "database_password": "secret",
    }
    return service_values(Osmo.model_validate(settings or {}), **asked | changed)


def test_the_gateway_is_reached_only_from_inside():
    assert values()["gateway"]["envoy"]["service"] == {"type": "ClusterIP"}


def test_no_database_port_is_opened_on_nodes():
    services = values()["services"]
    assert [services[name]["enableNodePort"] for name in ("postgres", "redis")] == [False, False]


def test_every_credential_that_a_workflow_uses_is_among_the_mounted_secrets():
    configs = values()["services"]["configs"]
    used = {configs["workflow"][kind]["credential"]["secretName"] for kind in ("workflow_data", "workflow_log", "workflow_app")}
    assert used == {reference["secretName"] for reference in configs["secretRefs"]}


def test_workflows_without_gpus_stay_on_the_default_platform():
    pool = values()["services"]["configs"]["pools"]["default"]
    assert pool["default_platform"] == "default"
    assert pool["platforms"]["gpu"]["override_pod_template"] == ["gpu_toleration"]


@pytest.mark.parametrize("section", ["pools", "podTemplates"])
def test_without_gpus_the_charts_pool_is_left_alone(section):
    assert section not in values(gpus="none")["services"]["configs"]


def test_service_operator_and_workflows_use_images_of_one_release():
    service, operator = values(), operator_values(Osmo(), images=Images("registry.test/osmo", "6.3.1"))
    assert service["global"]["osmoImageTag"] == operator["global"]["osmoImageTag"] == "6.3.1"
    images = service["services"]["configs"]["workflow"]["backend_images"]
    assert images == {"init": "registry.test/osmo/init-container:6.3.1", "client": "registry.test/osmo/client:6.3.1"}


def test_the_operator_logs_in_through_the_gateway_with_the_minted_token():
    operator = operator_values(Osmo(), images=Images("registry.test/osmo", "6.3.1"))["global"]
    assert operator["serviceUrl"] == "http://osmo-gateway.osmo-minimal.svc.cluster.local"
    assert (operator["loginMethod"], operator["accountTokenSecret"]) == ("token", "osmo-operator-token")
