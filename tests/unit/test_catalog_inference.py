"""What the catalogs of NIMs, functions, models, workloads and storage say, and what they refuse to say."""

from __future__ import annotations

import copy
from datetime import date

import pytest
import yaml
from pydantic import ValidationError

from sdg.catalog import documents
from sdg.catalog.capabilities import UnknownCapability, capabilities, capability, request_kind
from sdg.catalog.compatibility import Matrix, combination_refusal, matrix
from sdg.catalog.foundry_models import FoundryModels, UnknownFoundryModel, foundry_model, foundry_models, retirement
from sdg.catalog.nims import Nims, UnknownNim, UnknownVariant, nim, nims
from sdg.catalog.nvcf_functions import nvcf_functions
from sdg.catalog.quantities import gib, number
from sdg.catalog.storage_provisioners import refusal, storage_provisioners
from sdg.catalog.workloads import ContainerOnly, UnknownFlow, UnknownWorkload, Workloads, workload, workloads

TODAY = date(2026, 11, 22)
EIGHT = tuple(name for name in nims() if name != "qwen-image-edit-2511")
MODEL_FREE = ("qwen25-14b", "qwen3-235b", "qwen3-vl")
SERVED_BY_VLLM = ("qwen-image-edit-nvpcb-ovsl2sl", "qwen-image-edit-2511")


def document(name: str) -> dict[str, object]:
    """A catalog as it is written, to be broken."""
    return copy.deepcopy(yaml.safe_load((documents.resources.files("sdg.catalog") / name).read_text(encoding="utf-8")))


class TestNims:
    def test_the_eight_of_the_installer_add_up_to_what_is_documented(self) -> None:
        chosen = [nim(name) for name in EIGHT]
        assert len(chosen) == 8
        assert sum(each.gpus for each in chosen) == 15
        assert sum(each.memory_gib for each in chosen) == 1152
        assert sum(gib(each.volume.size) for each in chosen) == 1320

    def test_only_what_has_to_be_shaped_otherwise_is(self) -> None:
        assert {name for name in nims() if nim(name).volume.owner == "stack"} == set(MODEL_FREE)
        assert {name for name in nims() if nim(name).hf_token} == {*MODEL_FREE, *SERVED_BY_VLLM}
        assert {name for name in nims() if not nim(name).pull_secret} == set(SERVED_BY_VLLM)
        assert {name for name in nims() if nim(name).command} == set(SERVED_BY_VLLM)
        assert {name: list(nim(name).variants) for name in nims() if nim(name).variants} == {"qwen3-vl": ["two-gpus"]}

    @pytest.mark.parametrize(("name", "minutes"), [("qwen25-14b", 61), ("qwen3-235b", 91), ("qwen-image-edit-nvpcb-ovsl2sl", 61)])
    def test_starts_are_given_the_time_that_they_take(self, name: str, minutes: int) -> None:
        assert nim(name).longest_start_minutes == minutes

    @pytest.mark.parametrize("name", MODEL_FREE)
    def test_a_model_of_the_hub_is_served_under_its_own_name_from_where_its_job_puts_it(self, name: str) -> None:
        known = nim(name)
        assert known.hugging_face is not None
        assert known.environment["NIM_MODEL_PATH"] == f"hf://{known.hugging_face.model}"
        assert known.environment["NIM_SERVED_MODEL_NAME"] == known.hugging_face.model == known.model
        assert known.environment["HF_HOME"] == f"{known.hugging_face.environment['HF_HOME']}/hub"

    def test_the_ninth_differs_from_its_twin_in_its_model_alone(self) -> None:
        twin, ninth = (nim(name) for name in SERVED_BY_VLLM)
        said = {"model", "hugging_face", "labels", "vram_gib", "command", "args"}
        assert twin.model_dump(exclude=said) == ninth.model_dump(exclude=said)
        assert [word.replace(ninth.model, twin.model) for word in (*ninth.command, *ninth.args)] == [*twin.command, *twin.args]

    def test_the_nim_that_edits_images_cannot_stand_in_for_those_that_chat(self) -> None:
        assert nim("qwen-image-edit").request_path != nim("qwen-image-edit-2511").request_path

    def test_a_variant_changes_what_it_says_and_nothing_else(self) -> None:
        usual, two = nim("qwen3-vl"), nim("qwen3-vl", "two-gpus")
        assert (two.gpus, two.memory, two.vram_gib) == (2, "180Gi", 80)
        assert set(usual.environment) - set(two.environment) == {"NIM_DISABLE_CUDA_GRAPH", "NIM_MAX_MODEL_LEN"}
        said = {"gpus", "memory", "vram_gib", "environment", "variants"}
        assert two.model_dump(exclude=said) == usual.model_dump(exclude=said)

    def test_an_unknown_variant_names_those_that_there_are(self) -> None:
        with pytest.raises(UnknownVariant, match=r"two-gpu is not a known variant. Did you mean two-gpus\?"):
            nim("qwen3-vl", "two-gpu")
        with pytest.raises(UnknownVariant):
            nim("qwen3-235b", "two-gpus")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"image": "nvcr.io/nim/nvidia/model-free-nim"}, "should match pattern"),
            ({"image": "nvcr.io/nim/nvidia/model-free-nim:latest"}, "not a fixed version"),
            ({"gpu": 2}, "Extra inputs are not permitted"),
            ({"gpus": 0}, "greater than 0"),
            ({"memory": "48GB"}, "should match pattern"),
            ({"capabilities": ["text-lm"]}, "text-lm is not a known capability. Did you mean text-llm"),
            ({"source": "ngc"}, "hugging_face belongs to source hugging-face"),
            ({"volume": {"size": "50Gi", "owner": "operator"}}, "a Job fills volumes of the stack"),
            ({"request_path": None}, "request_path belongs to capabilities that requests show"),
            ({"secret_environment": {"HF_HOME": {"secret": "a", "key": "b"}}}, "either plain or from a Secret"),
            ({"variants": {"a": {"gpu": 2}}}, "Extra inputs are not permitted"),
            ({"variants": {"a": {"memory": "lots"}}}, "should match pattern"),
        ],
    )
    def test_a_service_that_contradicts_itself_is_refused_when_it_is_read(self, changes, message) -> None:
        known = document("nims.yaml")
        known["qwen25-14b"] |= changes  # type: ignore[operator]
        with pytest.raises(ValidationError, match=message):
            Nims.model_validate(known)

    def test_a_name_that_no_service_can_have_is_refused(self) -> None:
        known = document("nims.yaml")
        with pytest.raises(ValidationError, match="no names of Services: Qwen_25"):
            Nims.model_validate({"Qwen_25": known["qwen25-14b"]})


