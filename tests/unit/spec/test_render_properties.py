"""Rendering, against Jinja and PyYAML themselves and for any text."""

import contextlib
import re
import string

import jinja2
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from sdg.spec.document import load
from sdg.spec.problem import SpecError
from sdg.spec.render import render
from sdg.spec.sandbox import Sandbox
from sdg.spec.schema import OBJECTS
from sdg.spec.templates import fill
from sdg.spec.validate import validate
from sdg.spec.values import Values, cast
from sdg.spec.worker import Renderer

NAMES = ["a", "b", "c", "loop", "true", "and", "missing"]
words = st.text(string.ascii_letters + string.digits + " \n'\"\\{}%#:-,.é\0", max_size=12)
values = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), words, st.lists(st.integers(), max_size=3))
pieces = st.one_of(
    words,
    st.builds("{{{{ {} }}}}".format, st.sampled_from(NAMES)),
    st.builds("{{{{{}}}}}".format, st.sampled_from(NAMES)),
    st.sampled_from(
        [
            "{{ a|upper }}",
            "{{- b -}}",
            "{{ '{{ a }}' }}",
            '{{ "{% if a %}" }}',
            "{{ {'a': b}['a'] }}",
            "{{ a if b else c }}",
            "{{output}}",
            "{{input:0}}",
            "{{ loop.index|int }}",
            "{# {{ a }} #}",
            "{% raw %}{{ a }}{% endraw %}",
            "\r\n",
            "\n",
            "${#a}",
            "{{ a }}}",
            "{{{ a }}",
        ]
    ),
)
OPENINGS = [
    ("{% if a %}", "{% endif %}"),
    ("{% if a == '%}' %}", "{% endif %}"),
    ("{%- if b -%}", "{%- else +%}x{% endif -%}"),
    ("{% for a in [1, 2] %}", "{% endfor %}"),
    ("{% for x, c in [(1, 2)] %}", "{% endfor %}"),
    ("{% set a %}", "{% endset %}{{ a|length }}"),
    ("{% filter upper %}", "{% endfilter %}"),
    ("{% macro m(a) %}", "{% endmacro %}{{ m(1) }}"),
    ("{% with a = 1 %}", "{% endwith %}"),
    ("{% block d %}", "{% endblock %}{{ self.d()|length }}"),
    ("{% set c = 5 %}", ""),
    ("{% call m2() %}", "{% endcall %}"),
]
templates = st.recursive(
    st.lists(pieces, max_size=5).map("".join),
    lambda inner: st.lists(
        st.one_of(inner, st.tuples(st.sampled_from(OPENINGS), inner).map(lambda pair: f"{pair[0][0]}{pair[1]}{pair[0][1]}")), max_size=3
    ).map("".join),
    max_leaves=6,
)
variables = st.dictionaries(st.sampled_from(["a", "b", "c", "loop", "true", "and"]), values)


def by_jinja(template, given_values):
    """What Jinja makes of a template, or None where it fails."""
    try:
        return SandboxedEnvironment(undefined=jinja2.StrictUndefined).from_string(template).render(given_values)
    except Exception:  # noqa: BLE001 - whatever a template does
        return None


@pytest.fixture(scope="module")
def renderer():
    return Renderer()


@settings(max_examples=200, deadline=None)
@given(template=templates, given_values=variables)
@example(template="{% if a == '%}' %}{{ b }}{% endif %}", given_values={"a": "%}", "b": 1})
@example(template='{{ "{% if x %}{{ a }}" }}', given_values={"a": 1})
@example(template="{% for loop in [1] %}{{ loop }}{% endfor %}", given_values={"loop": 2})
@example(template="{{ a }}\n{%- if b %}\n{{ c }}{% endif %}", given_values={"a": "x\ny", "b": 1, "c": "z"})
def test_the_process_renders_what_jinja_renders(renderer, template, given_values):
    answer = renderer.answer(template, given_values, 100_000)
    expected = by_jinja(template, given_values)
    assert answer.get("text") == expected
    if expected is not None:
        assert len(answer["lines"]) == expected.count("\n") + 1
        assert set(answer["used"]) <= set(given_values)


