"""Fills variables into a section, as the platform's Jinja does, and explains it where that fails."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sdg.spec import sandbox
from sdg.spec.problem import MOST, Problem, SpecError, meant, shown

_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_TOKEN: Final = re.compile(r"\{\{(uuid|workflow_id|output|input:[^}]+|host:[^}]+)\}\}")
_SPACED: Final = re.compile(r"\{\{(?:\s+(?:uuid|workflow_id|output|input:[^}\s]+|host:[^}\s]+)\s*|(?:uuid|workflow_id|output)\s+)\}\}")
_OPENING: Final = re.compile(r"\{[{%#]")
_PRINTED: Final = re.compile(r"\{\{[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*\}\}")
# names that are no variables to Jinja, or that begin something else
_WORDS: Final = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "recursive", "self"}
)
_COUNTED: Final = re.compile(r"\$\{#")
_NAME: Final = re.compile(r"(?<![\w.])[^\W\d]\w*")
_OURS: Final = "osmo_token_"


@dataclass(frozen=True, slots=True)
class Filled:
    """A section with its variables filled in.

    Attributes:
        lines: for each line of the text the section's line that it came from, from 1; empty where they are the same.
        used: variables that were read.
    """

    text: str
    lines: Sequence[int]
    used: frozenset[str]


def is_template(text: str) -> bool:
    """Whether filling in would change a text: it has something of Jinja's beside the tokens that are kept for the running task."""
    return "{{{" in text or _OPENING.search(text if "{{" not in text else _TOKEN.sub("", text)) is not None


def fill(text: str, variables: Mapping[str, Any], first_line: int) -> Filled:
    """Renders once.

    Args:
        text: of the section.
        variables: by name.
        first_line: of the section in its file, for the errors.

    Raises:
        SpecError: names what is missing, or what the template does that it may not.
    """
    source = _as_jinja_reads(text)
    simple = _only_prints(source, variables)
    if simple is not None:
        return simple
    tokens: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        name = f"{_OURS}{len(tokens)}"
        tokens[name] = match[0]
        return f"{{{{{name}}}}}"

    answer = sandbox.shared().render(_TOKEN.sub(keep, source), {**variables, **tokens})
    if "text" not in answer:
        raise SpecError(_Failure(source, variables, first_line, answer).problems())
    return Filled(str(answer["text"]), tuple(answer["lines"]), frozenset(answer["used"]) - tokens.keys())


def _as_jinja_reads(text: str) -> str:
    """Line ends as Jinja makes them, and without the last one."""
    return _NEWLINE.sub("\n", text).removesuffix("\n")


def _only_prints(source: str, variables: Mapping[str, Any]) -> Filled | None:
    """The result where a template only prints variables that are there, which needs neither Jinja nor a process; else None."""
    used: set[str] = set()
    tokens = list(_TOKEN.finditer(source))
    rest = _PRINTED.sub("", _TOKEN.sub("", source)) if "{" in source else source
    if "{{{" in source or _OPENING.search(rest) or len(source) > sandbox.LONGEST:
        return None
    names = {match[1] for match in _PRINTED.finditer(_TOKEN.sub("", source))}
    if not names:
        return Filled(source, (), frozenset())
    if names & _WORDS or not names <= variables.keys() or not _small(source, variables, names):
        return None
    used = names
    parts, lines, position, line = [], [1], 0, 1
    kept = {match.start() for match in tokens}
    for match in _PRINTED.finditer(source):
        if match.start() in kept:
            continue
        before, value = source[position : match.start()], str(variables[match[1]])
        line = _count(lines, before, line)
        lines.extend([line] * value.count("\n"))
        parts += [before, value]
        position = match.end()
    _count(lines, source[position:], line)
    parts.append(source[position:])
    return Filled("".join(parts), lines, frozenset(used))


def _count(lines: list[int], text: str, line: int) -> int:
    """Notes the lines of a text that stays as it is; the section's line after it."""
    breaks = text.count("\n")
    lines.extend(range(line + 1, line + breaks + 1))
    return line + breaks


def _small(source: str, variables: Mapping[str, Any], names: set[str]) -> bool:
    longest = max(len(value) if isinstance(value, str) else 0 for value in map(variables.__getitem__, names))
    plain = all(isinstance(variables[name], str | int | float | bool) or variables[name] is None for name in names)
    return plain and len(source) + longest * source.count("{{") <= sandbox.LONGEST