@pytest.mark.parametrize(
    ("ask", "name", "error", "near"),
    [
        (nim, "qwen2.5-14b", UnknownNim, "qwen25-14b"),
        (nim, "Cosmos-Reason", UnknownNim, "cosmos-reason"),
        (foundry_model, "llama-3.3-70b", UnknownFoundryModel, "llama-3-3-70b"),
        (capability, "image-edits", UnknownCapability, "image-edit"),
        (workload, "vdaa", UnknownWorkload, "vda"),
        (workloads()["dig"].flow, "day0-texture", UnknownFlow, "day0_texture"),
    ],
)
def test_a_name_that_is_not_there_names_the_near_ones_and_stands_for_none(ask, name, error, near) -> None:
    with pytest.raises(error) as raised:
        ask(name)
    assert f"{name} is not a known" in str(raised.value)
    assert raised.value.near[0] == near
    assert isinstance(raised.value, LookupError)


@pytest.mark.parametrize(("ask", "known"), [(nim, nims()), (foundry_model, foundry_models())])
def test_a_name_that_is_like_no_other_lists_them_all(ask, known) -> None:
    with pytest.raises(LookupError) as raised:
        ask("zzzzzzzzzz")
    assert all(name in str(raised.value) for name in known)


class TestCapabilities:
    def test_every_capability_is_of_something(self) -> None:
        entries = [*nims().values(), *nvcf_functions().values(), *foundry_models().values()]
        assert {name for entry in entries for name in entry.capabilities} == set(capabilities())

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["text-llm", "chat"], "chat"),
            (["chat", "vlm"], "vlm"),
            (["vlm", "image-edit"], "image-edit"),
            (["video-generation"], "none"),
            ([], "none"),
        ],
    )
    def test_one_request_shows_the_most_of_what_an_endpoint_can_do(self, names, expected) -> None:
        assert request_kind(names) == expected

    def test_providers_can_do_what_the_matrix_of_capabilities_says(self) -> None:
        def able(entries, name) -> set[str]:
            return {key for key, entry in entries.items() if name in entry.capabilities}

        assert able(nims(), "text-llm") == {"qwen25-14b", "qwen3-235b"}
        assert able(nims(), "video-qa") == {"qwen3-vl", "cosmos-reason"}
        assert able(nvcf_functions(), "video-style-transfer") == {"cosmos-transfer25"}
        for none_there in ("video-qa", "image-edit", "video-generation", "video-style-transfer"):
            assert able(foundry_models(), none_there) == set()
        assert able(nvcf_functions(), "image-edit") == set()


