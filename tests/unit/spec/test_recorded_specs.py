"""Renderer and validator beside the real service's recorded answers, and beside the rehearsal's stand-in, which shares no code."""

import json
import re
from pathlib import Path

import pytest
import yaml

from rehearsal.services.osmo.errors import OsmoError
from rehearsal.services.osmo.templating import render_spec
from sdg.spec.problem import SpecError
from sdg.spec.render import render
from sdg.spec.validate import Surroundings, errors, validate
from sdg.spec.values import Values

DATA = Path(__file__).parents[2] / "data"
RECORDED = [
    entry for entry in json.loads((DATA / "osmo-captures" / "submit.json").read_text()) if (entry["request"].get("json") or {}).get("file")
]

# what the service refused for the sake of the spec alone, with the path and the rule that say so here
REFUSED = {
    "submit-err-bad-memory-unit": ("workflow.resources.tiny.memory", "unit"),
    "submit-err-bad-name": ("workflow.name", "name"),
    "submit-err-bad-set": ("--set", "pair"),
    "submit-err-bad-timeout": ("workflow.timeout.exec_timeout", "duration"),
    "submit-err-duplicate-task": ("workflow.tasks.1.name", "unique-names"),
    "submit-err-image": ("workflow.tasks.0.image", "image"),
    "submit-err-missing-image": ("workflow.tasks.0.image", "missing-key"),
    "submit-err-no-tasks": ("workflow", "one-of"),
    "submit-err-toomany": ("workflow", "too-many-tasks"),
    "submit-err-two-defaults": ("default-values", "repeated-key"),
    "submit-err-undefined-var": ("default-values.img", "undefined-variable"),
    "submit-err-unknown-field": ("workflow.tasks.0.bogus", "unknown-key"),
    "submit-err-unknown-input-task": ("workflow.tasks.0.inputs.0.task", "input-task"),
    "submit-err-unknown-platform": ("workflow.resources.tiny.platform", "platform"),
    "submit-err-unknown-resource-name": ("workflow.tasks.0.resource", "resource"),
    "submit-err-unknown-top-level": ("foo", "unknown-key"),
    "submit-err-yaml-not-mapping": ("workflow", "missing-key"),
    "submit-err-yaml-syntax": ("", "yaml"),
    "submit-err-cred-key": ("workflow.tasks.0.credentials.hf-token.HF", "credential"),
    "submit-err-unknown-credential": ("workflow.tasks.0.credentials.hf", "credential"),
}
# refused for what no spec shows: pool, nodes, caller, registry, the call's other fields; `localpath` is the client's to replace
NOT_FOR_ITS_SPEC = {
    "cm-submit-offline-pool",
    "submit-body-extra-key",
    "submit-err-bad-env",
    "submit-err-bad-priority",
    "submit-err-localpath",
    "submit-err-memory-over",
    "submit-err-resource-over-capacity",
    "submit-err-unknown-pool",
    "submit-file-and-id",
    "submit-maintenance-pool",
    "workflow-submit-registry-unreachable-400",
}
SEEN = Surroundings(platforms={"default"}, credentials={"hf-token": {"token"}, "nvcr2": None})


def judged(entry):
    body = entry["request"]["json"]
    try:
        values = Values.parse(body.get("set_variables", ()), body.get("set_string_variables", ()))
        return errors(validate(render(body["file"], values), "6.3", SEEN))
    except SpecError as error:
        return error.problems


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry["name"])
def test_a_recorded_spec_is_refused_where_the_service_refused_it_and_nowhere_else(entry):
    found = [(problem.path, problem.rule) for problem in judged(entry)]
    if entry["response"]["status"] == 200 or entry["name"] in NOT_FOR_ITS_SPEC:
        assert found == []
    else:
        assert found == [REFUSED[entry["name"]]]


