import base64
import json
from pathlib import Path

import pytest
import yaml

from sdg.catalog.versions import versions
from sdg.osmo.external_database import Server
from sdg.osmo.servers import RedisServer, Servers
from sdg.osmo.values import (
    Images,
    credential_fields,
    docker_config,
    gets_optix,
    gpu_plan,
    image_registry,
    operator_values,
    service_values,
    storage_choice,
)
from sdg.platform.taints import NodeTaints
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo, Pods


def values(settings=None, **changed):
    asked = {
        "images": Images("registry.test/osmo", "6.3.1"),
        "storage": storage_choice("s3://bucket"),
        "gpus": "shared",
        "optix": True,
        "storage_class": "fast",
        "database_password": "secret",
        "secrets_fingerprint": "f" * 64,
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
    service, operator = values(), operator_values(Osmo(), images=Images("registry.test/osmo", "6.3.1"), token_fingerprint="f" * 64)
    assert service["global"]["osmoImageTag"] == operator["global"]["osmoImageTag"] == "6.3.1"
    images = service["services"]["configs"]["workflow"]["backend_images"]
    assert images == {"init": "registry.test/osmo/init-container:6.3.1", "client": "registry.test/osmo/client:6.3.1"}


def test_the_operator_logs_in_through_the_gateway_with_the_token_of_its_secret():
    operator = operator_values(Osmo(), images=Images("registry.test/osmo", "6.3.1"), token_fingerprint="f" * 64)["global"]
    assert operator["serviceUrl"] == "http://osmo-gateway.osmo-minimal.svc.cluster.local"
    assert (operator["loginMethod"], operator["accountTokenSecret"]) == ("token", "osmo-operator-token")


def templates(settings=None, **changed):
    return values(settings, **changed)["services"]["configs"]["podTemplates"]


def mounted(template):
    """Names of the volumes that a template's containers mount."""
    containers = template["spec"].get("containers", [])
    return [mount["name"] for container in containers for mount in container.get("volumeMounts", [])]


def test_pods_with_gpus_alone_mount_shared_memory_and_the_denoiser():
    found = templates()
    volumes = {volume["name"]: volume for volume in found["default_user"]["spec"]["volumes"]}
    assert volumes["dshm"] == {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "32Gi"}}
    assert volumes["nvoptix"] == {"name": "nvoptix", "hostPath": {"path": "/usr/share/nvidia/nvoptix.bin", "type": "File"}}
    assert [mounted(found["default_user"]), mounted(found["gpu_toleration"])] == [[], ["dshm", "nvoptix"]]


def test_mounts_are_merged_into_the_users_container_by_its_name():
    (gpu,), (user,) = (templates()[name]["spec"]["containers"] for name in ("gpu_toleration", "default_user"))
    assert gpu["name"] == user["name"] == "{{USER_CONTAINER_NAME}}"


@pytest.mark.parametrize(
    ("pods", "names"),
    [({"sharedMemory": None, "optix": True}, ["nvoptix"]), ({"optix": False}, ["dshm"]), ({"optix": True}, ["dshm", "nvoptix"])],
)
def test_what_pods_do_not_get_is_neither_declared_nor_mounted(pods, names):
    found = templates({"pods": pods}, optix=pods["optix"])
    assert [volume["name"] for volume in found["default_user"]["spec"]["volumes"]] == mounted(found["gpu_toleration"]) == names


@pytest.mark.parametrize(
    ("chosen", "host_driver", "mounted"), [(None, True, True), (None, False, False), (False, True, False), (True, False, True)]
)
def test_the_denoiser_is_mounted_where_a_host_has_it_unless_somebody_chose(chosen, host_driver, mounted):
    assert gets_optix(Pods(optix=chosen), host_driver=host_driver) is mounted


def test_without_any_volume_the_charts_user_template_is_left_alone():
    found = templates({"pods": {"sharedMemory": None}}, optix=False)
    assert list(found) == ["gpu_toleration"]
    assert "containers" not in found["gpu_toleration"]["spec"]


def test_templates_give_containers_neither_images_nor_commands():
    """OSMO refuses such a template."""
    containers = [container for template in templates(gpus="dedicated").values() for container in template["spec"].get("containers", [])]
    assert not [container for container in containers if {"image", "command", "args"} & container.keys()]


