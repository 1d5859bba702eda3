"""Renders templates in a process of its own, which may be killed at any time.

Runs as a file of its own and imports nothing of the program, so that it starts fast. A request is four bytes of length and a pickle of
`{"text", "variables", "limits"}`; an answer is four bytes of length and JSON, since what comes out of here is not to be trusted.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle  # requests come from the program itself
import re
import resource
import secrets
import select
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

NOTE: Final = "note!"  # no template can name it
KEPT_TEMPLATES: Final = 64
LONGEST_KEPT: Final = 200_000
ORPHAN_CHECK: Final = 5.0

_MARK = f"\0{secrets.token_hex(4)}:"
_MARKS = re.compile(re.escape(_MARK) + r"(\d+)\0")
_LATER = re.compile(re.escape(_MARK) + r"([a-zA-Z_]\w*)\0", re.ASCII)
# what a template may consist of for its plain `{{ name }}` to be filled in after rendering: nothing that could see or change them
_PIECES = re.compile(r"\{%[-+]?\s*(?P<tag>\w*)(?P<rest>.*?)%\}|\{\{(?P<printed>.*?)\}\}", re.DOTALL)
_TRANSPARENT: Final = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_NO_VARIABLES: Final = frozenset(
    {"loop", "self", "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "recursive"}
)


class Renderer:
    """Jinja as the platform sets it up, which also tells where each line came from and which variables were read."""

    def __init__(self) -> None:
        self._environment = SandboxedEnvironment(undefined=StrictUndefined)
        self._environment.filters[NOTE] = self._note
        self._kept: OrderedDict[str, Template] = OrderedDict()
        self._variables: Mapping[str, Any] = {}
        self._used: set[str] = set()

    def answer(self, text: str, variables: Mapping[str, Any], longest: int) -> dict[str, Any]:
        """What a template renders to, or what is wrong with it."""
        self._variables, self._used = variables, set()
        try:
            return self._rendered(self._template(_with_later(text, variables)), variables, longest)
        except TemplateSyntaxError as error:
            return {"error": "syntax", "message": error.message or "", "line": error.lineno}
        except (MemoryError, RecursionError, TooLongError) as error:
            self._kept.clear()
            return {"error": type(error).__name__, "message": "", "line": None}
        except Exception as error:  # noqa: BLE001 - a template may raise whatever Python's operators and methods do
            return {"error": type(error).__name__, "message": str(error)[:500], "line": _line(error)}

    def _rendered(self, template: Template, variables: Mapping[str, Any], longest: int) -> dict[str, Any]:
        try:
            clean, lines = _unmarked(self._filled(_bounded(template, variables, longest), longest))
        except UndefinedError as error:
            names, absent = self._undefined(template, variables, longest)
            return {"undefined": names, "absent": absent, "message": str(error)[:500], "line": _line(error)}
        if len(clean) > longest:
            raise TooLongError
        return {"text": clean, "lines": lines, "used": sorted(self._used)}

    def _template(self, text: str) -> Template:
        template = self._kept.get(text)
        if template is None:
            tree = _Instrument().visit(self._environment.parse(text))
            template = Template.from_code(self._environment, self._environment.compile(tree), {**self._environment.globals})
            if len(text) <= LONGEST_KEPT:
                self._kept[text] = template
                if len(self._kept) > KEPT_TEMPLATES:
                    self._kept.popitem(last=False)
        if text in self._kept:
            self._kept.move_to_end(text)
        return template

    def _filled(self, rendered: str, longest: int) -> str:
        """The text with the values that were left for later."""
        length = len(rendered)

        def value(match: re.Match[str]) -> str:
            nonlocal length
            found = str(self._variables[match[1]])
            length += len(found)
            if length > longest * 2:
                raise TooLongError
            self._used.add(match[1])
            return found

        return _LATER.sub(value, rendered)

    def _note(self, value: object, name: str) -> object:
        """Remembers that a variable was read, unless it is a loop's of the same name."""
        if name in self._variables and value is self._variables[name]:
            self._used.add(name)
        return value

    def _undefined(self, template: Template, variables: Mapping[str, Any], longest: int) -> tuple[list[str], list[str]]:
        """Names that are read but not there, and what is said of parts of values that aren't.

        All those that are only printed are among them, up to the first one that decides something.
        """
        seen: dict[str, None] = {}
        absent: dict[str, None] = {}
        self._environment.undefined = _collecting(seen, absent)
        try:
            _bounded(template, variables, longest)
        except Exception:  # noqa: BLE001, S110 - the first failure is told already
            pass
        finally:
            self._environment.undefined = StrictUndefined
        return list(seen), list(absent)


