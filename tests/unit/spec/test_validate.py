"""Every problem of a spec at once: where, what stands there, what may stand there."""

import copy

import pytest
import yaml

from sdg.spec.render import render
from sdg.spec.validate import Surroundings, errors, validate

TASK = {"name": "t", "image": "alpine:3.20", "command": ["sh"]}


def problems(workflow, profile="6.3", version=None, **surroundings):
    document = {"workflow": {"name": "w", **workflow}} | ({} if version is None else {"version": version})
    return validate(render(yaml.safe_dump(document, sort_keys=False)), profile, Surroundings(**surroundings))


def of_task(changes, profile="6.3", **surroundings):
    return problems({"tasks": [TASK | changes]}, profile, **surroundings)


def groups(*members):
    return {"groups": [{"name": f"g{index}", "tasks": [TASK | task for task in tasks]} for index, tasks in enumerate(members)]}


def test_a_full_spec_has_no_problem():
    task = TASK | {
        "args": ["{{input:0}}", "{{input:first}}", "{{host:t}}", "{{output}}", 5],
        "environment": {"A": 1, "B": True, "C": "", "D": 1.5},
        "files": [{"path": "/tmp/a", "contents": "x", "base64": False}, {"path": "/tmp/b", "localpath": "b"}],
        "inputs": [{"task": "first"}, {"url": "s3://bucket", "regex": ".*"}, {"task": "other-1:x"}],
        "outputs": [{"url": "azure://account/container/{{workflow_id}}"}],
        "credentials": {"hf_token": {"HF_TOKEN": "token"}, "pat": "/tmp/pat"},
        "resource": "gpu",
        "lead": True,
        "exitActions": {"COMPLETE": "0", "RESCHEDULE": "1,3-5", "FAIL": 137},
        "checkpoint": [{"path": "/a", "url": "gs://b/c", "frequency": "10m"}],
        "volumeMounts": ["/a:/b", "/c"],
        "kpis": [{"index": "a", "path": "b"}],
        "cacheSize": "2Gi",
        "downloadType": None,
    }
    workflow = {
        "pool": "p",
        "timeout": {"exec_timeout": "4h", "queue_timeout": "PT1H30M"},
        "resources": {
            "gpu": {"cpu": "4", "gpu": 1, "memory": "32Gi", "storage": "512Mi", "platform": "gpu", "topology": [{"key": "rack"}]}
        },
        "groups": [{"name": "one", "tasks": [TASK | {"name": "first"}]}, {"name": "two", "tasks": [task], "barrier": False}],
    }
    assert problems(workflow, platforms={"gpu"}, gpu_platforms={"gpu"}, credentials={"hf_token": {"token"}, "pat": None}) == ()


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"name": "-w"}, "name", "name"),
        ({"name": "a" * 65}, "name", "name"),
        ({"name": None}, "name", "name"),
        ({"image": ""}, "image", "image"),
        ({"image": "bad image!!"}, "image", "image"),
        ({"command": []}, "command", "type"),
        ({"command": "sh"}, "command", "type"),
        ({"command": ["sh", True]}, "command.1", "type"),
        ({"args": [None]}, "args.0", "type"),
        ({"args": None}, "args", "type"),
        ({"environment": {"A": None}}, "environment.A", "type"),
        ({"environment": {"A": [1]}}, "environment.A", "type"),
        ({"environment": ["A=1"]}, "environment", "type"),
        ({"resource": "large"}, "resource", "resource"),
        ({"lead": "maybe"}, "lead", "type"),
        ({"credentials": {"hf": None}}, "credentials.hf", "credential"),
        ({"credentials": {"hf": {"HF_TOKEN": None}}}, "credentials.hf.HF_TOKEN", "credential"),
        ({"credentials": ["hf"]}, "credentials", "type"),
        ({"files": [{"path": "/tmp/a"}]}, "files.0", "one-of"),
        ({"files": [{"path": "/tmp/a", "contents": "", "localpath": "b"}]}, "files.0", "one-of"),
        ({"files": [{"contents": ""}]}, "files.0.path", "missing-key"),
        ({"files": [{"path": "/osmo/x", "contents": ""}]}, "files.0.path", "path"),
        ({"files": [{"path": "/", "contents": ""}]}, "files.0.path", "path"),
        ({"files": [{"path": "/a", "contents": ""}, {"path": "/a", "contents": ""}]}, "files.1.path", "file-path"),
        ({"files": {"path": "/a"}}, "files", "type"),
        ({"inputs": [{"regex": ".*"}]}, "inputs.0", "one-of"),
        ({"inputs": [{"url": "s3://b", "task": "other-1:t"}]}, "inputs.0", "one-of"),
        ({"inputs": [{"url": ""}]}, "inputs.0.url", "url"),
        ({"inputs": [{"url": "http://x/y"}]}, "inputs.0.url", "url"),
        ({"inputs": [{"url": "azure://account"}]}, "inputs.0.url", "url"),
        ({"inputs": [{"url": "swift://endpoint/account"}]}, "inputs.0.url", "url"),
        ({"inputs": [{"url": "tos://host"}]}, "inputs.0.url", "url"),
        ({"inputs": [{"url": "s3://b", "regex": "("}]}, "inputs.0.regex", "regex"),
        ({"inputs": [{"task": "nope"}]}, "inputs.0.task", "input-task"),
        ({"inputs": [{"task": "t"}]}, "inputs.0.task", "upstream"),
        ({"inputs": [{"dataset": {"name": "d", "url": "s3://b"}}]}, "inputs.0.dataset.url", "unknown-key"),
        ({"outputs": [{"url": "s3://b", "dataset": {"name": "d"}}]}, "outputs.0", "one-of"),
        ({"exitActions": {"STOP": "1"}}, "exitActions.STOP", "exit-codes"),
        ({"exitActions": {"FAIL": "x"}}, "exitActions.FAIL", "exit-codes"),
        ({"exitActions": {"FAIL": "5-3"}}, "exitActions.FAIL", "exit-codes"),
        ({"exitActions": {"FAIL": "256"}}, "exitActions.FAIL", "exit-codes"),
        ({"exitActions": {"FAIL": 137, "RESCHEDULE": "1-255"}}, "exitActions.RESCHEDULE", "exit-codes"),
        ({"checkpoint": [{"path": "/a", "url": "file:///a", "frequency": "1m"}]}, "checkpoint.0.url", "url"),
        ({"checkpoint": [{"path": "/a", "url": "s3://a"}]}, "checkpoint.0.frequency", "missing-key"),
        ({"volumeMounts": ["/a:"]}, "volumeMounts.0", "mount"),
        ({"kpis": {"index": "a", "path": "b"}}, "kpis", "type"),
        ({"args": ["{{input:0}}"]}, "args.0", "input-token"),
        ({"args": ["{{input:other}}"]}, "args.0", "input-token"),
        ({"environment": {"A": "{{host:other}}"}}, "environment.A", "host-token"),
        ({"files": [{"path": "/a", "contents": "x {{host:other}}"}]}, "files.0.contents", "host-token"),
        ({"surprise": 1}, "surprise", "unknown-key"),
        ({"commands": []}, "commands", "unknown-key"),
    ],
)
def test_a_wrong_value_of_a_task_is_named_by_its_path(changes, path, rule):
    found = of_task(changes)
    assert [(problem.path, problem.rule) for problem in found] == [(f"workflow.tasks.0.{path}", rule)]
    assert found[0].severity == "error"
    assert found[0].line