def test_work_without_gpus_keeps_off_dedicated_nodes_and_shares_other_ones():
    def default_platform(gpus):
        return values(gpus=gpus)["services"]["configs"]["pools"]["default"]["platforms"].get("default")

    assert [default_platform("shared"), default_platform("dedicated")] == [None, {"override_pod_template": ["cpu_nodes"]}]
    affinity = templates(gpus="dedicated")["cpu_nodes"]["spec"]["affinity"]["nodeAffinity"]
    ((term,),) = (found["matchExpressions"] for found in affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"])
    assert term == {"key": "nvidia.com/gpu.present", "operator": "DoesNotExist"}


SPOT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
TOLERATES_GPUS = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
TOLERATES_SPOT = {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("taints", "on_gpus", "elsewhere"),
    [
        (NodeTaints(), [TOLERATES_GPUS], None),
        (NodeTaints(gpus=(SPOT,)), [TOLERATES_GPUS, TOLERATES_SPOT], None),
        (NodeTaints(others=(SPOT,)), [TOLERATES_GPUS], [TOLERATES_SPOT]),
        (NodeTaints((SPOT,), (SPOT,)), [TOLERATES_GPUS, TOLERATES_SPOT], [TOLERATES_SPOT]),
    ],
)
def test_workflows_tolerate_the_taints_of_the_nodes_that_they_are_for_and_no_others(taints, on_gpus, elsewhere):
    found = templates(gpus="dedicated", taints=taints)
    assert found["gpu_toleration"]["spec"]["tolerations"] == on_gpus
    assert found["cpu_nodes"]["spec"].get("tolerations") == elsewhere
    assert "affinity" in found["cpu_nodes"]["spec"]


def test_nodes_with_a_taint_are_of_use_without_any_gpus_too():
    configs = values(gpus="none", taints=NodeTaints(others=(SPOT,)))["services"]["configs"]
    assert configs["podTemplates"] == {"cpu_nodes": {"spec": {"tolerations": [TOLERATES_SPOT]}}}
    platforms = configs["pools"]["default"]["platforms"]
    assert platforms == {"default": {"override_pod_template": ["cpu_nodes"]}}


@pytest.mark.parametrize(
    ("gpus", "dedicated", "plan"), [(0, False, "none"), (0, True, "none"), (2, False, "shared"), (2, True, "dedicated")]
)
def test_a_clusters_gpus_make_a_plan(gpus, dedicated, plan):
    assert gpu_plan(gpus, dedicated=dedicated) == plan


def test_every_service_scales_within_its_own_bounds():
    names = ("service", "router", "agent", "worker", "logger", "gateway")
    scaling = {name: {"min": number, "max": number + 10} for number, name in enumerate(names, 1)}
    found = values({"scaling": scaling})
    bounds = {name: found["services"][name]["scaling"] for name in names[:-1]} | {"gateway": found["gateway"]["envoy"]["scaling"]}
    assert {name: (each["minReplicas"], each["maxReplicas"]) for name, each in bounds.items()} == {
        name: (number, number + 10) for number, name in enumerate(names, 1)
    }


@pytest.mark.parametrize("storage", [storage_choice("s3://bucket"), storage_choice("azure://account/box", "CLIENT-ID")])
def test_the_key_for_images_is_in_a_secret_that_the_services_mount(storage):
    configs = values({"images": {"credentials": "ngc"}}, storage=storage)["services"]["configs"]
    credential = configs["workflow"]["backend_images"]["credential"]
    assert list(credential) == ["secretName"]
    assert credential in configs["secretRefs"]
    assert credential_fields("KEY") == {"registry": "nvcr.io", "username": "$oauthtoken", "auth": "KEY"}


def test_the_pull_secret_is_for_the_publishers_registry_alone():
    (entry,) = json.loads(docker_config("KEY"))["auths"].items()
    assert entry[0] == image_registry() == "nvcr.io"
    assert base64.b64decode(entry[1]["auth"]).decode() == "$oauthtoken:KEY"


@pytest.mark.parametrize(("profile", "found"), [("6.3", None), ("6.4", "2")])
def test_a_rollout_reaches_the_generation_that_reads_tokens_from_secrets(profile, found):
    tokens = values({"profile": profile}, token_rollout="2")["services"].get("backendApiTokens", {})
    assert tokens.get("rolloutNonce") == found


def test_secret_values_are_passed_through_and_never_looked_at():
    opaque = object()
    found = values(database_password=opaque, storage_class=opaque)["services"]
    assert found["postgres"]["password"] is opaque
    assert found["redis"]["storageClassName"] is opaque


def test_an_external_database_needs_neither_password_nor_class_in_the_values():
    postgres = values({"database": {"kind": "external", "host": "db.test", "user": "me"}})["services"]["postgres"]
    assert {"password", "storageClassName"} & postgres.keys() == set()


@pytest.mark.parametrize(("database", "passed"), [("in-cluster", True), ("external", False)])
def test_an_external_redis_gets_its_password_where_the_chart_forgets_it(database, passed):
    servers = {"in-cluster": {"kind": "in-cluster"}, "external": {"kind": "external", "host": "db.test", "user": "me"}}
    found = values({"database": servers[database], "redis": {"kind": "external", "host": "redis.test"}})["services"]
    assert ("extraEnv" in found["agent"], "extraEnv" in found["router"]) == (passed, False)


EXTERNAL = {
    "database": {"kind": "external", "host": "db.test", "port": 6432, "name": "osmo", "user": "me"},
    "redis": {"kind": "external", "host": "redis.test", "port": 10000, "tls": True},
}
SERVERS = {"database": Server("db.test", 6432, "osmo", "me", tls=True), "redis": RedisServer("redis.test", 10000, tls=True)}


@pytest.mark.parametrize("managed", [("database",), ("redis",), ("database", "redis")])
@pytest.mark.parametrize("other", ["in-cluster", "external"])
def test_what_comes_with_a_cluster_is_used_like_any_other_server(managed, other):
    rest = {part: EXTERNAL[part] if other == "external" else {"kind": "in-cluster"} for part in EXTERNAL}
    outside = {**rest, **{part: EXTERNAL[part] for part in managed}}
    chosen = Osmo.model_validate({**rest, **{part: {"kind": "managed"} for part in managed}})
    found = values(chosen.model_dump(by_alias=True), servers=Servers.of(chosen, **{part: SERVERS[part] for part in managed}))
    assert found == values(outside)


@pytest.mark.parametrize("part", ["database", "redis"])
def test_a_server_that_no_cluster_brings_is_an_error_and_not_one_of_the_charts(part):
    with pytest.raises(LookupError, match=f"sdg:osmo.{part}.kind is managed"):
        values({part: {"kind": "managed"}})


MIRROR = Mirror(images={"docker.io": "registry.test/hub"})


def programs_of_others(settings, mirror):
    found = values(settings, images=Images.of(Osmo.model_validate(settings), "6.4.0", mirror))
    services = found["services"]
    return {"envoy": found["gateway"]["envoy"]} | {name: services[name] for name in ("postgres", "redis", "migration")}


def test_images_of_others_are_the_charts_unless_the_mirror_maps_them():
    settings = {"profile": "6.4", "migrate": True}
    mapped = {name: program["image"] for name, program in programs_of_others(settings, MIRROR).items()}
    images = {name: versions().images[name] for name in mapped}
    assert mapped == {name: MIRROR.image(image) for name, image in images.items()}
    assert all(image.startswith("registry.test/hub/") for image in mapped.values())
    assert not [program for program in programs_of_others(settings, Mirror()).values() if "image" in program]


def test_the_pinned_images_of_others_are_those_that_the_chart_would_take():
    charts = Path(__file__).parents[3] / "rehearsal" / "charts" / "service"
    own, newer = (yaml.safe_load((folder / "values.yaml").read_text()) for folder in (charts, charts / "versions" / "1.4.0"))
    services = own["services"] | {"migration": newer["services"]["migration"]}
    found = {"envoy": own["gateway"]["envoy"]["image"]} | {name: services[name]["image"] for name in ("postgres", "redis", "migration")}
    assert found == {name: versions().images[name] for name in found}