@settings(max_examples=150, deadline=None)
@given(template=templates, given_values=variables)
def test_a_section_is_filled_in_as_jinja_does_with_the_tokens_kept(template, given_values):
    kept = template.replace("{{output}}", "{{kept_output}}").replace("{{input:0}}", "{{kept_input}}")
    expected = by_jinja(kept, {**given_values, "kept_output": "{{output}}", "kept_input": "{{input:0}}"})
    try:
        found = fill(template, given_values, 1).text
    except SpecError:
        found = None
    assert found == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(string.ascii_letters + " \n:{}", max_size=8),
            st.builds("{{{{ {} }}}}".format, st.sampled_from("ab")),
            st.just("{{output}}"),
        ),
        max_size=8,
    ).map("".join),
    st.fixed_dictionaries({"a": st.text(string.ascii_letters + "\n{}", max_size=6), "b": st.integers()}),
)
def test_what_only_prints_is_filled_in_without_the_process_as_with_it(template, given_values):
    expected = by_jinja(template.replace("{{output}}", "{{o}}"), {**given_values, "o": "{{output}}"})
    try:
        found = fill(template, given_values, 1)
    except SpecError:
        assert expected is None
        return
    assert found.text == expected
    assert not found.lines or len(found.lines) == expected.count("\n") + 1


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.dates(), st.text(string.printable, max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=6), plain, min_size=1, max_size=5))
def test_a_spec_without_templates_means_what_yaml_means(workflow):
    text = yaml.safe_dump({"workflow": workflow})
    if any(opening in text for opening in ("{{", "{%", "{#")):
        return
    assert render(text).document["workflow"] == yaml.safe_load(text)["workflow"]


LINES = """\
a: 1|b: [x, y]|c: {d: e}|&f {g: h}|*f|<<: *f|- i|? j|: k|!!str 1|!!int '2'|!!map [l]|!!set {m}|!!seq {}|'p': "q"|0x1F|1_0|yes|~|1:30
2026-01-02|!r s|!!binary dA==|!!omap [{t: u}]|=|.inf|- - v|, | |[|]|{|}|: """
YAML = st.lists(st.sampled_from([*re.split(r"[|\n]", LINES), "n: |\n  o", "\n", "\n ", "\n  "]), max_size=10).map("".join)


@settings(max_examples=200, deadline=None)
@given(YAML)
def test_a_document_is_read_as_pyyaml_reads_it_or_refused_as_it_refuses(text):
    try:
        expected = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError):
        expected = SpecError
    try:
        found, _ = load(text, lambda line: line)
    except SpecError:
        found = SpecError
    assert found == expected or "contains itself" in str(found) or (expected is not SpecError and repr(found) == repr(expected))


@given(st.one_of(st.text(), st.integers().map(str), st.floats().map(str), st.from_regex(r"[-+ 0-9_.eE]*", fullmatch=True)))
def test_casting_equals_pythons(text):
    found = cast(text)
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            expected = kind(text)
            assert found == expected or found != found  # noqa: PLR0124 - not a number
            assert type(found) is kind
            return
    assert found is text


def path_exists(document, steps):
    """Whether a path leads to something, or names a key that is missing from something."""
    for step in steps[:-1]:
        key = int(step) if isinstance(document, list) else next((key for key in document if str(key) == step), None)
        document = document[key]
    return not isinstance(document, list) or int(steps[-1]) < len(document)


keys = st.sampled_from([*{key for fields in OBJECTS.values() for key in fields}, "surprise"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(["{{host:a}}", "{{input:9}}", "s3://b", "1Gi", "5m"]),
)
documents = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)), max_leaves=30
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, documents, max_size=8), st.sampled_from(["6.3", "6.4"]))
def test_any_document_is_judged_and_every_path_exists_or_names_a_missing_key(workflow, profile):
    text = yaml.safe_dump({"workflow": workflow})
    try:
        rendered = render(text)
    except SpecError:
        return
    for problem in validate(rendered, profile):
        assert problem.message
        assert 1 <= problem.line <= text.count("\n") + 1
        assert path_exists(rendered.document, problem.path.split("."))


@settings(deadline=None)
@given(st.text(), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3))
def test_any_text_is_a_spec_or_a_named_problem(text, given_values):
    for whole in (text, f"workflow:\n  name: {text}", f"default-values: {text}\nworkflow: {{}}"):
        refused = None
        try:
            validate(render(whole, Values(given_values, given_values, given_values)))
        except SpecError as error:
            refused = error
        assert refused is None or (refused.problems and str(refused))


def test_a_sandbox_is_closed_twice_without_harm():
    own = Sandbox()
    own.close()
    own.close()
