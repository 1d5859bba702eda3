"""What a task's container gets to read: variables, command line, inline files; without comments, with known variables filled in."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from sdg.catalog.endpoint_hosts import endpoint_hosts
from sdg.spec.tasks import Task, is_scalar, items, mapping, scalar

_PROSE: Final = {".md", ".rst", ".adoc"}
_NO_COMMENTS: Final = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".ipynb"}
_SLASHES: Final = {
    ".js",
    ".mjs",
    ".cjs",
    ".ts",
    ".go",
    ".java",
    ".c",
    ".cc",
    ".cpp",
    ".cu",
    ".h",
    ".hpp",
    ".rs",
    ".jsonc",
    ".json5",
    ".proto",
}
_MARKUP: Final = {".xml", ".html", ".htm", ".svg", ".urdf"}
_SEMICOLONS: Final = {".ini", ".cfg", ".conf"}

_SLASH_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|(?:^|(?<=\s))//[^\n]*", re.DOTALL | re.MULTILINE)
_MARKUP_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SEMICOLON_COMMENT: Final = re.compile(r"^[ \t]*;[^\n]*", re.MULTILINE)
# what decides where a comment begins: quotes, what is escaped, and a `#` that begins a word
_TOKEN: Final = re.compile(r"\\.|['\"]|(?:^|(?<=[\s;&|(]))#")
_DOCSTRING: Final = re.compile(r"^[ \t]*[rRuU]?(\"\"\"|''').*?(?:\1|\Z)", re.DOTALL | re.MULTILINE)
_PYTHON_DEFAULT: Final = re.compile(
    r"(?:environ\.get|getenv|environ\.setdefault)\(\s{0,9}[\"'](\w{1,80})[\"']\s{0,9},\s{0,9}(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}')"
)
_VARIABLE: Final = re.compile(r"\$\{(\w{1,80})(?::?[-=]([^{}\n]{0,500}))?\}|\$\((\w{1,80})\)|\$([A-Za-z_]\w{0,79})")
_ASSIGNED: Final = re.compile(r"^[ \t]*(?:export[ \t]+|readonly[ \t]+|local[ \t]+)?([A-Za-z_]\w{0,79})=([^\n]{0,500})", re.MULTILINE)
_LITERAL: Final = re.compile(r"(?:\"([^\"$`\\]*)\"|'([^']*)'|([^\s\"'$`\\;&|<>()]*))[ \t]*(?:$|[;&|])")
_LONGEST_VALUE: Final = 500
_MOST_REPLACED: Final = 2000
_NESTED: Final = 3


@dataclass(frozen=True, slots=True)
class Text:
    """A text that counts.

    Attributes:
        place: path to it in the document.
        name: of the variable or option whose value it is; empty for scripts and files.
    """

    place: tuple[str | int, ...]
    text: str
    name: str = ""


def texts_of(task: Task) -> Iterator[Text]:
    """Everything in a task that a program of it reads, except files that the submitting host adds.

    A comment is none of it, in whatever language the name of an inline file tells, a shell's where it tells none. Variables that
    the task's environment or the script itself sets are filled in, so a default that something is set over is not there any more.
    """
    environment = task.environment
    for name, value in environment.items():
        if name.lower() not in endpoint_hosts().no_references:
            yield Text((*task.place, "environment", name), _filled(value, environment), name)
    yield from _command_line(task, environment)
    for index, file in enumerate(items(task.body.get("files"))):
        text = _contents(mapping(file))
        if text:
            uncommented = _without_comments(text, scalar(mapping(file).get("path")))
            yield Text((*task.place, "files", index, "contents"), _filled_script(uncommented, environment))


def _command_line(task: Task, environment: Mapping[str, str]) -> Iterator[Text]:
    option = ""
    for key in ("command", "args"):
        for index, word in enumerate(items(task.body.get(key))):
            if is_scalar(word):
                text = _filled_script(_without_hashes(scalar(word)), environment)
                yield Text((*task.place, key, index), text, option)
                option = text.lstrip("-") if text.startswith("--") and "=" not in text else ""


def _contents(file: Mapping[str, object]) -> str:
    text = scalar(file.get("contents"))
    if file.get("base64") is not True:
        return text
    try:
        return base64.b64decode(text, validate=False).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""  # a program, a picture: nothing that says where something is


def _without_comments(text: str, path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _PROSE:
        return ""
    if suffix in _NO_COMMENTS:
        return text
    if suffix in _SLASHES:
        return _SLASH_COMMENT.sub("", text)
    if suffix in _MARKUP:
        return _MARKUP_COMMENT.sub("", text)
    if suffix == ".py":
        text = _DOCSTRING.sub("", text)
    if suffix in _SEMICOLONS:
        text = _SEMICOLON_COMMENT.sub("", text)
    return _without_hashes(text)


def _without_hashes(text: str) -> str:
    """Without what follows a `#` outside quotes; a quote that its line doesn't close is an apostrophe."""
    if "#" not in text:
        return text
    return "\n".join(_line_without_hash(line) if "#" in line else line for line in text.split("\n"))


def _line_without_hash(line: str) -> str:
    tokens = list(_TOKEN.finditer(line))
    doubles = [found.start() for found in tokens if found[0] == '"']
    position = 0
    for found in tokens:
        if found.start() < position:
            continue  # inside quotes
        if found[0] == "#":
            return line[: found.start()]
        if found[0] == '"' and (following := bisect_right(doubles, found.start())) < len(doubles):
            position = doubles[following] + 1
        elif found[0] == "'":
            position = line.find("'", found.end()) + 1 or position
    return line


def _filled_script(text: str, environment: Mapping[str, str]) -> str:
    """A script with the variables that it sets itself, once and to a plain text, and those of its environment."""
    if "$" not in text and "environ" not in text and "getenv" not in text:
        return text
    text = _PYTHON_DEFAULT.sub(lambda found: "" if environment.get(found[1]) else found[0], text)
    return _filled(text, _assigned(text), environment) if "$" in text else text


def _assigned(text: str) -> dict[str, str]:
    values: dict[str, set[str | None]] = {}
    for found in _ASSIGNED.finditer(text):
        values.setdefault(found[1], set()).add(_literal(found[2]))
    return {name: value for name, (value, *others) in values.items() if not others and value is not None}


def _literal(text: str) -> str | None:
    """What an assignment gives; None where that takes running it."""
    found = _LITERAL.match(text)
    return next((part for part in found.groups() if part is not None), None) if found else None


def _filled(text: str, *scopes: Mapping[str, str]) -> str:
    """A text with `$NAME`, `${NAME}`, `${NAME:-default}` and `$(NAME)` replaced where a variable is known, else by its default.

    Args:
        scopes: variables, the innermost first.
    """
    for _ in range(_NESTED):
        if "$" not in text:
            break
        before, text = text, _VARIABLE.sub(_replacement(scopes), text, count=_MOST_REPLACED)
        if text == before:
            break
    return text


def _replacement(scopes: Iterable[Mapping[str, str]]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4]
        value = next((scope[name] for scope in scopes if name in scope), None)
        if value and len(value) <= _LONGEST_VALUE and f"${found[1] or found[4]}" not in value:
            return value
        return found[2] if found[2] is not None and not value else found[0]

    return replace