class TestFoundryModels:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("llama-3-1-8b", ["retired by Microsoft on 2026-06-13", "Use llama-3-3-70b"]),
            ("llama-3-1-70b", ["2025-06-30", "Use llama-3-3-70b"]),
            ("phi-3-5-vision", ["2025-08-30", "Use phi-4-multimodal"]),
            ("deepseek-r1", ["2026-08-13", "Use deepseek-v4-pro"]),
            ("deepseek-v3-0324", ["2026-07-13", "Use deepseek-v4-flash"]),
        ],
    )
    def test_a_retired_model_is_refused_with_what_serves(self, name, words) -> None:
        sentence = retirement(name, TODAY)
        assert sentence is not None
        assert all(word in sentence for word in words), sentence

    def test_a_model_serves_until_the_day_on_which_it_is_retired(self) -> None:
        assert retirement("deepseek-r1", date(2026, 8, 12)) is None
        assert retirement("deepseek-r1", date(2026, 8, 13)) is not None

    def test_what_is_proposed_serves_itself(self) -> None:
        for name in foundry_models():
            sentence = retirement(name, TODAY)
            if sentence:
                named = sentence.partition("Use ")[2].removesuffix(" instead.").split(" or ")
                assert named
                assert not [other for other in named if foundry_model(other).is_retired(TODAY)]

    def test_a_successor_that_is_retired_itself_gives_way_to_what_serves(self) -> None:
        sentence = str(retirement("deepseek-r1", date(2028, 2, 20)))
        assert "deepseek-v4-pro" not in sentence
        assert "Use phi-4-reasoning or deepseek-v3-2 instead." in sentence

    def test_when_nothing_can_do_the_same_another_provider_is_advised(self, monkeypatch) -> None:
        alone = {"llama-3-1-8b": foundry_model("llama-3-1-8b")}
        monkeypatch.setattr("sdg.catalog.foundry_models.foundry_models", lambda: alone)
        assert "use another provider for it" in str(retirement("llama-3-1-8b", TODAY))

    def test_an_unknown_model_is_not_taken_for_one_that_serves(self) -> None:
        with pytest.raises(UnknownFoundryModel):
            retirement("gpt-4o", TODAY)

    def test_a_successor_that_no_line_describes_is_refused(self) -> None:
        known = document("foundry_models.yaml")
        known["phi-4"]["successor"] = "phi-5"  # type: ignore[index]
        with pytest.raises(ValidationError, match="successors that no line describes, of: phi-4"):
            FoundryModels.model_validate(known)

    def test_only_models_of_partners_have_terms_to_accept(self) -> None:
        assert {name for name, model in foundry_models().items() if model.sold_by == "partner"} == {"llama-3-1-8b", "llama-3-1-70b"}


class TestCombinations:
    @pytest.mark.parametrize("cluster", ["existing", "microk8s", "azure"])
    def test_all_that_may_run_on_a_cluster_may_run_there_together(self, cluster) -> None:
        allowed = [name for name in matrix().clusters[cluster].inference if name != "none"]
        assert combination_refusal(cluster, allowed) is None
        assert combination_refusal(cluster, allowed[:1]) is None
        assert combination_refusal(cluster, []) is None

    @pytest.mark.parametrize(
        ("cluster", "used", "words"),
        [
            ("microk8s", ["foundry", "nvcf"], ["foundry and nvcf cannot be used together on microk8s", "nim-operator with nvcf"]),
            ("azure", ["nvcf", "none"], ["nvcf and none cannot be used together"]),
            ("azure", ["nvcf", "foundry", "nvcf"], ["nvcf is named twice"]),
            ("tomorrow", ["nvcf", "external"], ["On tomorrow: nothing"]),
        ],
    )
    def test_a_pair_that_nobody_decided_is_refused(self, cluster, used, words) -> None:
        sentence = combination_refusal(cluster, used)
        assert sentence is not None
        assert all(word in sentence for word in words), sentence

    @pytest.mark.parametrize("pair", [["nvcf", "nvcf"], ["nvcf", "ghost"], ["nvcf", "none"]])
    def test_a_matrix_that_combines_what_may_not_run_is_refused(self, pair) -> None:
        known = matrix().model_dump()
        known["clusters"]["azure"]["combined"] = [pair]
        with pytest.raises(ValidationError, match=f"azure combines what may not run there: nvcf with {pair[1]}"):
            Matrix.model_validate(known)

    def test_every_provider_has_its_components(self) -> None:
        assert set(matrix().deployable_providers()) == {"none", "nim-operator", "nvcf", "foundry", "external"}


