"""Whether a shell's command line stays on the virtual host, as far as its text tells.

Refused are places outside by name, in whatever they stand; a stand-in's own arguments are not places: it answers for them itself. What a
command puts together while it runs is not seen here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_ROOTS = {
    *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt", "proc"),
    *("root", "run", "sbin", "snap", "srv", "sys", "tmp", "usr", "var"),
}
_DEVICES = {"/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/zero", "/dev/tty"}
# a slash that begins a path: not inside a word, nor behind a variable or a URL's scheme
_ABSOLUTE = re.compile(r"(?<![\w.~})\]%:/@+-])(?P<path>/(?:[^\s'\"`;|&<>(){}=,:\\]*))")
_LEADS_UP = re.compile(r"(?<![\w.])\.\.(?![\w.])")
_SOMEONES_HOME = re.compile(r"(?<![\w./~-])~[a-z_][\w-]*")
_PATH_SET = re.compile(r"(?<![\w$])PATH\s*\+?=")
_PATH_LOST = re.compile(r"\benv\s+(?:-\w*i|--ignore-environment|-u\s*PATH|-)(?=\s|$)|\bunset\s+(?:-\w+\s+)*PATH\b|\bcommand\s+-\w*p\b")
_ARITHMETIC = re.compile(r"\$\(\([^()`]*\)\)")
_NESTED = ("$(", "`")
_OPERATORS = set("();<>|&\n")
_ASSIGNMENT = re.compile(r"\w+\+?=")
_KEYWORDS = {"!", "do", "elif", "else", "exec", "if", "then", "time", "until", "while", "{"}


class CommandRefused(Exception):
    """A command could leave the virtual host."""


def check(command: str, folder: Path) -> None:
    """Refuse a command line that could leave the host.

    Raises:
        CommandRefused: with what leads out.
    """
    if found := _PATH_SET.search(command) or _PATH_LOST.search(command):
        raise CommandRefused(f"`{found[0].strip()}` changes where programs are found")
    for words in _simple_commands(_ARITHMETIC.sub("0", command)):
        _check_words(words, folder)


def _check_words(words: list[str], folder: Path) -> None:
    program, rest = _program(words)
    if program == "sudo":
        if not any(word.startswith("-") and "n" in word.lstrip("-") and not word.startswith("--") for word in _options(rest)):
            raise CommandRefused("`sudo` without -n would wait for a password")
        _check_words([word for index, word in enumerate(rest) if index >= len(_options(rest))], folder)
        return
    stand_in = program is not None and _is_stand_in(folder, program)
    for word in words:
        if not stand_in or any(mark in word for mark in _NESTED):
            _check_text(word, folder)


def _check_text(text: str, folder: Path) -> None:
    for found in _ABSOLUTE.finditer(text):
        path = found["path"]
        if path not in _DEVICES and _exists_outside(path, text[found.end() :]) and not _inside(path, folder):
            raise CommandRefused(f"`{path}` is outside the virtual host")
    if found_up := _LEADS_UP.search(text):
        raise CommandRefused(f"`{text[: found_up.end()].rsplit(maxsplit=1)[-1]}` leads out of the virtual host")
    if found_home := _SOMEONES_HOME.search(text):
        raise CommandRefused(f"`{found_home[0]}` is outside the virtual host")


def _exists_outside(path: str, behind: str) -> bool:
    """Say whether this is a place on a machine, rather than a pattern, a JSON pointer or a division."""
    first = path.split("/")[1]
    if first:
        return first in _ROOTS or "*" in first or "?" in first
    return path.startswith("//") or not re.match(r"\s+[\w$(]", behind)


def _inside(path: str, folder: Path) -> bool:
    return ".." not in path and Path(path).is_relative_to(folder)


def _is_stand_in(folder: Path, name: str) -> bool:
    program = folder / "bin" / name
    return "/" not in name and program.is_file() and not program.is_symlink()


def _program(words: list[str]) -> tuple[str | None, list[str]]:
    """Return a simple command's program and what follows it."""
    for index, word in enumerate(words):
        if not _ASSIGNMENT.match(word) and word not in _KEYWORDS:
            return word, words[index + 1 :]
    return None, []


def _options(words: list[str]) -> list[str]:
    """Return the options at the beginning of what follows a program."""
    first = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[:first]


def _simple_commands(command: str) -> Iterator[list[str]]:
    """Split a command line into simple commands; places that redirections name come by themselves.

    Text that cannot be split (a quotation mark in a here-document) comes as one word, in which every place counts.
    """
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        yield [command]
        return
    words: list[str] = []
    redirected = False
    for token in tokens:
        if set(token) <= _OPERATORS:
            redirected = "<" in token or ">" in token
            if not redirected:
                yield words
                words = []
        elif redirected:
            yield [token]
            redirected = False
        else:
            words.append(token)
    yield words
