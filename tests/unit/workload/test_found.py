"""A stack's workload: where its spec is, what fills it in, and every reason why it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdg.catalog.workloads import workload
from sdg.inference.stack import StackPlan, plan_stack
from sdg.settings.parse import check
from sdg.settings.workload import CataloguedWorkload, SpecWorkload
from sdg.workload.clone import clone_of
from sdg.workload.found import find, source_of

SPECS = Path(__file__).parents[2] / "data" / "specs"
GIVEN = {"dataset": "vda-demo", "run_id": "run-0a1b2c3d", "storage_url": "s3://bucket", "gpu_platform": "gpu", "video": "clip"}
LAB = {"kind": "existing", "name": "lab-1", "gpus": 4, "gpusPerNode": 2}
SECRETS = {"ngcApiKey": "nvapi-1", "hfToken": "hf_1", "nvcfApiKey": "nvapi-1"}


@pytest.fixture
def fetched(tmp_path: Path) -> dict[str, str]:
    """An environment in which the catalog's workloads were fetched; their specs are this project's own."""
    for name in ("vda", "dig"):
        entry = workload(name)
        clone = clone_of(source_of(entry), tmp_path)
        (clone / ".git").mkdir(parents=True, exist_ok=True)
        (clone / ".git" / "HEAD").write_text(f"{entry.commit}\n")
        for flow in entry.flows:
            own = SPECS / name / entry.flow(flow).path.removeprefix("assets/configs/").removeprefix("osmo/")
            if own.is_file():
                target = clone / entry.spec_path(flow)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(own.read_text())
    return {"SDG_WORKLOADS": str(tmp_path)}


def planned(environ: dict[str, str], inference: dict[str, object], said: dict[str, object]) -> StackPlan:
    sections, wrong = check({"cluster": LAB, "inference": inference, "workload": said})
    assert wrong == []
    return plan_stack(sections, SECRETS, environ)  # type: ignore[arg-type]


@pytest.mark.parametrize("flow", ["augmentation_and_al", "e2e"])
def test_video_augmentation_needs_two_nims_and_no_more(fetched: dict[str, str], flow: str) -> None:
    found = planned(fetched, {"provider": "nim-operator"}, {"kind": "catalog", "name": "vda", "flow": flow, "strings": GIVEN})
    assert found.problems == ()
    assert [endpoint.name for endpoint in found.inference.endpoints] == ["qwen25-14b", "qwen3-vl"]
    assert found.inference.overrides == {}
    assert found.workload is not None
    assert found.workload.needs.nim_services == ("qwen25-14b", "qwen3-vl")


@pytest.mark.parametrize(
    ("flow", "nims"),
    [
        ("day0_texture", ["qwen-image-edit-nvpcb-ovsl2sl"]),
        ("day0_good_image", ["qwen-image-edit-nvpcb-ovsl2sl"]),
        ("day0_structural", ["qwen-image-edit-nvpcb-ovsl2sl"]),
        ("day1_manual_roi", []),
        ("finetune", []),
    ],
)
def test_defect_images_of_day_0_need_their_own_edit_model_and_later_flows_nothing(
    fetched: dict[str, str], flow: str, nims: list[str]
) -> None:
    found = planned(fetched, {"provider": "nim-operator"}, {"kind": "catalog", "name": "dig", "flow": flow, "values": {"name": "try-1"}})
    assert found.problems == ()
    assert [endpoint.name for endpoint in found.inference.endpoints] == nims


def test_functions_take_the_place_of_nims_in_the_rendered_spec(fetched: dict[str, str]) -> None:
    ids = [f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2)]
    functions = {"qwen3-vl-30b": ids[0], "qwen25-14b": ids[1]}
    found = planned(
        fetched, {"provider": "nvcf", "functions": functions}, {"kind": "catalog", "name": "vda", "flow": "e2e", "strings": GIVEN}
    )
    assert found.problems == ()
    assert found.workload is not None
    assert found.workload.needs.nim_services == ()
    urls = {name: f"https://{each}.invocation.api.nvcf.nvidia.com/v1" for name, each in zip(("vlm_url", "llm_url"), ids, strict=True)}
    assert found.inference.overrides == urls
    assert urls["vlm_url"] in found.workload.rendered.text
    assert "osmo-nims" not in found.workload.rendered.text
    assert found.inference.external == (), "the functions are the stack's own"


def test_one_that_was_not_fetched_names_the_one_command_and_is_planned_by_its_roles(tmp_path: Path) -> None:
    environ = {"SDG_WORKLOADS": str(tmp_path)}
    found = planned(environ, {"provider": "nim-operator"}, {"kind": "catalog", "name": "vda", "strings": GIVEN})
    [problem] = found.problems
    assert problem.startswith("sdg:workload.name: the spec of vda is not on this host")
    assert problem.endswith("Fetch it: `sdg workload fetch vda`.")
    assert [endpoint.name for endpoint in found.inference.endpoints] == ["qwen25-14b", "qwen3-vl"]


def test_every_variable_that_is_missing_is_named_with_its_command(fetched: dict[str, str]) -> None:
    found = find(CataloguedWorkload(kind="catalog", name="vda", values={"dataset": "d"}), fetched)
    missing = ["run_id", "storage_url", "gpu_platform", "video"]
    assert [problem.split(" is required")[0] for problem in found.problems] == [f"sdg:workload.values.{name}" for name in missing]
    assert "`pulumi config set --path sdg:workload.values.run_id VALUE`" in found.problems[0]


def test_where_the_workloads_own_files_are_is_filled_in_unless_the_stack_says_it(fetched: dict[str, str]) -> None:
    found = find(CataloguedWorkload(kind="catalog", name="vda", strings=GIVEN), fetched)
    entry = workload("vda")
    assert found.values.strings["skills_dir"] == str(clone_of(source_of(entry), Path(fetched["SDG_WORKLOADS"])) / entry.folder)
    said = find(CataloguedWorkload(kind="catalog", name="vda", strings={**GIVEN, "skills_dir": "/mine"}), fetched)
    assert said.values.strings["skills_dir"] == "/mine"


def test_values_are_given_as_a_submission_gives_them(tmp_path: Path) -> None:
    said = {"flag": True, "count": 3, "rate": 0.5, "name": "1_000"}
    found = find(SpecWorkload(kind="spec", path=str(tmp_path / "no.yaml"), values=said))
    assert found.values.values == {"flag": "true", "count": "3", "rate": "0.5", "name": "1_000"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"workflow: {{ nothing }}\n", "nothing"),
        (b"workflow:\n  name: a\n", "has none of tasks, groups"),
        (b"", "workflow"),
    ],
)
def test_a_spec_that_is_none_is_a_sentence_and_no_crash(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    found = planned({}, {"provider": "none"}, {"kind": "spec", "path": str(path)})
    assert found.problems
    assert all(problem.startswith("sdg:workload") for problem in found.problems)
    assert words in "\n".join(found.problems)
    assert "Traceback" not in "\n".join(found.problems)


def test_a_spec_that_the_profile_refuses_names_every_line(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    task = "{name: a, image: alpine, command: [sh], resource: big}"
    path.write_text(f"workflow:\n  name: a b\n  resources:\n    big: {{cpu: 1, memory: 3GB, platform: gpus}}\n  tasks: [{task}]\n")
    text = "\n".join(planned({}, {"provider": "none"}, {"kind": "spec", "path": str(path)}).problems)
    assert "workflow.name (line 2)" in text
    assert "workflow.resources.big.memory (line 4)" in text
    assert "is no platform of the pool; it is 'gpus'; legal: default, gpu" in text


def test_a_flow_whose_spec_is_not_in_the_clone_names_what_can_be_taken_instead(fetched: dict[str, str]) -> None:
    said = {"kind": "catalog", "name": "vda", "flow": "e2e_super_resolution", "strings": GIVEN}
    [problem] = planned(fetched, {"provider": "nim-operator"}, said).problems
    assert problem.startswith("sdg:workload.flow: the repository of vda has no spec of vda's flow e2e_super_resolution at the catalog's")
    assert problem.endswith("Take another of its flows, or a spec of yours with kind spec.")


READS = """version: 2
workflow:
  name: w
  resources:
    default: {cpu: 1, memory: 1Gi, storage: 1Gi}
  tasks:
  - name: a
    image: alpine:3
    command: [sh, -c, "curl {{ llm_url }}"]
    environment: {URL: "{{ llm_url }}"{% if other %}, OTHER: "{{ other_url }}"{% endif %}}