@pytest.mark.parametrize(
    ("workflow", "path", "rule"),
    [
        ({}, "workflow", "one-of"),
        ({"tasks": [], "groups": []}, "workflow", "one-of"),
        ({"tasks": [TASK], **groups([{"name": "a"}])}, "workflow", "one-of"),
        ({"tasks": ["t"]}, "workflow.tasks.0", "type"),
        ({"tasks": {"t": TASK}}, "workflow.tasks", "type"),
        ({"tasks": [TASK], "resources": []}, "workflow.resources", "type"),
        ({"tasks": [TASK], "timeout": {"exec_timeout": "soon"}}, "workflow.timeout.exec_timeout", "duration"),
        ({"tasks": [TASK], "timeout": {"exec_timeout": "1h30m"}}, "workflow.timeout.exec_timeout", "duration"),
        ({"tasks": [TASK], "timeout": {"exec_timeout": "300"}}, "workflow.timeout.exec_timeout", "duration"),
        ({"tasks": [TASK], "timeout": {"exec_timeout": "PT"}}, "workflow.timeout.exec_timeout", "duration"),
        ({"tasks": [TASK], "timeout": {"exec_timout": "1h"}}, "workflow.timeout.exec_timout", "unknown-key"),
        ({"tasks": [TASK], "resources": {"r": {"memory": "1GB"}}}, "workflow.resources.r.memory", "unit"),
        ({"tasks": [TASK], "resources": {"r": {"storage": "much"}}}, "workflow.resources.r.storage", "unit"),
        ({"tasks": [TASK], "resources": {"r": {"cpu": "four"}}}, "workflow.resources.r.cpu", "type"),
        ({"tasks": [TASK], "resources": {"r": {"gpu": -1}}}, "workflow.resources.r.gpu", "type"),
        ({"tasks": [TASK], "resources": {"r": {"gpu": 1.5}}}, "workflow.resources.r.gpu", "type"),
        (
            {"tasks": [TASK], "resources": {"r": {"topology": [{"key": "k", "requirementType": "x"}]}}},
            "workflow.resources.r.topology.0.requirementType",
            "type",
        ),
        ({"tasks": [TASK, TASK | {"name": "T"}]}, "workflow.tasks.1.name", "unique-names"),
        ({"tasks": [TASK | {"name": "a-b"}, TASK | {"name": "A_b"}]}, "workflow.tasks.1.name", "unique-names"),
        (groups([{"name": "g0"}]), "workflow.groups.0.tasks.0.name", "unique-names"),
        (groups([{"name": "osmo-ctrl"}]), "workflow.groups.0.tasks.0.name", "name"),
        (groups([{"name": "a"}, {"name": "b"}]), "workflow.groups.0", "lead"),
        (groups([{"name": "a", "lead": True}, {"name": "b", "lead": True}]), "workflow.groups.0", "lead"),
        (groups([{"name": "a", "inputs": [{"task": "b"}]}], [{"name": "b"}]), "workflow.groups.0.tasks.0.inputs.0.task", "upstream"),
        ({"groups": [{"name": "g", "tasks": []}]}, "workflow.groups.0.tasks", "empty"),
        ({"groups": [{"name": "g"}]}, "workflow.groups.0.tasks", "missing-key"),
        ({"tasks": [TASK | {"name": f"t{n}"} for n in range(21)]}, "workflow", "too-many-tasks"),
    ],
)
def test_a_wrong_value_of_a_workflow_is_named_by_its_path(workflow, path, rule):
    found = problems(copy.deepcopy(workflow))
    assert [(problem.path, problem.rule) for problem in found] == [(path, rule)]