def test_every_recorded_refusal_is_accounted_for():
    refused = {entry["name"] for entry in RECORDED if entry["response"]["status"] != 200}
    assert refused == REFUSED.keys() | NOT_FOR_ITS_SPEC


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("templated", Values(), {"cpu": 1, "command": ["echo", "hi", "{{output}}", "{{workflow_id}}"]}),
        ("templated", Values({"cpu": "2"}, {"msg": "yo"}), {"cpu": 2, "command": ["echo", "yo", "{{output}}", "{{workflow_id}}"]}),
        ("templated", Values({"msg": "3"}), {"cpu": 1, "command": ["echo", "3", "{{output}}", "{{workflow_id}}"]}),
    ],
)
def test_a_recorded_template_gives_the_recorded_spec(name, values, expected):
    workflow = render((DATA / "osmo-specs" / f"{name}.yaml").read_text(), values).document["workflow"]
    assert workflow["resources"]["default"]["cpu"] == expected["cpu"]
    assert workflow["tasks"][0]["command"] == expected["command"]


def test_the_last_line_end_is_lost_as_recorded():
    (script,) = render((DATA / "osmo-specs" / "verify-hello.yaml").read_text()).document["workflow"]["tasks"][0]["args"]
    assert script.endswith('%FT%TZ)"')


FORMS = {
    "a template": "workflow:\n  name: {{ a }}\n  args: ['{{output}}', '{{input:0}}', '{{host:x}}']\ndefault-values:\n  a: b\n",
    "a version": "version: 2\nworkflow:\n  name: w\n",
    "defaults first": "default-values: {a: 1}\nworkflow:\n  name: '{{ a }}'\n",
    "text before": "# {{ x }}\n---\nworkflow:\n  name: w\n",
    "text before that is no key": "a.b: 1\n'c': 2\nworkflow:\n  name: w\n",
    "a key without a space": "workflow:\n  name: w\nfoo:bar\n",
    "a key before a space": "workflow:\n  name: w\nfoo : 1\n",
    "a comment with a variable": "workflow:\n  name: w # {{ x }}\n",
    "a spaced token": "workflow:\n  name: '{{ output }}'\n",
    "a spaced input": "workflow:\n  name: '{{ input:0 }}'\n",
    "a token with a space at its end": "workflow:\n  name: '{{input:0 }}'\n",
    "a text that keeps its line ends": "workflow:\n  name: |+\n    a\n\n\ndefault-values: {}\n",
    "a text at the end": "workflow:\n  name: |\n    a\n",
    "an unknown key": "foo: 1\nworkflow: {}\n",
    "a repeated key": "workflow: {}\nworkflow: {}\n",
    "no workflow": "default-values: {}\n",
    "a loop": "workflow:\n  name: [{% for i in range(3) %}{{ i }},{% endfor %}]\n",
    "a shell's count": "workflow:\n  name: ${#a}\n",
    "an escape": "workflow:\n  name: \"{{ ''.__class__ }}\"\n",
    "a map": "workflow:\n  name: {{ a }}\ndefault-values: {a: {b: [1, 2.5, null, true]}}\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_stand_in_reads_each_form_as_the_program_does(name):
    text = FORMS[name]
    try:
        ours = dict(render(text).document)
    except SpecError:
        ours = None
    try:
        theirs = {"version": 2, **render_spec(text, [], [])}
    except OsmoError:
        theirs = None
    assert theirs == ours


SPECS = sorted(DATA.glob("specs/**/*.yaml")) + sorted(DATA.glob("osmo-specs/*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(DATA)))
def test_the_stand_in_reads_a_spec_of_the_projects_own_as_the_program_does(path):
    text = path.read_text()
    strings = dict.fromkeys(re.findall(r"[{][{%][^}]*?\b([a-z_]+)\b", text), "s3://b/x")
    given = {name: value for name, value in strings.items() if f"\n  {name}:" not in text}
    try:
        once = yaml.safe_dump({"workflow": render_spec(text, [], [f"{name}={value}" for name, value in given.items()])["workflow"]})
        theirs = render_spec(once, [], [f"{name}={value}" for name, value in given.items()])["workflow"]
    except OsmoError:
        theirs = None
    try:
        ours = render(text, Values(strings=given)).document["workflow"]
    except SpecError:
        ours = None
    assert ours == theirs