default-values:
  llm_url: http://qwen25-14b.osmo-nims.svc.cluster.local:8000/v1
  other: false
"""


def of_spec(tmp_path: Path, text: str, inference: dict[str, object] | None = None, **said: object) -> StackPlan:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return planned({}, inference or {"provider": "nim-operator"}, {"kind": "spec", "path": str(path), **said})


def test_an_endpoint_for_a_variable_that_the_spec_lacks_is_refused(tmp_path: Path) -> None:
    [problem] = of_spec(tmp_path, READS, endpoints={"lm_url": "qwen25-14b", "llm_url": "qwen25-14b"}).problems
    assert problem.startswith("sdg:workload.endpoints.lm_url: the spec ")
    assert "has no such variable; did you mean llm_url" in problem
    assert of_spec(tmp_path, READS, endpoints={"other_url": "qwen25-14b"}).problems == (), "that of a branch that is not taken"


def test_a_value_for_a_variable_that_the_spec_lacks_is_a_note(tmp_path: Path) -> None:
    found = of_spec(tmp_path, READS, values={"lm_url": "a"}, strings={"zzz": "b", "other_url": "c"})
    assert found.problems == ()
    assert [note.partition(":")[0] + note.partition(":")[2].partition(" ")[0] for note in found.notes] == [
        "sdgworkload.values.lm_url",
        "sdgworkload.strings.zzz",
    ]
    assert "did you mean llm_url" in found.notes[0]
    assert "it has llm_url, other" in found.notes[1]


def test_a_variable_has_one_value(tmp_path: Path) -> None:
    found = of_spec(tmp_path, READS, values={"llm_url": "a"}, strings={"llm_url": "b"})
    assert found.problems == ("sdg:workload.values.llm_url: sdg:workload.strings gives the same variable a value; say one of the two.",)


def test_a_variable_without_a_value_is_set_in_the_stack_and_not_on_a_command_line(tmp_path: Path) -> None:
    [problem] = of_spec(tmp_path, READS.replace("name: w", "name: {{ nm }}")).problems
    assert "legal: sdg:workload.strings.nm, or a default under default-values" in problem
    assert "--set" not in problem


def test_the_url_of_an_endpoint_that_is_not_made_yet_is_told_in_words(tmp_path: Path) -> None:
    text = READS.replace("cpu: 1", 'cpu: "{{ llm_url }}"')
    found = of_spec(tmp_path, text, {"provider": "nim-operator", "also": [{"provider": "foundry"}]}, endpoints={"llm_url": "llama-3-3-70b"})
    assert found.inference.overrides, "a placeholder fills the spec in"
    told = "\n".join((*found.problems, *found.notes))
    assert "(the URL of llama-3-3-70b)" in told
    assert ".invalid" not in told
