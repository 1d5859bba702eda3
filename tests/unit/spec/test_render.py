"""What the platform makes of a spec: sections, variables, tokens, and where each line came from."""

import pytest
import yaml

from sdg.spec.problem import SpecError
from sdg.spec.render import render
from sdg.spec.values import Values, cast

ONE_TASK = """\
workflow:
  name: {{ name }}
  tasks:
  - name: t
    image: alpine:3.20
    command: [echo, "{{ said }}"]
    environment: {URL: "{{ url }}"}
"""
DEFAULTS = "default-values:\n  name: w\n  said: hi\n  url: s3://bucket\n  never: read\n"


def task(rendered):
    return rendered.document["workflow"]["tasks"][0]


def told(text, values=None):
    with pytest.raises(SpecError) as raised:
        render(text, values)
    return raised.value.problems


def workflow(inner):
    return f"workflow:\n  name: w\n  tasks:\n  - name: t\n    image: i\n    command: [sh]\n{inner}"


def test_defaults_are_filled_in():
    rendered = render(ONE_TASK + DEFAULTS)
    assert rendered.document["workflow"]["name"] == "w"
    assert task(rendered)["command"] == ["echo", "hi"]
    assert rendered.document["version"] == 2


def test_defaults_may_stand_before_the_workflow():
    assert render(DEFAULTS + ONE_TASK).document == render(ONE_TASK + DEFAULTS).document


def test_text_before_the_first_key_is_dropped():
    assert render("# submit with {{ nothing }}\n--- {% oops\n" + ONE_TASK + DEFAULTS).document == render(ONE_TASK + DEFAULTS).document


def test_an_override_takes_the_place_of_a_default():
    rendered = render(ONE_TASK + DEFAULTS, Values({"said": "bye"}))
    assert task(rendered)["command"] == ["echo", "bye"]
    assert rendered.values["said"] == "bye"
    assert rendered.defaults["said"] == "hi"
    assert "never" in rendered.defaults.keys() - rendered.used


def test_what_is_set_as_a_string_wins_and_stays_text():
    rendered = render(
        'workflow:\n  name: w\n  tasks: [{name: t, image: i, command: [sh], args: ["{{ n }}"], environment: {N: {{ n }}}}]\n',
        Values({"n": "1"}, {"n": "007"}),
    )
    assert rendered.values["n"] == "007"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1152819000", 1152819000),
        ("1_000", 1000),
        (" 7 ", 7),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("0x10", "0x10"),
        ("007", 7),
        ("true", "true"),
        ("", ""),
        ("0603_H100", "0603_H100"),
        ("٣", 3),
    ],
)
def test_values_are_cast_as_python_casts(text, value):
    assert cast(text) == value
    assert type(cast(text)) is type(value)


def test_pairs_are_read_and_a_value_of_the_environment_ends_at_a_second_sign():
    values = Values.parse(["a=1", "b=x=y"], ["c=1=2"], ["TOKEN=a=b", "EMPTY="])
    assert values.overrides() == {"a": 1, "b": "x=y", "c": "1=2"}
    assert values.variables() == {"TOKEN": "a", "EMPTY": ""}
    assert task(render(workflow(""), values))["environment"] == {"TOKEN": "a", "EMPTY": ""}
    assert [(problem.path, problem.severity) for problem in values.warnings()] == [("--set-env TOKEN", "warning")]


def test_every_pair_that_is_none_is_named():
    with pytest.raises(SpecError) as raised:
        Values.parse(["cpu"], ["=x"], ["ok=1", "no"])
    assert [(problem.path, problem.value) for problem in raised.value.problems] == [
        ("--set", "'cpu'"),
        ("--set-string", "'=x'"),
        ("--set-env", "'no'"),
    ]


