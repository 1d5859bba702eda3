"""What holds of discovery for every spec, however odd."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import bench_specs
from sdg.catalog.endpoint_hosts import endpoint_hosts
from sdg.catalog.nims import nims
from sdg.spec.discover import discover
from sdg.spec.hosts import mentions
from sdg.spec.lines import Lines
from sdg.spec.references import ExternalReference, FoundryReference, NimReference, NvcfFunction, Unsatisfied, function_ids, references
from sdg.spec.render import Rendered, render
from sdg.spec.tasks import quantity
from sdg.spec.texts import Text

HOST = "http://{}.osmo-nims.svc.cluster.local:8000/v1"
SERVICES = sorted(nims())

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner), max_leaves=20
)
KEYS = (
    "name",
    "image",
    "command",
    "args",
    "environment",
    "files",
    "inputs",
    "outputs",
    "checkpoint",
    "credentials",
    "resource",
    "tasks",
    "groups",
)
shaped = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from((*KEYS, "url", "task", "contents", "path", "base64")), inner, max_size=6)
    ),
    max_leaves=25,
)
bits_of_references = st.sampled_from(
    [
        *(HOST.format(name) for name in ("qwen3-vl", "", "${X}", "a b", "qwen3_vl")),
        *(
            "https://api.nvcf.nvidia.com/v2/functions/",
            "://",
            "http://",
            "http://[",
            "https://u:p@h:99999999/",
            ".osmo-nims",
            "osmo-nims.svc",
        ),
        *(
            "${",
            "}",
            "$(",
            "#",
            "'",
            '"',
            "\\",
            "\n",
            " ",
            "{{host:a}}",
            "/v1",
            ":8000",
            "LLM_URL=",
            "--url ",
            "azure.com",
            "nvcf.nvidia.com",
            "\0",
            "é",
        ),
    ]
)
texts = st.lists(bits_of_references | st.text(max_size=5), max_size=15).map("".join)


def rendered(document):
    return Rendered(text="", document=document, lines=Lines())


def workflow(*tasks):
    return rendered({"workflow": {"name": "w", "tasks": list(tasks)}})


def script(text, **more):
    return workflow({"name": "t", "image": "i", "command": ["bash", "-c"], "args": [text], **more})


@given(anything | shaped.map(lambda body: {"workflow": body}))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_document_makes_discovery_raise(document):
    discover(rendered(document)).as_json()


@given(texts, st.sampled_from(["a.py", "a.sh", "a.js", "a.xml", "a.ini", "a.json", "a.md", "a", ""]), st.booleans())
def test_no_text_makes_discovery_raise(text, path, encoded):
    files = [{"path": path, "contents": text, "base64": encoded}]
    discover(workflow({"name": "t", "command": [text], "environment": {"LLM_URL": text, "X": text}, "files": files}))


@given(st.lists(st.sampled_from(SERVICES), max_size=6), st.randoms())
def test_the_order_of_tasks_does_not_matter(services, rng):
    tasks = [
        {"name": f"t{number}", "image": f"image-{number}", "command": ["ask"], "environment": {"LLM_URL": HOST.format(service)}}
        for number, service in enumerate(services)
    ]
    shuffled = list(tasks)
    rng.shuffle(shuffled)
    first, second = discover(workflow(*tasks)), discover(workflow(*shuffled))
    assert (first.nim_services, first.images, first.peak) == (second.nim_services, second.images, second.peak)
    assert first.nim_services == tuple(sorted(set(services)))


plain = st.text(alphabet=string.ascii_letters + string.digits + " ._-/'", max_size=20)


@given(plain, plain, st.sampled_from(SERVICES))
def test_a_host_in_a_comment_never_counts(before, after, service):
    comment = f"{before.replace(chr(39), '')} # {after} {HOST.format(service)} {before}"
    assert discover(script(f"set -e\n{comment}\necho done")).nim_services == ()


@given(plain, plain, st.sampled_from(SERVICES))
def test_a_host_in_a_command_always_counts(before, after, service):
    line = f"{before.replace(chr(39), '')} '{HOST.format(service)}' {after}"
    assert discover(script(f"# it's a script\n{line}")).nim_services == (service,)


@given(st.sampled_from(SERVICES), st.from_regex(r"[a-z0-9-]{1,10}(\.[a-z]{2,5})+", fullmatch=True))
def test_a_host_counts_by_its_end_alone(service, end):
    host = HOST.format(service).removesuffix(":8000/v1")
    assert not any(isinstance(each, NimReference) for each in references(Text((), f"{host}.{end}:8000/v1")))


@given(st.sampled_from(SERVICES), st.sampled_from(["", ".", ":8000", ":8000/v1", ":8000/v1/", ".:8000/v1", ":8000/v1/chat/completions"]))
def test_a_service_counts_whatever_follows_its_host(service, rest):
    found = list(references(Text((), f"ask {service}.osmo-nims.svc.cluster.local{rest}")))
    assert found == [NimReference(service)]


@given(st.uuids(), st.uuids() | st.none(), st.sampled_from(["nvcf/pexec", "nvcf", "nvc"]))
def test_a_function_is_read_from_every_path_of_the_api(function, version, path):
    url = f"https://api.nvcf.nvidia.com/v2/{path}/functions/{function}" + (f"/versions/{version}" if version else "")
    assert list(references(Text((), url))) == [NvcfFunction(str(function), str(version) if version else "")]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("http://a:8000/v1,http://b:8000/v1", ["http://a:8000/v1", "http://b:8000/v1"]),
        ("(see https://llm.example.com/v1).", ["https://llm.example.com/v1"]),
        ('{"url":"https://llm.example.com/v1"}', ["https://llm.example.com/v1"]),
        ("https://gate.example.com/v1?to=https://llm.example.com/v1", ["https://gate.example.com/v1", "https://llm.example.com/v1"]),
        ("HTTPS://LLM.Example.COM/v1", ["https://llm.example.com/v1"]),
        ("http://[fd00::7]:8000/v1", ["http://[fd00::7]:8000/v1"]),
        ("http:///v1 http://{{host:peer}}:8000/v1 http://$HOST/v1", []),
    ],
)
def test_urls_are_told_apart_in_running_text(text, urls):
    assert [each.url for each in references(Text((), text)) if isinstance(each, ExternalReference)] == urls


@pytest.mark.parametrize(
    ("name", "value", "urls"),
    [
        ("VLM_URL", "10.0.0.5:8000/v1", ["http://10.0.0.5:8000/v1"]),
        ("llm-url", " llm.example.com/v1/ ", ["http://llm.example.com/v1/"]),
        ("IMAGE_EDIT_ENDPOINT", "edit:8000/v1/images/edits", ["http://edit:8000/v1/images/edits"]),
        ("VLM_URL", "models/v1", []),
        ("VLM_URL", "llm.example.com/v1 or another", []),
        ("RDZV_ENDPOINT", "head:29400", []),
        ("MODEL", "llm.example.com/v1", []),
        ("DATASET_URL", "data.example.com/v1", []),
        ("VLM_URL", "nvcr.io/nim/v1", []),
        ("LLM_URL", "https://router.huggingface.co/v1", ["https://router.huggingface.co/v1"]),
    ],
)
def test_an_address_without_a_scheme_counts_where_it_is_all_that_an_endpoints_variable_holds(name, value, urls):
    assert [each.url for each in references(Text((), value, name)) if isinstance(each, ExternalReference)] == urls


@pytest.mark.parametrize("domain", sorted(endpoint_hosts().foundry))
def test_foundrys_hosts_are_found_without_a_scheme_too(domain):
    assert list(references(Text((), f"call mine.{domain} now"))) == [FoundryReference(f"mine.{domain}")]


@pytest.mark.parametrize(("name", "counts"), [("VLM_URL", True), ("llm_endpoint", True), ("RUN_ID", False), ("DATASET_URL", False)])
def test_an_id_alone_is_a_function_where_an_endpoint_is_expected(name, counts):
    function = "0e349b44-440a-44e1-93e9-abe8dcb27158"
    assert function_ids([Text((), function, name)]) == ((NvcfFunction(function),) if counts else ())


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("LLM_URL=", "LLM_URL"),
        ("export LLM_URL='", "LLM_URL"),
        ('{"llm_url": "', "llm_url"),
        ("vlm-url: ", "vlm-url"),
        ("ask --llm-url ", "llm-url"),
        ("ask --llm-url='", "llm-url"),
        ('os.environ["LLM_URL"] = "', "LLM_URL"),
        ("curl -s ", ""),
        ("see ", ""),
        ("", "given"),
    ],
)
def test_a_url_is_known_by_what_holds_it(before, name):
    (mention,) = mentions(f"{before}https://llm.example.com", "given")
    assert mention.name == name


@pytest.mark.parametrize(
    "text",
    [
        "http://${NIM}.osmo-nims.svc.cluster.local:8000/v1",
        "--host $NIM.osmo-nims.svc.cluster.local",
        "url = f'http://{name}.osmo-nims.svc.cluster.local:8000/v1'",
        "url = 'http://%s.osmo-nims.svc.cluster.local:8000/v1' % name",
        "url = 'http://' + name + '.osmo-nims.svc.cluster.local:8000/v1'",
        "host = name + '.osmo-nims.svc.cluster.local'",
        "http://$(pick).osmo-nims.svc.cluster.local:8000/v1",
    ],
)
def test_a_host_that_is_put_together_at_run_time_is_told(text):
    (found,) = references(Text((), text))
    assert isinstance(found, Unsatisfied)
    assert "when the task runs" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "kubectl -n osmo-nims get pods",
        "no proxy for .osmo-nims.svc.cluster.local or *.osmo-nims.svc.cluster.local",
        "use http://<name>.osmo-nims.svc.cluster.local:8000/v1",
        "/backup/qwen3-vl.osmo-nims.svc.cluster.local/log",
        "host.endswith('.osmo-nims.svc.cluster.local')",
        "qwen3-vl, cosmos_transfer and hf://Qwen/Qwen2.5-14B-Instruct",
        "https://portal.azure.com",
    ],
)
def test_what_only_looks_like_a_host_is_none(text):
    assert list(references(Text((), text))) == []


def test_a_url_in_a_query_counts():
    text = "https://gate.example.com/?to=http%3A%2F%2Fqwen3-vl.osmo-nims.svc.cluster.local%3A8000%2Fv1"
    assert NimReference("qwen3-vl") in set(references(Text((), text)))


@pytest.mark.parametrize(
    "task",
    [
        {"environment": {"QWEN3_VL_30B_URL": "{}"}},
        {"environment": {"NVCF_FUNCTION_ID": "{}"}, "command": ["ask", "grpc.nvcf.nvidia.com:443"]},
        {"command": ["bash", "-c", "ask --metadata function-id {} grpc.nvcf.nvidia.com:443"]},
        {"command": ["bash", "-c", "curl -H 'Function-ID: {}' https://api.nvcf.nvidia.com/v2/nvcf/exec"]},
    ],
)
@given(function=st.uuids())
def test_a_function_may_be_named_by_its_id_alone(task, function):
    filled = json.loads(json.dumps(task).replace("{}", str(function)))
    found = discover(workflow({"name": "t", "image": "i", **filled}))
    assert (found.nvcf_functions, found.errors) == ((NvcfFunction(str(function)),), ())


def test_a_foundry_host_is_no_external_endpoint():
    assert list(references(Text((), "https://x.openai.azure.com/openai/v1"))) == [FoundryReference("x.openai.azure.com")]


@pytest.mark.parametrize(
    ("size", "amount"),
    [("1Gi", 2**30), ("1.5Gi", 3 * 2**29), ("512Mi", 2**29), ("1G", 2**30), ("7", 7), ("2 Ti", 2**41), ("10B", 10), ("much", 0), ("", 0)],
)
def test_sizes_are_binary(size, amount):
    assert quantity(size) == amount


@pytest.mark.parametrize(
    "text",
    [
        "osmo-nims." * 50_000,
        "http://" * 50_000,
        "a" * 500_000 + "://",
        "${A:-" * 50_000,
        "#'\"" * 100_000,
        '\\"' * 100_000 + " #",
        "=http://" * 30_000,
        '"""\n' * 100_000,
    ],
)
def test_long_texts_of_a_kind_are_read_in_one_go(text):
    # a pattern that goes back over what it read takes hours for these, not seconds
    discover(script(text, files=[{"path": "a.py", "contents": text}]))
    assert sum(1 for _ in mentions(text)) <= len(text)


