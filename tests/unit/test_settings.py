from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sdg.settings.cluster import ExistingCluster
from sdg.settings.errors import SettingsError
from sdg.settings.model import StackSettings
from sdg.settings.parse import check, parse
from sdg.settings.schema import keys_of

LAB = {"kind": "existing", "name": "lab-1"}


def problems(**raw: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        parse({"cluster": LAB, **raw})
    return caught.value.problems


def test_a_stack_that_names_only_its_cluster_gets_every_default() -> None:
    settings = parse({"cluster": LAB})
    assert isinstance(settings.cluster, ExistingCluster)
    assert (settings.cluster.min_nodes, settings.cluster.gpus) == (1, 0)
    assert settings.inference.provider == "none"
    assert settings.osmo.gateway.type == "ClusterIP"
    assert settings.forward.port == 9000


def test_objects_may_be_json_text_as_pulumi_stores_them() -> None:
    settings = parse({"cluster": json.dumps(LAB), "data": "delete", "forward": '{"enabled": false}'})
    assert settings.cluster.kind == "existing"
    assert not settings.forward.enabled


def test_settings_cannot_change_after_they_were_read() -> None:
    settings = parse({"cluster": LAB})
    with pytest.raises(ValueError, match="frozen"):
        settings.forward.port = 9001


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"clutser": {}}, "sdg:clutser is not a key here. Did you mean 'cluster'?"),
        ({"zzz": {}}, f"sdg:zzz is not a key here. Known keys: {', '.join(keys_of(StackSettings))}, "),
        ({"cluster": {**LAB, "minNode": 2}}, "sdg:cluster.minNode is not a key here. Did you mean 'minNodes'?"),
        ({"cluster": {**LAB, "min_nodes": 2}}, "sdg:cluster.min_nodes is not a key here. Did you mean 'minNodes'?"),
        ({"osmo": {"token": {"validDay": 1}}}, "sdg:osmo.token.validDay is not a key here. Did you mean 'validDays'?"),
        (
            {"platform": {"objectStore": {"provider": "minio", "bukcet": "b"}}},
            "sdg:platform.objectStore.bukcet is not a key here. Did you mean 'bucket'?",
        ),
        ({"inference": {"provder": "none"}}, "'provder' is not a key here."),
        ({"ngcApikey": "x"}, "sdg:ngcApikey is not a key here. Did you mean 'ngcApiKey'?"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one_at_any_depth(raw: dict[str, Any], sentence: str) -> None:
    assert sentence in "\n".join(problems(**raw))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            {"cluster": "existing"},
            "sdg:cluster must be an object whose kind is one of 'existing', 'microk8s', 'azure'; it is \"existing\".",
        ),
        ({"cluster": {"kind": "gke"}}, "sdg:cluster.kind must be one of 'existing', 'microk8s', 'azure'; it is \"gke\"."),
        ({"cluster": {"kind": "existing"}}, "sdg:cluster.name is required: stable name of the cluster."),
        ({"cluster": {**LAB, "minNodes": "three"}}, 'sdg:cluster.minNodes must be a whole number; it is "three".'),
        ({"cluster": {**LAB, "minNodes": 0}}, "sdg:cluster.minNodes must be more than 0; it is 0."),
        ({"cluster": {**LAB, "kubernetes": "1.30"}}, 'must be a version range such as ">=1.30,<1.37"; it is "1.30".'),
        ({"osmo": {"profile": 6.3}}, "sdg:osmo.profile must be text, in quotes; it is 6.3."),
        ({"osmo": {"token": {"validDays": 400}}}, "sdg:osmo.token.validDays must be at most 365; it is 400."),
        ({"osmo": {"gateway": {"type": "LoadBalancer"}}}, "sdg:osmo.gateway.type must be 'ClusterIP'; it is \"LoadBalancer\"."),
        (
            {"platform": {"objectStore": {"provider": "minio", "size": "20G"}}},
            'sdg:platform.objectStore.size must look like "20Gi"; it is "20G".',
        ),
        ({"forward": {"enabled": "maybe"}}, 'sdg:forward.enabled must be true or false; it is "maybe".'),
        ({"forward": {"port": 80}}, "sdg:forward.port must be at least 1024; it is 80."),
        ({"forward": 9000}, "sdg:forward must be an object with some of the keys enabled, port, uiPort; it is 9000."),
        ({"mirror": {"charts": {"nvcr.io": "mirror"}}}, "sdg:mirror.charts"),
        ({"data": "keep"}, "sdg:data must be 'delete' or 'retain'; it is \"keep\"."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_legal(raw: dict[str, Any], sentence: str) -> None:
    assert sentence in "\n".join(problems(**raw))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"osmo": {"chartVersion": "9.9.9"}}, "known to work with, '1.3.1'; it is \"9.9.9\"."),
        ({"osmo": {"profile": "7.0"}}, "sdg:osmo.profile must be one of '6.3', '6.4'; it is \"7.0\"."),
        ({"inference": {"provider": "foundry"}}, "sdg:inference.provider: foundry cannot be used on existing"),
        ({"osmo": {"database": {"kind": "managed"}}}, 'sdg:osmo.database.kind: "managed" is what a cluster on Azure brings along'),
        ({"osmo": {"redis": {"kind": "managed"}}}, 'sdg:osmo.redis.kind: "managed" is what a cluster on Azure brings along'),
        (
            {"platform": {"objectStore": {"provider": "managed"}}},
            "is what a cluster on Azure brings along, and this one is existing; use one of 'minio', 's3', 'azure-blob'.",
        ),
        ({"platform": {"gpuOperator": {"driver": "azure"}}}, "use one of 'host', 'operator'."),
        (
            {"cluster": {**LAB, "gpus": 1, "gpusPerNode": 2}},
            "sdg:cluster.gpusPerNode must be at most sdg:cluster.gpus, which is 1; it is 2.",
        ),
        ({"smoke": {"gpu": "always"}}, "needs GPUs, and sdg:cluster.gpus is 0"),
        ({"osmo": {"scaling": {"router": {"min": 2}}}}, "sdg:osmo.scaling.router.min must be at most its max, which is 1; it is 2."),
        ({"forward": {"uiPort": 9000}}, "sdg:forward.uiPort must be another port than sdg:forward.port; both are 9000."),
        ({"platform": {"gpuOperator": {"install": True}}}, "needs GPUs, and sdg:cluster.gpus is 0; plan GPUs, or leave it unset."),
        ({"platform": {"gpuOperator": {"driver": "host"}}}, "says who installs the driver, and the stack installs no GPU operator"),
        ({"cluster": {**LAB, "dedicatedGpuNodes": True}}, "sdg:cluster.dedicatedGpuNodes: true needs GPUs"),
        ({"cluster": {**LAB, "gpus": 1, "dedicatedGpuNodes": True}}, "sdg:cluster.minNodes must be at least 2; it is 1."),
        (
            {"cluster": {"kind": "microk8s", "adopt": True, "channel": "1.31/stable"}},
            "sdg:cluster.channel is for a MicroK8s that the stack installs; with sdg:cluster.adopt true, leave it out.",
        ),
        (
            {"cluster": {"kind": "microk8s", "gpus": 1, "channel": "1.31-strict/stable"}},
            "needs a classic snap; use 1.31/stable, or set sdg:platform.gpuOperator.install to false",
        ),
        (
            {"platform": {"objectStore": {"provider": "azure-blob", "account": "acc1", "auth": "workload-identity"}}},
            "sdg:platform.objectStore.clientId is required",
        ),
    ],
)
def test_sections_that_do_not_fit_together_are_refused(raw: dict[str, Any], sentence: str) -> None:
    assert sentence in "\n".join(problems(**raw))