@dataclass(frozen=True, slots=True)
class _Failure:
    """Says why a template could not be rendered."""

    source: str
    variables: Mapping[str, Any]
    first_line: int
    answer: sandbox.Answer

    def problems(self) -> list[Problem]:
        spaced = list(spaced_tokens(self.source, self.first_line, "error"))
        told = {problem.value.strip("'{} ") for problem in spaced}
        names = [name for name in self.answer.get("undefined", ()) if name not in told][:MOST]
        readers = _readers(self.source, set(names), self.first_line)
        problems = [*spaced, *(self._undefined(name, readers[name]) for name in names)]
        if problems and "undefined" in self.answer:
            return [*problems, *map(self._absent, self.answer.get("absent", ())[:MOST])]
        return [*problems, *comment_starts(self.source, self.first_line, "error"), self._other()]

    def _undefined(self, name: str, lines: Sequence[int]) -> Problem:
        message = f"the variable {name!r} has no value{_in_lines(lines)}{meant(name, self.variables, most=3)}"
        legal = f"--set-string {name}=…, or a default under default-values"
        return Problem(lines[0] if lines else None, f"default-values.{name}", "", message, legal, rule="undefined-variable")

    @staticmethod
    def _absent(message: str) -> Problem:
        return Problem(None, "workflow", "", *_told("undefined", message[:200]), rule="template")

    def _other(self) -> Problem:
        line = self.answer.get("line")
        place = None if line is None else self.first_line - 1 + int(line)
        kind, message = str(self.answer.get("error", "undefined")), str(self.answer.get("message", ""))[:200]
        return Problem(place, "workflow", "", *_told(kind, message), rule="template")


def _told(kind: str, message: str) -> tuple[str, str]:
    """What went wrong in a sentence, and what is legal."""
    said, legal = _FAILURES.get(kind, (f"the template fails: {kind}: {{}}", ""))
    return said.replace("{}", message), legal


_FAILURES: Final[Mapping[str, tuple[str, str]]] = {
    "undefined": ("the template reads what is not there: {}", ""),
    "syntax": ("Jinja cannot read the template: {}", "a literal `{{`, `{%` or `{#` stands between {% raw %} and {% endraw %}"),
    "time": (f"the template takes more than {sandbox.CPU_SECONDS} s to render", "half a second, on the platform"),
    "MemoryError": ("the template takes too much memory to render", "100 MiB, on the platform"),
    "TooLongError": ("the template renders to too long a text", f"at most {sandbox.LONGEST} characters"),
    "RecursionError": ("the template is nested too deep, or calls itself without an end", ""),
    "SecurityError": ("the template does what the platform's sandbox forbids: {}", ""),
    "died": ("the template ended the process that rendered it", ""),
}


def spaced_tokens(source: str, first_line: int, severity: Any) -> Iterator[Problem]:  # noqa: ANN401 - a literal
    """Tokens of the running task that are written with spaces inside, which makes variables of them."""
    for line, match in _placed(_SPACED, source, first_line):
        message = "is read as a variable, since the platform knows its tokens only without spaces"
        yield Problem(line, "workflow", shown(match[0]), message, "{{" + match[0].strip("{} \t\n") + "}}", severity, "spaced-token")


def comment_starts(source: str, first_line: int, severity: Any) -> Iterator[Problem]:  # noqa: ANN401 - a literal
    """`${#name}` of a shell, which starts a comment of Jinja's and takes all text with it up to the next `#}`."""
    for line, match in _placed(_COUNTED, source, first_line):
        message = "starts a comment of Jinja's, which takes all text up to the next `#}` away"
        legal = "{% raw %} before and {% endraw %} after it do not help, since a spec is rendered twice; count in another way"
        yield Problem(line, "workflow", shown(match[0]), message, legal, severity, "comment-start")


def _placed(pattern: re.Pattern[str], source: str, first_line: int) -> Iterator[tuple[int, re.Match[str]]]:
    """The first matches of a pattern, with the lines of the file that they are in."""
    line, position = first_line, 0
    for match in islice(pattern.finditer(source), MOST):
        line += source.count("\n", position, match.start())
        position = match.start()
        yield line, match


def _readers(source: str, names: Collection[str], first_line: int) -> Mapping[str, Sequence[int]]:
    """Lines of the file that read variables, by name."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(source.split("\n"), start=first_line):
        if "{{" in line or "{%" in line:
            for name in dict.fromkeys(_NAME.findall(line)):
                if name in names:
                    found[name].append(number)
    return found


def _in_lines(lines: Sequence[int]) -> str:
    return f", which lines {', '.join(map(str, lines[:5]))}{' and more' if len(lines) > 5 else ''} read" if len(lines) > 1 else ""  # noqa: PLR2004