def test_the_environment_of_every_task_is_set_last():
    text = "workflow:\n  name: w\n  groups:\n  - name: g\n    tasks:\n    - {name: a, environment: {A: old, B: kept}}\n    - {name: b}\n"
    tasks = render(text, Values(environment={"A": "{{ not_filled_in }}"})).document["workflow"]["groups"][0]["tasks"]
    assert [each["environment"] for each in tasks] == [{"A": "{{ not_filled_in }}", "B": "kept"}, {"A": "{{ not_filled_in }}"}]


@pytest.mark.parametrize(
    "token", ["{{output}}", "{{uuid}}", "{{workflow_id}}", "{{input:0}}", "{{input:first task}}", "{{host:peer}}", "{{input:0 }}"]
)
def test_tokens_of_the_running_task_are_kept(token):
    rendered = render(
        workflow(f'    args: ["{token}/a", "{{{{ x }}}}"]\n    environment: {{A: "{{% if x %}}{token}{{% endif %}}"}}\n'),
        Values({"x": "1"}),
    )
    assert task(rendered)["args"] == [f"{token}/a", "1"]
    assert task(rendered)["environment"] == {"A": token}


def test_a_token_cannot_be_given_a_value():
    assert task(render(workflow('    args: ["{{output}}"]\n'), Values(strings={"output": "mine"})))["args"] == ["{{output}}"]


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("{{ output }}", "{{output}}"),
        ("{{ workflow_id}}", "{{workflow_id}}"),
        ("{{ input:0 }}", "{{input:0}}"),
        ("{{ host:a }}", "{{host:a}}"),
    ],
)
def test_a_token_with_spaces_is_a_variable_and_said_to_be_one(text, token):
    found = told(workflow(f"    args: ['{text}']\n"))
    assert found[0].rule == "spaced-token"
    assert (found[0].line, found[0].legal) == (7, token)


def test_a_spaced_token_with_a_value_is_a_warning():
    rendered = render(workflow("    args: ['{{ output }}']\n"), Values(strings={"output": "mine"}))
    assert task(rendered)["args"] == ["mine"]
    assert [(problem.rule, problem.severity) for problem in rendered.warnings] == [("spaced-token", "warning")]


def test_branches_and_loops_follow_the_variables():
    text = workflow(
        "    args:\n{% for n in range(count) %}\n    - a{{ n }}\n{% endfor %}\n{% if train %}\n    - {{ trained }}\n{% endif %}\n"
    )
    assert task(render(text, Values({"count": "2"}, {"train": ""})))["args"] == ["a0", "a1"]
    assert told(text, Values({"count": "2"}, {"train": "yes"}))[0].path == "default-values.trained"


def test_only_variables_that_were_read_are_used():
    text = workflow("    args: [{% if a %}'{{ b }}'{% else %}'{{ c }}'{% endif %}, '{{ d|default(e) }}']\n")
    assert render(text, Values({"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"})).used >= {"a", "b", "d"}
    assert "c" not in render(text, Values({"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"})).used


def test_a_variable_that_only_decides_is_used():
    assert render(workflow("    args: [{% if 'nim' in url %}a{% endif %}]\n"), Values(strings={"url": "http://nim"})).used == {"url"}


def test_a_loop_of_the_same_name_uses_no_variable():
    assert render(workflow("    args: [{% for x in ['a'] %}'{{ x }}'{% endfor %}]\n"), Values(strings={"x": "b"})).used == frozenset()