@pytest.mark.parametrize("version", [3, 1, "two", True, None])
def test_only_version_2_is_known(version):
    document = f"version: {version if version is not None else ''}\nworkflow: {{name: w, tasks: [{{name: t, image: i, command: [c]}}]}}\n"
    assert [problem.path for problem in validate(render(document))] == ["version"]


def test_every_problem_is_told_at_once_and_in_order():
    found = problems({"name": "-", "tasks": [{"name": "t", "image": 5.5, "extra": 1}], "resources": {"r": {"cpu": "x"}}})
    assert [problem.path for problem in found] == [
        "workflow.name",
        "workflow.tasks.0.command",
        "workflow.tasks.0.image",
        "workflow.tasks.0.extra",
        "workflow.resources.r.cpu",
    ]


@pytest.mark.parametrize(
    ("changes", "near"), [({"comand": ["sh"]}, "'command'"), ({"exitactions": {}}, "'exitActions'"), ({"enviroment": {}}, "'environment'")]
)
def test_an_unknown_key_names_the_near_one_and_all_that_are_known(changes, near):
    (problem,) = of_task(changes)
    assert f"did you mean {near}" in problem.message
    assert "command" in problem.legal


def test_an_unknown_profile_names_the_near_one():
    found = problems({"tasks": [TASK | {"resource": "gpu-rendr"}], "resources": {"gpu-render": {"gpu": 1}}})
    assert "did you mean 'gpu-render'" in found[0].message
    assert found[0].legal == "default, gpu-render"


