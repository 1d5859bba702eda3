"""The Kubernetes stand-in's own rules: spelling, differences, replacement, readiness."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.plugins.kubernetes import jsonpath, ownership, readiness
from rehearsal.plugins.kubernetes.api import Api, ApiError
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.comparison import unready
from rehearsal.plugins.kubernetes.difference import differences
from rehearsal.plugins.kubernetes.immutable import immutable_properties
from rehearsal.plugins.kubernetes.kinds import Kind
from rehearsal.plugins.kubernetes.naming import named
from rehearsal.plugins.kubernetes.normalize import normalized, pruned
from rehearsal.plugins.kubernetes.provider import KubernetesProvider
from rehearsal.plugins.kubernetes.quantities import canonical
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.properties import UNKNOWN
from rehearsal.plugins.provider import Autonaming, Call, Change, Configuration, ProviderError

NO_API = cast("Api", None)


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("100", "100"),
        ("1500", "1500"),
        ("2000", "2k"),
        ("0", "0"),
        ("1e3", "1e3"),
        ("-1.5", "-1500m"),
        ("a lot", "a lot"),
    ],
)
def test_quantities_are_spelled_as_the_api_server_stores_them(given_text: str, stored: str) -> None:
    assert canonical(given_text) == stored


@given(st.integers(0, 10**12), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_a_canonical_quantity_is_its_own_canonical_form(number: int, unit: str) -> None:
    assert canonical(canonical(f"{number}{unit}")) == canonical(f"{number}{unit}")


def test_plain_text_of_a_secret_moves_into_its_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}
    assert normalized(secret)["data"] == {"a": "YQ==", "b": "Yg=="}


def test_empty_maps_and_lists_go_but_empty_objects_that_mean_something_stay() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {}}, "spec": {"volumes": [{"emptyDir": {}}], "tolerations": []}}
    assert normalized(pod) == {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"volumes": [{"emptyDir": {}}]}}


def test_custom_resources_keep_what_they_were_given() -> None:
    resource = {"apiVersion": "example.test/v1", "kind": "Gadget", "spec": {"data": {}, "list": [], "limits": {"cpu": "0.5"}}}
    assert normalized(resource) == resource


def test_what_the_server_filled_in_is_no_drift() -> None:
    live = {"spec": {"replicas": 1, "ports": [{"port": 80, "protocol": "TCP"}]}, "status": {}}
    assert pruned(live, {"spec": {"ports": [{"port": 80}]}}) == {"spec": {"ports": [{"port": 80}]}}


def _changes(old: dict[str, Any], new: dict[str, Any], *immutable: str) -> dict[str, Change]:
    return differences(old, new, old, immutable).changes


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 2}, {"a": Change.UPDATE}),
        ({}, {"a": {"b": 1}}, {"a": Change.ADD}),
        ({"a": 1}, {}, {"a": Change.DELETE}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a.c": Change.DELETE}),
        ({"l": [1, 2]}, {"l": [1, 3, 4]}, {"l[1]": Change.UPDATE, "l[2]": Change.ADD}),
        ({"l": [{"a": 1, "b": 2}]}, {"l": [{"a": 1}]}, {"l[0].b": Change.DELETE}),
        ({"m": {"pulumi.com/x": "1"}}, {"m": {"pulumi.com/x": "2"}}, {'m["pulumi.com/x"]': Change.UPDATE}),
        ({"a": 1}, {"a": True}, {"a": Change.UPDATE}),
        ({"a": "x"}, {"a": UNKNOWN}, {"a": Change.UPDATE}),
        ({"a": 1}, {"a": 1.0}, {}),
    ],
)
def test_differences_name_the_property_and_what_happens_to_it(old: dict[str, Any], new: dict[str, Any], changes: dict[str, Change]) -> None:
    assert _changes(old, new) == changes


def test_a_change_of_an_immutable_property_replaces() -> None:
    old, new = {"spec": {"containers": [{"image": "a"}]}}, {"spec": {"containers": [{"image": "b"}]}}
    assert _changes(old, new, ".spec.containers[*].image") == {"spec.containers[0].image": Change.UPDATE_REPLACE}


def test_adding_an_object_that_holds_an_immutable_property_replaces() -> None:
    assert _changes({}, {"spec": {"selector": {}}}, ".spec.selector") == {"spec": Change.ADD_REPLACE}


@pytest.mark.parametrize(
    ("kind", "mutable", "replaced"),
    [("ConfigMap", False, True), ("ConfigMap", True, False), ("Secret", False, True), ("Secret", True, False)],
)
def test_config_maps_and_secrets_are_replaced_unless_the_provider_may_change_them(kind: str, mutable: bool, replaced: bool) -> None:
    patterns = immutable_properties({"apiVersion": "v1", "kind": kind}, config_map_mutable=mutable, secret_mutable=mutable)
    assert (".data" in patterns) == replaced


def test_an_immutable_config_map_is_replaced_in_any_case() -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}
    assert ".data" in immutable_properties(inputs, config_map_mutable=True, secret_mutable=True)


class Jobs:
    """A cluster with one Job, or none, in some state."""

    def __init__(self, live: dict[str, Any] | ApiError) -> None:
        self.live = live

    def serves(self, api_version: str, kind: str) -> Kind:
        assert kind == "Job"
        return Kind(api_version, "jobs", namespaced=True)

    @property
    def api(self) -> Jobs:
        return self

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/apis/batch/v1/namespaces/lab/jobs/download"
        if isinstance(self.live, ApiError):
            raise self.live
        return self.live


COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}


@pytest.mark.parametrize(
    ("live", "asked", "replaced"),
    [
        (COMPLETE, "true", False),
        (FAILED, "true", True),
        ({"status": {"active": 1}}, "true", True),
        (FAILED, "false", False),
        (ApiError(404, "NotFound", "gone"), "true", False),
    ],
)
def test_a_job_that_has_not_completed_is_replaced_where_its_annotation_says_so(live: Any, asked: str, replaced: bool) -> None:
    marks = {"pulumi.com/replaceUnready": asked}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "download", "namespace": "lab", "annotations": marks}}
    assert bool(unready(job, cast("Cluster", Jobs(live)))) is replaced


def test_a_given_name_is_kept_and_a_missing_one_is_made_and_marked() -> None:
    assert named({"metadata": {"name": "mine"}}, {}, "logical", b"", Autonaming()) == {"metadata": {"name": "mine"}}
    made = named({}, {}, "logical", b"seed", Autonaming())["metadata"]
    assert made["name"].startswith("logical-")
    assert made["annotations"] == {"pulumi.com/autonamed": "true"}


def test_preview_and_update_make_the_same_name_and_later_ones_keep_it() -> None:
    first = named({}, {}, "logical", b"seed", Autonaming())
    assert named({}, {}, "logical", b"seed", Autonaming()) == first
    assert named({}, first, "logical", b"another", Autonaming()) == first


def test_a_missing_name_is_refused_where_autonaming_is_disabled() -> None:
    with pytest.raises(ProviderError, match="autonaming is disabled"):
        named({}, {}, "logical", b"", Autonaming(disabled=True))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("{.status.phase}", ["Running"]),
        (".status.phase", ["Running"]),
        ("{.items[0].name}", ["a"]),
        ("{.items[*].name}", ["a", "b"]),
        ('{.items[?(@.name=="b")].value}', [2]),
        ("{.metadata['a.b/c']}", ["x"]),
        (r"{.metadata.a\.b/c}", ["x"]),
        ("{.nothing.here}", []),
    ],
)
def test_json_paths_find_what_kubectl_would(expression: str, found: list[Any]) -> None:
    value = {
        "status": {"phase": "Running"},
        "items": [{"name": "a", "value": 1}, {"name": "b", "value": 2}],
        "metadata": {"a.b/c": "x"},
    }
    assert jsonpath.find(expression, value) == found


def _told(live: dict[str, Any]) -> readiness.Readiness:
    look = readiness.look_for(live)
    assert look is not None
    return look(live, NO_API)


def _waited_for(expression: str, status: dict[str, Any]) -> bool:
    return _told({"metadata": {"annotations": {"pulumi.com/waitFor": expression}}, "status": status}).ready


@pytest.mark.parametrize(
    ("expression", "status", "ready"),
    [
        ("condition=Ready", {"conditions": [{"type": "Ready", "status": "True"}]}, True),
        ("condition=Ready", {"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ("condition=Ready=False", {"conditions": [{"type": "Ready", "status": "False"}]}, True),
        ("jsonpath={.status.phase}=Done", {"phase": "Done"}, True),
        ("jsonpath={.status.phase}=Done", {"phase": "Busy"}, False),
        ("jsonpath={.status.phase}", {}, False),
        ('["jsonpath={.status.a}=1", "condition=Ready"]', {"a": 1}, False),
    ],
)
def test_an_object_is_waited_for_as_its_annotation_says(expression: str, status: dict[str, Any], ready: bool) -> None:
    assert _waited_for(expression, status) == ready


def test_an_annotation_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="neither condition="):
        _waited_for("ready", {})


@pytest.mark.parametrize(
    ("live", "ready"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Succeeded"}}, True),
        ({"apiVersion": "v1", "kind": "PersistentVolume", "status": {"phase": "Available"}}, True),
        ({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}, False),
        ({"apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "None", "selector": {"a": "b"}}}, True),
        ({"apiVersion": "v1", "kind": "Service", "spec": {"type": "ExternalName"}}, True),
        ({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 1}, "spec": {}, "status": {}}, False),
        ({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "True"}]}}, True),
        (
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"generation": 2},
                "spec": {"replicas": 1},
                "status": {"observedGeneration": 1, "readyReplicas": 1, "currentRevision": "r", "updateRevision": "r"},
            },
            False,
        ),
    ],
)
def test_kinds_are_ready_when_the_official_provider_says_so(live: dict[str, Any], ready: bool) -> None:
    assert _told(live).ready == ready


def test_a_failed_job_is_not_waited_for_any_longer() -> None:
    conditions = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]
    told = _told({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": conditions}})
    assert told.failed == "Job failed: [BackoffLimitExceeded] too often"


def _owned(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def test_the_first_apply_takes_over_what_the_creating_request_set_and_leaves_controllers_alone() -> None:
    controller = _owned("kube-controller-manager", "Update", **{"f:status": {}})
    live = {
        "metadata": {
            "resourceVersion": "7",
            "managedFields": [_owned("pulumi-kubernetes", "Update", **{"f:data": {"f:k": {}}}), controller],
        }
    }
    patch = ownership.takeover(live, "pulumi-kubernetes-12345678")
    assert patch is not None
    assert patch[0]["value"] == [_owned("pulumi-kubernetes-12345678", "Apply", **{"f:data": {"f:k": {}}}), controller]


def test_an_object_that_is_ours_already_needs_no_takeover() -> None:
    live = {"metadata": {"resourceVersion": "7", "managedFields": [_owned("pulumi-kubernetes-12345678", "Apply")]}}
    assert ownership.takeover(live, "pulumi-kubernetes-12345678") is None


def test_only_an_annotation_or_the_environment_overrules_other_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    forced = {"metadata": {"annotations": {"pulumi.com/patchForce": "true"}}}
    assert ownership.force(forced)
    assert not ownership.force({})
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
    assert ownership.force({})


def _settings(**variables: str) -> Settings:
    return Settings.from_configuration(Configuration({f"kubernetes:config:{key}": value for key, value in variables.items()}, {}), {})


def test_settings_come_from_the_provider_before_the_environment() -> None:
    configuration = Configuration({}, {"upsertExistingObjects": False})
    assert not Settings.from_configuration(configuration, {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}).upsert
    assert Settings.from_configuration(Configuration({}, {}), {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}).upsert


@pytest.mark.parametrize("setting", [{"enableServerSideApply": "false"}, {"renderYamlToDirectory": "out"}])
def test_settings_that_are_not_rehearsed_are_refused(setting: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match=next(iter(setting))):
        _settings(**setting)


@pytest.mark.parametrize(
    "type_",
    ["kubernetes:yaml:ConfigFile", "kubernetes:helm.sh/v4:Chart", "kubernetes:core/v1:NamespacePatch"],
)
def test_resources_that_are_not_rehearsed_are_refused_by_name(type_: str) -> None:
    with pytest.raises(ProviderError, match=type_):
        KubernetesProvider().check(Call("urn", type_, "x"), {}, {}, b"", Autonaming())


def _kubeconfig(server: str) -> str:
    return (
        '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}],'
        f' "clusters": [{{"name": "k", "cluster": {{"server": "{server}"}}}}]}}'
    )


def test_a_kubeconfig_of_another_cluster_replaces_everything_unless_the_cluster_is_named() -> None:
    provider, call = KubernetesProvider(), Call("urn", "pulumi:providers:kubernetes", "p")
    old, new = {"kubeconfig": _kubeconfig("https://a")}, {"kubeconfig": _kubeconfig("https://b")}
    assert provider.diff_config(call, old, new).replaces == ["kubeconfig"]
    assert provider.diff_config(call, {**old, "clusterIdentifier": "x"}, {**new, "clusterIdentifier": "x"}).replaces == []
    assert provider.diff_config(call, {**old, "clusterIdentifier": "x"}, {**new, "clusterIdentifier": "y"}).replaces == [
        "clusterIdentifier"
    ]