def _with_later(text: str, variables: Mapping[str, Any]) -> str:
    """The template with each plain `{{ name }}` as a mark, so that Jinja has less to compile; as it is where that would not be the same."""
    if "{#" in text:
        return text
    bound = set(_NO_VARIABLES)
    for piece in _PIECES.finditer(text):
        tag, inside = piece["tag"], piece["rest"] or piece["printed"] or ""
        if "{" in inside or inside.count("'") % 2 or inside.count('"') % 2 or (tag and tag not in _TRANSPARENT):
            return text
        if tag == "for":
            bound.update(re.findall(r"\w+", inside.partition(" in ")[0]))

    def later(piece: re.Match[str]) -> str:
        name = (piece["printed"] or "").strip(" \t")
        return f"{_MARK}{name}\0" if name in variables and name.isascii() and name.isidentifier() and name not in bound else piece[0]

    return _PIECES.sub(later, text)


class TooLongError(Exception):
    """A template that renders to more than is allowed."""


def _bounded(template: Template, variables: Mapping[str, Any], longest: int) -> str:
    parts, length = [], 0
    for part in template.generate(variables):
        length += len(part)
        if length > longest * 2:
            raise TooLongError
        parts.append(part)
    return "".join(parts)


def _collecting(seen: dict[str, None], absent: dict[str, None]) -> type[StrictUndefined]:
    """Undefined values that print as nothing, and are remembered when they are printed or used."""

    class Collecting(StrictUndefined):
        __slots__ = ()

        def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = UndefinedError) -> None:  # noqa: ANN401
            def failing(message: str | None) -> TemplateError:
                if name and obj is missing:
                    seen[name] = None
                failure: TemplateError = exc(message)
                return failure

            super().__init__(hint, obj, name, failing)  # type: ignore[arg-type] # it is called as the class would be

        def __str__(self) -> str:  # type: ignore[override] # it does not always fail
            if self._undefined_name and self._undefined_obj is missing:
                seen[self._undefined_name] = None
            else:
                absent[self._undefined_message[:500]] = None
            return ""

    return Collecting


class _Instrument(NodeTransformer):
    """Puts marks of source lines into printed text, and a note around each variable that is read.

    Text that a template catches (`{% set %}…{% endset %}`, macros, filters, blocks) gets no marks: a template could see them.
    """

    def __init__(self) -> None:
        self._caught = 0

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: ANN401 - as declared there
        catches = isinstance(node, nodes.AssignBlock | nodes.FilterBlock | nodes.CallBlock | nodes.Macro | nodes.Block)
        self._caught += catches
        result = super().generic_visit(node, *args, **kwargs)
        self._caught -= catches
        return result

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - the visitor's name
        if self._caught:
            return node
        first, *rest = node.data.split("\n")
        marked = [
            f"{_MARK}{node.lineno}\0{first}",
            *(f"{_MARK}{node.lineno + number}\0{line}" for number, line in enumerate(rest, start=1)),
        ]
        return nodes.TemplateData("\n".join(marked), lineno=node.lineno)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - the visitor's name
        if node.ctx != "load":
            return node
        return nodes.Filter(node, NOTE, [nodes.Const(node.name)], [], None, None, lineno=node.lineno)


def _unmarked(marked: str) -> tuple[str, list[int]]:
    """The text without its marks, and for each of its lines the line of the template."""
    parts = _MARKS.split(marked)
    texts, lines, blank = [parts[0]], [1] * (parts[0].count("\n") + 1), not parts[0].rpartition("\n")[2].strip()
    for index in range(1, len(parts), 2):
        source, text = int(parts[index]), parts[index + 1]
        texts.append(text)
        if blank:
            lines[-1] = source
        breaks = text.count("\n")
        lines.extend([source] * breaks)
        tail = text.rpartition("\n")[2]
        blank = not tail.strip() and (blank or bool(breaks))
    return "".join(texts), lines


def _line(error: BaseException) -> int | None:
    """The template's line that an error came from: Jinja writes it into the traceback."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def bound(memory: int) -> None:
    """Lets this process grow by `memory` bytes, where the system can say what it has now, and write no files."""
    limits = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
        limits.append((resource.RLIMIT_AS, int(file.read().split()[0]) * resource.getpagesize() + memory))
    for kind, limit in limits:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def spend(seconds: int) -> None:
    """Lets the next template take this much processor time; the kernel ends the process after it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def serve(parent: int, memory: int, answer: Callable[[str, Mapping[str, Any], int], dict[str, Any]]) -> None:
    """Answers until the program closes its end, or is gone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    bound(memory)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while True:
        while not select.select([source], [], [], ORPHAN_CHECK)[0]:
            if os.getppid() != parent:
                return
        head = source.read(4)
        if len(head) < 4:  # noqa: PLR2004 - the length of a length
            return
        request = pickle.loads(source.read(struct.unpack(">I", head)[0]))  # noqa: S301 - from the program itself
        spend(request["seconds"])
        try:
            body = json.dumps(answer(request["text"], request["variables"], request["longest"])).encode()
        except MemoryError:
            body = b'{"error": "MemoryError", "message": "", "line": null}'
        target.write(struct.pack(">I", len(body)) + body)
        target.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), Renderer().answer)