@pytest.mark.parametrize(
    "raw",
    [
        {"cluster": {"kind": "microk8s", "channel": "1.31-strict/stable"}},
        {"cluster": {"kind": "microk8s", "channel": "1.31/stable", "gpus": 1}},
        {"cluster": {"kind": "microk8s", "channel": "1.31-strict/stable", "gpus": 1}, "platform": {"gpuOperator": {"install": False}}},
    ],
)
def test_a_channel_that_fits_is_taken(raw: dict[str, Any]) -> None:
    assert parse(raw).cluster.kind == "microk8s"


def test_foundry_on_microk8s_is_refused_with_its_reason_and_not_as_something_to_wait_for() -> None:
    (sentence,) = problems(cluster={"kind": "microk8s"}, inference={"provider": "foundry"})
    assert "Azure AI Foundry needs the identities of an Azure cluster" in sentence
    assert "foundry runs on: azure" in sentence


def test_every_problem_is_reported_at_once() -> None:
    found = problems(cluster={"kind": "microk8s"}, inference={"provider": "foundry"}, osmo={"chartVersion": "9.9", "prifile": 1}, sgd=1)
    assert len(found) == 3  # the cross-field rule of an unreadable section waits until it can be read
    assert any("prifile" in sentence for sentence in found)


@pytest.mark.parametrize(
    "raw",
    [
        {"smoke": {"gpu": "nvapi-planted-value-0123456789"}},
        {"osmo": {"profile": "nvapi-planted-value-0123456789"}},
        {"cluster": {**LAB, "name": "hf_plantedvalue0123456789"}},
        {"inference": {"provider": "nvapi-planted-value-0123456789"}},
        {"tags": {"owner": "nvapi-planted-value-0123456789"}},
        {"cluster": {**LAB, "minNodes": "plantedvalue0123456789abcdef0123"}},
        {"data": "plantedvalue0123456789abcdef0123"},
    ],
)
def test_a_key_shaped_value_is_never_shown(raw: dict[str, Any]) -> None:
    assert "planted" not in "\n".join(problems(**raw))


