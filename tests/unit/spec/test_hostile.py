"""Specs that mean harm end in a clear error, in bounded time and memory, and leave no process behind."""

import os
import resource
import subprocess
import sys
import threading
import time

import psutil
import pytest

from sdg.spec import files, sandbox
from sdg.spec.discover import discover
from sdg.spec.problem import MOST, SpecError
from sdg.spec.render import render
from sdg.spec.sandbox import Sandbox
from sdg.spec.validate import validate
from sdg.spec.values import Values

PROCESSOR_SECONDS = 12
SECONDS = 60  # on a busy machine; each of these takes three at most elsewhere


def spec(inner):
    return f"workflow:\n  name: w\n  pool: {inner}\n"


def aliases(levels, width):
    return "\n".join(
        [
            "workflow:",
            "  a0: &a0 [x]",
            *(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)),
            f"  name: *a{levels - 1}",
        ]
    )


HOSTILE = {
    "two loops": spec("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"),
    "loops that print": spec("{% for i in range(99999) %}{% for j in range(99999) %}{{ j }}{% endfor %}{% endfor %}"),
    "a range that is too long": spec("{{ range(10 ** 9)|list }}"),
    "a huge text": spec("{{ 'a' * 10 ** 9 }}"),
    "a huge text from a filter": spec("{{ 'a'|center(10 ** 9) }}"),
    "a text over the limit": spec("{{ 'a' * 4000001 }}"),
    "a huge number": spec("{{ 9 ** (9 ** 9) }}"),
    "endless words": spec("{{ lipsum(n=10 ** 7) }}"),
    "a macro that calls itself": spec("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
    "nested brackets in a template": spec("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"),
    "nested blocks": spec("{% if true %}" * 3000),
    "the classes of an object": spec("{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "the globals of a function": spec("{{ cycler.__init__.__globals__.os.system('true') }}"),
    "a format string": spec("{{ '{0.__class__}'.format(1) }}"),
    "an attribute by name": spec("{{ ''|attr('__class__') }}"),
    "a file of this machine": spec("{% include '/etc/passwd' %}"),
    "aliases of aliases": aliases(30, 10),
    "aliases of aliases in defaults": "workflow: {name: w}\n" + aliases(30, 10).replace("workflow:", "default-values:"),
    "merges of merges": "workflow:\n  a0: &a0 {k: 1}\n"
    + "".join(f"  a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)),
    "a list in itself": "workflow:\n  name: &a [*a]\n",
    "nested lists": spec("[" * 100_000),
    "nested maps": spec("{a: " * 100_000),
    "nested blocks of YAML": "workflow:\n" + "".join(" " * n + "a:\n" for n in range(1, 1500)),
    "nested dashes": "workflow:\n  " + "- " * 100_000,
    "too many values": spec("[" + "1," * 200_000 + "]"),
    "a long number": spec("9" * 100_000),
    "a long number of sixties": spec(":".join(["1"] * 100_000)),
    "a date that is none": spec("2026-99-99"),
    "a key that is a map": spec("{{a: 1}: 2}").replace("{{a", "{ {a"),
    "a control character": spec("'\x07'"),
    "a text over the limit before rendering": "workflow:\n" + "#" * 2_000_001,
    "many sections": "a:\n" * 300_000,
    "many variables that are not there": spec("{{ a }}" * 10_000),
    "an object of Python": spec("!!python/object/apply:os.system ['true']"),
}


SAID = {
    "two loops": "takes more than",
    "a huge text": "memory",
    "a text over the limit": "too long",
    "the classes of an object": "sandbox forbids",
    "a macro that calls itself": "calls itself",
    "aliases of aliases": "more than 100000 values",
    "nested lists": "nested too deep",
    "a long number": "has 100000 characters",
    "an object of Python": "could not determine a constructor",
}


COUNT = 40_000
ARGUMENTS = "workflow:\n  name: w\n  tasks:\n  - name: t\n    image: u\n    command: [x]\n    args:\n"
MANY = {
    "tokens with spaces": ARGUMENTS + "    - '{{ output }}'\n" * COUNT,
    "counts of a shell": ARGUMENTS + "    - '${#a}'\n" * COUNT,
    "variables without a value": ARGUMENTS + "".join(f"    - '{{{{ a{n} }}}}'\n" for n in range(3000)),
    "names that are no NIM's": ARGUMENTS + "".join(f"    - http://n{n}.osmo-nims.svc.cluster.local:8000/v1\n" for n in range(20_000)),
    "hosts made when the task runs": ARGUMENTS.replace("args", "environment")
    + "".join(f"      A{n}: http://$A{n - 1}.osmo-nims/\n" for n in range(20_000)),
    "tasks of a group": "workflow:\n  name: w\n  groups:\n  - name: g\n    tasks:\n"
    + "".join(f"    - {{name: t{n}, args: ['{{{{host:t{n - 1}}}}}']}}\n" for n in range(6000)),
    "keys that are none": ARGUMENTS.replace("args:\n", "".join(f"a{n}: b\n    " for n in range(COUNT))),
    "ranges of exit codes": ARGUMENTS.replace("args:\n", f"exitActions: {{FAIL: '{','.join(['0-255'] * 200_000)}'}}\n"),
    "variables under variables": ARGUMENTS
    + "    - A=$A\n" * COUNT
    + "    environment:\n"
    + "".join(f"      B{n}: x\n" for n in range(COUNT // 4)),
}


@pytest.fixture(scope="module", autouse=True)
def warm():
    render(spec("{% if true %}p{% endif %}"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_spec_ends_in_a_clear_error(name):
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(SpecError) as raised:
        render(HOSTILE[name])
    assert time.monotonic() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB
    assert SAID.get(name, "") in str(raised.value)
    assert raised.value.problems
    assert all(len(str(problem)) < 2000 for problem in raised.value.problems)


def test_a_good_spec_is_rendered_after_a_hostile_one():
    with pytest.raises(SpecError):
        render(HOSTILE["two loops"])
    assert render(spec("{% if true %}p{% endif %}")).document["workflow"]["pool"] == "p"


@pytest.mark.parametrize("name", MANY)
def test_a_great_many_of_anything_are_judged_in_bounded_time_and_not_all_told(name):
    start = time.process_time()
    try:
        rendered = render(MANY[name])
        told = (*validate(rendered), *discover(rendered).errors)
    except SpecError as error:
        told = error.problems
    assert len("\n".join(map(str, told))) < 1_000_000
    assert len(told) <= 2 * MOST
    assert time.process_time() - start < PROCESSOR_SECONDS


def test_a_file_of_50_megabytes_is_refused_without_being_read(tmp_path):
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    start = time.monotonic()
    with pytest.raises(SpecError, match="too large"):
        files.read(large)
    assert time.monotonic() - start < 1


def test_only_a_file_of_text_is_read(tmp_path):
    (tmp_path / "binary").write_bytes(b"a\nb\xff")
    (tmp_path / "good").write_bytes("\ufeffworkflow: {}\n".encode())
    for name, words in {
        "binary": r"line 2.*UTF-8",
        "none": "no such file",
        ".": "folder",
        "/dev/zero": "no such file",
        "bad\0": "cannot be read",
    }.items():
        with pytest.raises(SpecError, match=words) as caught:
            files.read(tmp_path / name)
        assert str(caught.value).count("cannot be read") <= 1
    assert files.read(tmp_path / "good") == "workflow: {}\n"


def test_aliases_that_a_person_writes_are_read():
    rendered = render("workflow:\n  name: w\n  a: &a {k: 1}\n  b: [*a, *a, {<<: *a, l: 2}]\n")
    assert rendered.document["workflow"]["b"] == [{"k": 1}, {"k": 1}, {"k": 1, "l": 2}]


def test_a_hostile_document_is_judged_in_bounded_time():
    tasks = ", ".join(f"{{name: t{n}, inputs: [{{task: t{n}}}], args: ['{{{{input:{n}}}}}']}}" for n in range(3000))
    rendered = render(f"workflow: {{name: w, tasks: [{tasks}]}}\n")
    start = time.monotonic()
    assert validate(rendered)
    assert time.monotonic() - start < SECONDS


def test_a_process_that_is_killed_is_started_anew():
    own = Sandbox()
    try:
        assert own.render("{{ 1 + 1 }}", {})["text"] == "2"
        first = own.pid
        psutil.Process(first).kill()
        psutil.Process(first).wait()
        assert own.render("{{ 1 + 2 }}", {})["text"] == "3"
        assert own.pid != first
    finally:
        own.close()
    assert own.pid is None


def test_one_process_serves_many_threads():
    own, answers = Sandbox(), []
    try:
        threads = [threading.Thread(target=lambda n=n: answers.append((n, own.render("{{ n + 0 }}", {"n": n})["text"]))) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        own.close()
    assert sorted(answers) == [(n, str(n)) for n in range(20)]


@pytest.mark.parametrize(
    "ending", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import os; os._exit(0)", "raise KeyboardInterrupt"]
)
def test_no_process_outlives_the_program(ending):
    program = f"from sdg.spec import sandbox\ns = sandbox.shared()\ns.render('{{{{ 1 }}}}', {{}})\nprint(s.pid, flush=True)\n{ending}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)
    gone = [psutil.Process(pid)] if psutil.pid_exists(pid) else []
    assert psutil.wait_procs(gone, timeout=15)[1] == []


KILLED_WHILE_RENDERING = """
import os, signal, threading
from sdg.spec import sandbox
own = sandbox.shared()
own.render("{{ 1 }}", {})
print(own.pid, flush=True)
endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
threading.Thread(target=own.render, args=(endless, {}), daemon=True).start()
while own._lock.acquire(blocking=False):
    own._lock.release()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_renders_ends_with_the_program_that_was_killed_meanwhile():
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_RENDERING], capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)
    gone = [psutil.Process(pid)] if psutil.pid_exists(pid) else []
    assert psutil.wait_procs(gone, timeout=15)[1] == []


def test_a_fork_has_a_process_of_its_own():
    own = Sandbox()
    try:
        own.render("{{ 1 }}", {})
        read, write = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - in the fork
            try:
                os.write(write, own.render("{{ 2 + 2 }}", {})["text"].encode())
                own.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            assert pipe.read() == b"4"
        assert own.render("{{ 3 + 3 }}", {})["text"] == "6"
    finally:
        own.close()


def test_the_process_knows_nothing_of_the_programs_environment(monkeypatch):
    monkeypatch.setenv("NGC_API_KEY", "secret")
    own = Sandbox()
    try:
        own.render("{{ 1 }}", {})
        assert psutil.Process(own.pid).environ().get("NGC_API_KEY") is None
    finally:
        own.close()


WITHOUT_TEMPLATES = """
import sys
from sdg.spec import sandbox
from sdg.spec.render import render
render("workflow: {name: w}")
assert sandbox.shared().pid is None
assert "jinja2" not in sys.modules
"""


def test_nothing_is_started_by_an_import_or_by_a_spec_without_templates():
    subprocess.run([sys.executable, "-c", WITHOUT_TEMPLATES], check=True, timeout=60)


def test_a_token_that_a_value_forges_stays_text():
    rendered = render("workflow:\n  name: w\n  pool: '{{ p }}{% if true %}{% endif %}'\n", Values(strings={"p": "{{osmo_token_0}}"[2:-2]}))
    assert rendered.document["workflow"]["pool"] == "osmo_token_0"


def test_the_limits_are_what_the_messages_say():
    assert sandbox.CPU_SECONDS < sandbox.WALL_SECONDS < SECONDS