class TestWorkloads:
    def test_vda_calls_a_vlm_and_a_text_model_and_no_other(self) -> None:
        for name, flow in workload("vda").flows.items():
            expected = set() if name == "setup_model_cache" else {"qwen3-vl", "qwen25-14b"}
            assert {role.nim for role in flow.endpoints.values()} == expected, name

    def test_dig_calls_its_own_image_model_on_day_0_alone(self) -> None:
        for name, flow in workload("dig").flows.items():
            expected = {"qwen-image-edit-nvpcb-ovsl2sl"} if name.startswith("day0") else set()
            assert {role.nim for role in flow.endpoints.values()} == expected, name
            assert all(role.model == "nvidia/Qwen-Image-Edit-NVPCB-OVSL2SL" for role in flow.endpoints.values())

    def test_specs_are_pinned_to_a_commit_and_told_apart(self) -> None:
        for name, known in workloads().items():
            paths = [known.spec_path(flow) for flow in known.flows]
            assert len(set(paths)) == len(paths), name
            assert known.spec_path() == known.spec_path(known.default_flow)

    @pytest.mark.parametrize("name", ["nre", "ncore", "carline", "asset-harvester", "nurec-fixer"])
    def test_what_does_not_run_on_osmo_is_refused_with_its_recipe(self, name) -> None:
        with pytest.raises(ContainerOnly, match=r"not on OSMO.*Follow .*recipe.*https://github.com/NVIDIA/.*On OSMO run: vda, dig, iaa"):
            workload(name)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"nim": "qwen3-v"}, "qwen3-v is not a known NIM service. Did you mean qwen3-vl"),
            ({"capabilities": ["image-edit"]}, "qwen3-vl cannot do image-edit"),
            ({"model": "Qwen/Another"}, "qwen3-vl serves Qwen/Qwen3-VL-30B-A3B-Instruct"),
            ({"request_path": "/v1/images/edits"}, "qwen3-vl serves .* at /v1/chat/completions"),
        ],
    )
    def test_a_role_that_its_nim_cannot_play_is_refused(self, changes, message) -> None:
        known = document("workloads.yaml")
        known["workloads"]["vda"]["flows"]["e2e"]["endpoints"]["vlm_url"] |= changes  # type: ignore[index]
        with pytest.raises(ValidationError, match=message):
            Workloads.model_validate(known)

    def test_a_usual_flow_that_is_none_and_a_name_that_is_told_twice_are_refused(self) -> None:
        known = document("workloads.yaml")
        known["workloads"]["vda"]["default_flow"] = "all"  # type: ignore[index]
        with pytest.raises(ValidationError, match="default_flow all is none of auto_labeling"):
            Workloads.model_validate(known)
        known = document("workloads.yaml")
        known["container_only"]["vda"] = known["container_only"]["nre"]  # type: ignore[index]
        with pytest.raises(ValidationError, match="both on OSMO and not: vda"):
            Workloads.model_validate(known)


class TestStorage:
    def test_a_disk_is_refused_by_name_with_what_gives_the_mode(self) -> None:
        assert refusal("managed-csi", "disk.csi.azure.com") == (
            "StorageClass managed-csi (disk.csi.azure.com) gives disks of Azure, which can be ReadWriteOnce and not ReadWriteMany. "
            "Use a class of file.csi.azure.com, such as azurefile-nfs-premium."
        )

    @pytest.mark.parametrize(
        "provisioner", ["file.csi.azure.com", "nfs.csi.k8s.io", "microk8s.io/hostpath", "rancher.io/local-path", "of.tomorrow/csi"]
    )
    def test_what_can_or_might_is_left_to_the_claim(self, provisioner) -> None:
        assert refusal("models", provisioner) is None

    def test_every_provisioner_can_give_something_or_says_on_what_it_depends(self) -> None:
        assert all(known.modes or known.unless for known in storage_provisioners().values())


@pytest.mark.parametrize(
    ("text", "value"), [("500m", "0.5"), ("8", "8"), ("48Gi", str(48 * 2**30)), ("1.5Gi", "1610612736"), ("1e3", "1000"), ("2M", "2000000")]
)
def test_quantities_are_read_as_kubernetes_writes_them(text, value) -> None:
    assert str(number(text).normalize()) == str(type(number(text))(value).normalize())


@pytest.mark.parametrize("text", ["", "8 Gi", "8GB", "-1", "Gi", "1.2.3", "1e", "nan"])
def test_what_is_no_quantity_is_refused(text) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        number(text)