def test_a_credential_inside_an_object_is_refused_even_where_any_text_is_legal() -> None:
    (sentence,) = problems(cluster={**LAB, "storageClass": "nvapi-planted-value-0123456789"})
    assert sentence.startswith("sdg:cluster.storageClass holds what looks like a credential (NVIDIA API key)")


def test_no_value_of_a_section_that_is_stored_as_a_secret_is_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"cluster": {**LAB, "minNodes": "three"}, "inference": {"provider": "four"}}, hidden={"cluster", "inference"})
    assert not any("three" in sentence or "four" in sentence for sentence in caught.value.problems)


@given(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1).filter(lambda key: key not in keys_of(ExistingCluster)))
def test_no_unknown_key_ever_slips_through(key: str) -> None:
    assert any(f"sdg:cluster.{key} is not a key here." in sentence for sentence in problems(cluster={**LAB, key: 1}))


@given(st.sampled_from([key for key in keys_of(ExistingCluster) if key not in LAB]), st.data())
def test_one_missing_letter_names_the_key_that_was_meant(key: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(key) - 1))
    misspelt = key[:position] + key[position + 1 :]
    if misspelt in keys_of(ExistingCluster):
        return
    assert f"sdg:cluster.{misspelt} is not a key here. Did you mean" in "\n".join(problems(cluster={**LAB, misspelt: 1}))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_no_shape_of_input_ends_in_anything_but_sentences(raw: object) -> None:
    _, found = check({"cluster": raw, "osmo": raw, "mirror": raw, "inference": raw})
    assert all(sentence.startswith("sdg:") and sentence.endswith((".", "?")) for sentence in found)


@pytest.mark.parametrize(("gpu", "gpus", "runs"), [("auto", 0, False), ("auto", 2, True), ("never", 2, False), ("always", 0, True)])
def test_verify_gpu_runs_when_gpus_are_planned_or_when_told(gpu: str, gpus: int, runs: bool) -> None:
    smoke = parse({"cluster": {**LAB, "gpus": 1}, "smoke": {"gpu": gpu}}).smoke
    assert smoke.runs_gpu(gpus) is runs


def test_a_mirror_maps_charts_and_images() -> None:
    mirror = parse(
        {"cluster": LAB, "mirror": {"charts": {"https://helm.ngc.nvidia.com": "http://m/ngc"}, "images": {"nvcr.io": "m/nvcr"}}}
    ).mirror
    assert mirror.chart_repository("https://helm.ngc.nvidia.com/nvidia/osmo") == "http://m/ngc/nvidia/osmo"
    assert mirror.image("nvcr.io/nvidia/osmo") == "m/nvcr/nvidia/osmo"


@pytest.mark.parametrize("stack", ["rehearsal"])
def test_every_shipped_stack_file_is_legal(stack: str) -> None:
    document = yaml.safe_load((Path(__file__).parents[2] / f"Pulumi.{stack}.yaml").read_text())
    own = {key.removeprefix("sdg:"): value for key, value in document["config"].items() if key.startswith("sdg:")}
    assert parse(own).cluster.kind == "existing"