def test_a_map_of_values_is_a_value():
    text = workflow("  resources: {{ profiles }}\n") + "default-values:\n  profiles: {gpu: {gpu: 1}}\n"
    assert render(text).document["workflow"]["resources"] == {"gpu": {"gpu": 1}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_read_as_jinja_reads_them(end):
    text = ONE_TASK + DEFAULTS
    assert render(text.replace("\n", end) if end != "\r" else text.replace("hi", "h\\ri")).document["workflow"]["name"] == "w"


def test_the_last_line_end_of_the_workflow_is_lost():
    assert task(render(workflow("    args:\n    - |\n      a\n      b\n")))["args"] == ["a\nb"]


def test_a_default_is_not_rendered_with_other_defaults():
    text = ONE_TASK.replace("{{ url }}", "{{ cache }}") + DEFAULTS + "  root: s3://b\n  cache: '{{ root }}/models'\n"
    (problem,) = told(text)
    assert problem.path == "default-values.cache"
    assert problem.line == text.split("\n").index("  cache: '{{ root }}/models'") + 1
    assert "'root'" in problem.message
    assert "--set-string root=" in problem.legal
    assert "--set-string cache=" in problem.legal


def test_a_default_is_rendered_with_what_is_set():
    text = ONE_TASK.replace("{{ url }}", "{{ cache }}") + DEFAULTS + "  cache: '{{ root }}/models'\n"
    assert task(render(text, Values(strings={"root": "s3://b"})))["environment"] == {"URL": "s3://b/models"}


def test_what_is_kept_from_jinja_once_is_rendered_the_second_time():
    found = told(workflow("    args: ['{% raw %}${#list[@]}{% endraw %}']\n"))
    assert any("second time" in problem.message for problem in found)


def test_comments_are_rendered_too():
    assert told("workflow:\n  name: w # {{ missing }}\n")[0].path == "default-values.missing"


def test_a_shells_count_starts_a_comment_and_is_named():
    found = told(workflow("    args:\n    - |\n      echo ${#list[@]}\n"))
    assert found[0].rule == "comment-start"
    assert found[0].line == 9


def test_text_that_a_shells_count_takes_away_is_warned_of():
    rendered = render(workflow('    args: ["${#a} and #} {{output}}"]\n'))
    assert task(rendered)["args"] == ["$ {{output}}"]
    assert [problem.rule for problem in rendered.warnings] == ["comment-start"]


@pytest.mark.parametrize(
    ("text", "path", "line", "word"),
    [
        ("foo: 1\nworkflow: {}\n", "foo", 1, "no top-level key"),
        ("workflows:\n  a: 1\n", "workflows", 1, "did you mean 'workflow'"),
        ("workflow:\n  name: w\nworkflow:\n  name: v\n", "workflow", 3, "stands twice"),
        ("default-values: {}\ndefault-values: {}\nworkflow: {}\n", "default-values", 2, "line 1 already"),
        ("", "workflow", None, "is missing"),
        ("  workflow:\n    name: w\n", "workflow", None, "line 1 is indented"),
        ("workflow: [\n", "", 2, "not valid YAML"),
        ("workflow: 5\n", "workflow", 1, "is no map"),
        ("workflow: {}\ndefault-values: [1]\n", "default-values", 2, "no map"),
        ("workflow: {}\ndefault-values: {a: [}\n", "", 2, "not valid YAML"),
        ("workflow:\n  name: &a [*a]\n", "", 2, "contains itself"),
        ("workflow:\n  name: *a\n", "", 2, "no anchor"),
        ("workflow:\n  name: w\n---\na: 1\n", "a", 4, "no top-level key"),
        ("workflow:\n  name: w\n--- 5\n", "", 3, "second document"),
    ],
)
def test_a_file_that_is_no_spec_is_named_by_its_place(text, path, line, word):
    found = told(text)
    assert (found[0].path, found[0].line) == (path, line)
    assert word in found[0].message


def test_every_top_level_problem_is_told_at_once():
    assert [problem.path for problem in told("foo: 1\nbar: 2\nfoo: 3\n")] == ["foo", "bar", "foo", "workflow"]


def test_indented_defaults_give_none_and_are_warned_of():
    text = ONE_TASK.replace("{{ name }}", "w").replace("{{ said }}", "").replace("{{ url }}", "") + "  default-values:\n    a: 1\n"
    rendered = render(text)
    assert rendered.defaults == {}
    assert [(problem.rule, problem.line) for problem in rendered.warnings] == [("indented-defaults", 8)]


def test_a_key_that_stands_twice_in_a_map_is_warned_of():
    rendered = render(workflow("    environment:\n      A: 1\n      B: 2\n      A: 3\n"))
    assert task(rendered)["environment"]["A"] == 3
    assert [(problem.path, problem.line) for problem in rendered.warnings] == [("workflow.tasks.0.environment.A", 10)]


def test_every_missing_variable_is_told_with_its_lines_and_the_near_ones():
    text = ONE_TASK + "    args: ['{{ said }}', '{{ nmae }}']\ndefault-values:\n  name: w\n"
    found = told(text)
    assert [(problem.path, problem.line) for problem in found] == [
        ("default-values.said", 6),
        ("default-values.url", 7),
        ("default-values.nmae", 8),
    ]
    assert "lines 6, 8" in found[0].message
    assert "did you mean 'name'" in found[2].message
    assert found[0].legal.startswith("--set-string said=")


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{{ x", "Jinja cannot read"),
        ("{% if %}", "Jinja cannot read"),
        ("{{ 1 / 0 }}", "division"),
        ("{{ a.b }}", "no attribute 'b'"),
        ("{{ ''.__class__ }}", "sandbox forbids"),
        ("{% include 'x' %}", "fails"),
    ],
)
def test_a_template_that_fails_is_told_with_its_line(template, word):
    found = told(f"# a comment\nworkflow:\n  name: w\n  pool: '{template}'\n", Values(strings={"a": "text"}))
    assert found[-1].line == 4
    assert word in found[-1].message


def test_lines_are_those_of_the_file_also_after_branches_loops_and_values_of_many_lines():
    text = """\
# first
default-values:
  script: |
    one
    two
workflow:
  name: w
  {% if true -%}
  pool: p
  {%- endif %}
  tasks:
  {% for n in range(2) %}
  - name: t{{ n }}
    image: i
  {% endfor %}
  - name: last
    args: ["{{ script|replace('\\n', ' ') }}"]
    command: [c]
"""
    lines = text.split("\n")
    rendered = render(text)

    def at(*path):
        return lines[rendered.line(*path) - 1].strip()

    assert at("workflow") == "workflow:"
    assert at("workflow", "pool") == "pool: p"
    assert at("workflow", "tasks", 0, "image") == "image: i"
    assert at("workflow", "tasks", 1, "name") == "- name: t{{ n }}"
    assert at("workflow", "tasks", 2, "command") == "command: [c]"
    assert at("workflow", "tasks", 2, "no such key") == "- name: last"
    assert at("default-values", "script") == "script: |"
    assert rendered.line("nothing") is None


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_characters_that_only_yaml_ends_a_line_at_move_no_line(odd):
    text = f"default-values:\n  a: 'x{odd}y'\n  b: 1\nworkflow:\n  pool: '{{{{ a }}}}{odd}{{{{ a }}}}'\n  name: w\n"
    rendered = render(text)
    assert (rendered.line("default-values", "b"), rendered.line("workflow", "name")) == (3, 6)


def test_a_document_is_what_the_service_would_read():
    rendered = render(ONE_TASK + DEFAULTS)
    assert rendered.document["workflow"] == yaml.safe_load(rendered.text)["workflow"]


def test_everything_that_is_only_printed_and_not_there_is_named_at_once():
    with pytest.raises(SpecError) as raised:
        render(workflow('    args: ["{{ one }}", "{{ map.part }}", "{{ two }}"]\n') + "default-values: {map: {other: 1}}\n")
    assert [problem.path for problem in raised.value.problems] == ["default-values.one", "default-values.two", "workflow"]
    assert "'part'" in str(raised.value)


def test_the_schemas_version_has_a_line():
    assert render("# first\nversion: 3\nworkflow: {name: w}\n").line("version") == 2
