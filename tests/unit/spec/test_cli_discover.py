"""`sdg discover`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.pairs import expanded

SPECS = Path(__file__).parents[2] / "data" / "specs"
VDA = (
    "dataset=vda-demo",
    "run_id=run-0a1b2c3d",
    "storage_url=s3://osmo-workflows",
    "gpu_platform=gpu",
    "video=clip",
    "skills_dir=/opt/vda",
)


def run(spec, *arguments):
    return CliRunner().invoke(app, ["discover", str(SPECS / spec), *arguments])


def found(spec, *arguments):
    return json.loads(run(spec, *arguments, "--json").stdout)


def test_a_spec_whose_needs_can_be_met_ends_with_0():
    done = run("vda/e2e.yaml", "--set-string", *VDA)
    assert done.exit_code == 0
    assert all(word in done.output for word in ("qwen3-vl", "qwen25-14b", "llm_url", "hf_token", "pl_augmented_worker_0", "256Gi"))


def test_json_is_all_that_is_printed():
    assert found("vda/e2e.yaml", "--set-string", *VDA)["nim_services"] == ["qwen25-14b", "qwen3-vl"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workflow:\n  name: {{ missing }}\n", "missing"),
        ("workflow:\n  name: w\n  tasks: []\n", "tasks"),
        ("workflow: [\n", "YAML"),
        ("", "workflow"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_spec_that_nobody_could_submit_ends_with_2_and_says_why(tmp_path, text, words):
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = run(path, "--json")
    assert done.exit_code == 2
    errors = json.loads(done.stdout)["errors"]
    assert words in "\n".join(errors)
    assert all(error in run(path).output for error in errors)


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    done = run(tmp_path / "none.yaml", "--json")
    assert (done.exit_code, json.loads(done.stdout)["nim_services"]) == (2, [])
    assert "none.yaml cannot be read" in json.loads(done.stdout)["errors"][0]


@pytest.mark.parametrize("form", ["unknown-nim", "short-names", "nvcf-without-id", "made-at-run-time", "ports-and-schemes"])
def test_a_reference_that_nothing_can_satisfy_ends_with_3(form):
    done = run(f"forms/{form}.yaml", "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["errors"]


def test_what_is_invalid_and_refers_to_nothing_ends_with_2(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text((SPECS / "forms/unknown-nim.yaml").read_text().replace("image:", "picture:"))
    done = run(path, "--json")
    assert done.exit_code == 2
    assert "qwen25-14b" in "\n".join(json.loads(done.stdout)["errors"])


def test_an_empty_url_is_told_once_and_ends_with_2():
    done = run("dig/setup/setup_glass.yaml", "--json")
    errors = json.loads(done.stdout)["errors"]
    assert (done.exit_code, len(errors)) == (2, 1)
    assert "workflow.groups.1.tasks.0.inputs.0.url (line 25)" in errors[0]


@pytest.mark.parametrize("form", ["ports-and-schemes", "short-names"])
def test_a_wrong_address_of_a_nim_is_told_once(form):
    told = [line for line in run(SPECS / "forms" / f"{form}.yaml").output.splitlines() if line.startswith(("error: ", "warning: "))]
    places = [line.split(": ")[1] for line in told]
    assert places
    assert len(places) == len(set(places))


def test_warnings_are_no_errors():
    done = run("forms/sizes.yaml", "--json")
    assert (done.exit_code, json.loads(done.stdout)["errors"]) == (0, [])
    assert "warning" in run("forms/sizes.yaml").output


def test_what_an_older_release_takes_a_newer_one_may_refuse(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("workflow:\n  name: w\n  tasks:\n  - {name: t, image: i, command: [c], inputs: [{dataset: {name: d}}]}\n")
    assert [run(path, "--profile", profile).exit_code for profile in ("6.3", "6.4")] == [0, 2]


def test_a_profile_that_there_is_none_of_is_refused():
    assert "6.5 is none of 6.3, 6.4" in run("vda/e2e.yaml", "--profile", "6.5").output


def test_every_way_of_giving_pairs_means_the_same():
    spec = "dig/finetune.yaml"
    expected = found(spec, "--set", "name=a", "--set", "train_gpu=2", "--set", "usecase=glass")
    assert expected["peak"]["gpu"] == 2
    assert found(spec, "--set", "name=a", "train_gpu=2", "usecase=glass") == expected
    assert found(spec, "--set=name=a", "train_gpu=2", "--set-string", "usecase=glass") == expected


def test_the_environment_of_a_submission_counts():
    url = "http://qwen3-vl.osmo-nims.svc.cluster.local:8000/v1"
    assert found("forms/set-env.yaml", "--set-env", f"VLM_URL={url}")["nim_services"] == ["qwen3-vl"]


def test_a_pair_that_is_none_is_told():
    assert "--set" in run("dig/finetune.yaml", "--set", "name").output
    assert run("dig/finetune.yaml", "--set", "name").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "meaning"),
    [
        (["--set", "a=1", "b=2", "spec"], ["--set", "a=1", "--set", "b=2", "spec"]),
        (["spec", "--set-env", "A=1", "--json"], ["spec", "--set-env", "A=1", "--json"]),
        (["--set", "a=1", "spec", "b=2"], ["--set", "a=1", "spec", "b=2"]),
        (["--set=a=1", "b=2"], ["--set=a=1", "--set", "b=2"]),
        (["--profile", "6.4", "x=y"], ["--profile", "6.4", "x=y"]),
    ],
)
def test_a_list_of_pairs_is_one_option_each(arguments, meaning):
    assert expanded(arguments) == meaning


@pytest.mark.parametrize(
    ("spec", "pairs", "lines"),
    [
        ("vda/e2e.yaml", ("--set-string", *VDA), lambda line: True),
        ("dig/texture_defect_generation_day0.yaml", ("--set", "name=texture-1", "use_pretrained_checkpoint=false"), lambda line: True),
        ("forms/ports-and-schemes.yaml", (), lambda line: line.startswith("error")),
        ("forms/unknown-nim.yaml", (), lambda line: line.startswith("error")),
    ],
)
def test_the_documentation_shows_what_is_printed(spec, pairs, lines):
    documented = {line.strip() for line in (Path(__file__).parents[3] / "docs" / "workloads.md").read_text().splitlines()}
    printed = {line.strip() for line in run(spec, *pairs).output.splitlines() if lines(line)}
    assert printed - documented == set()