def test_many_urls_of_one_text_are_told_apart_in_one_go():
    urls = [f"http://server-{number}.example.com/v1" for number in range(5_000)]
    found = discover(script("\n".join([*urls, *(f"{url}/models" for url in urls)])))
    assert found.external_endpoints == tuple(sorted(urls))


def test_specs_that_differ_are_discovered_one_after_the_other():
    texts = [path.read_text(encoding="utf-8") for path in bench_specs.specs()]
    assert len({bench_specs.unlike(text, number) for number, text in enumerate(texts * 3)}) == 3 * len(texts)
    found = [bench_specs.needs_of(bench_specs.unlike(text, number)) for number, text in enumerate(texts)]
    assert {each.nim_services for each in found} == {(), ("qwen25-14b", "qwen3-vl"), ("qwen-image-edit-nvpcb-ovsl2sl",)}


def test_reading_takes_time_by_the_length_of_a_spec_and_no_more(monkeypatch):
    """Counted in looks at a text, which doesn't depend on the machine: a spec of ten times the tasks costs ten times as many."""
    looks = []
    monkeypatch.setattr("sdg.spec.references.mentions", lambda text, name: (looks.append(len(text)), iter(()))[1])
    task = "    - {name: t%d, image: i, command: [ask], environment: {LLM_URL: http://qwen3-vl.osmo-nims.svc.cluster.local:8000/v1}}\n"

    def read(count):
        looks.clear()
        discover(render("workflow:\n  name: w\n  tasks:\n" + "".join(task % number for number in range(count))))
        return sum(looks)

    assert read(200) == 10 * read(20)