@pytest.mark.parametrize(("unit", "rule"), [("G", "unit"), ("M", "unit"), ("T", "unit"), ("Ti", "unit"), ("Ki", "unit"), ("", "unit")])
def test_a_unit_that_is_taken_but_not_to_be_relied_on_is_a_warning(unit, rule):
    found = problems({"tasks": [TASK], "resources": {"r": {"memory": f"32{unit}"}}})
    assert [(problem.rule, problem.severity) for problem in found] == [(rule, "warning")]
    assert errors(found) == ()


def test_each_version_of_the_platform_has_its_own_keys():
    dataset = {"outputs": [{"dataset": {"name": "d"}}, {"update_dataset": {"name": "d", "paths": ["a"]}}]}
    assert of_task(dataset) == ()
    assert {problem.rule for problem in of_task(dataset, "6.4")} == {"profile", "one-of"}
    labels = {"tasks": [TASK], "labels": {"team": "sdg", "example.com/cost": "a.b"}}
    assert problems(labels, "6.4") == ()
    (problem,) = problems(labels)
    assert (problem.path, problem.rule) == ("workflow.labels", "profile")
    assert "6.4" in problem.message


@pytest.mark.parametrize("labels", [{"a": ""}, {"-a": "b"}, {"a": "b c"}, {f"k{n}": "v" for n in range(17)}])
def test_labels_are_those_of_kubernetes(labels):
    assert [problem.rule for problem in problems({"tasks": [TASK], "labels": labels}, "6.4")] == ["labels"]


def test_what_is_known_of_the_pool_is_judged():
    workflow = {
        "tasks": [TASK],
        "resources": {"a": {"platform": "nope"}, "b": {"platform": "cpu", "gpu": 1}, "c": {"platform": "cpu", "gpu": 0}},
    }
    found = problems(workflow, platforms={"cpu", "gpu"}, gpu_platforms={"gpu"})
    assert [(problem.path, problem.rule) for problem in found] == [
        ("workflow.resources.a.platform", "platform"),
        ("workflow.resources.b.platform", "gpu-platform"),
    ]


def test_what_is_known_of_the_credentials_is_judged():
    task = {
        "credentials": {"hf": {"HF_TOKEN": "token"}, "hf_token": {"HF_TOKEN": "HF_TOKEN", "B": "token"}, "any": {"A": "b"}, "pat": "/tmp"}
    }
    found = of_task(task, credentials={"hf_token": {"token"}, "any": None, "pat": {"x"}})
    assert [(problem.path.rpartition("credentials.")[2], problem.legal) for problem in found] == [
        ("hf", "any, hf_token, pat"),
        ("hf_token.HF_TOKEN", "token"),
    ]


def test_files_that_the_client_reads_are_looked_at(tmp_path):
    (tmp_path / "good").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    files = [{"path": f"/{name}", "localpath": name} for name in ("good", "folder", "binary", "missing", "bad\0name")]
    text = yaml.safe_dump({"workflow": {"name": "w", "tasks": [TASK | {"files": files}]}})
    found = validate(render(text), "6.3", Surroundings(folder=tmp_path))
    assert [problem.path for problem in found] == [f"workflow.tasks.0.files.{index}.localpath" for index in (1, 2, 3, 4)]
    assert {problem.rule for problem in found} == {"localpath"}


def test_a_value_that_looks_like_a_credential_is_not_shown():
    key = "nvapi-" + "x" * 64
    (problem,) = of_task({"resource": key})
    assert key[:20] not in str(problem)


def test_a_problem_reads_as_a_sentence():
    (problem,) = problems({"tasks": [TASK], "resources": {"r": {"cpu": "four"}}})
    assert str(problem) == "workflow.resources.r.cpu (line 10): is no whole number; it is 'four'; legal: a whole number"
