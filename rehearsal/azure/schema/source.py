"""Reading classes from the source of generated packages, without importing them: importing the SDK alone takes seconds."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_CLASS = re.compile(r"^class (\w+)\b[^\n]*\n.*?(?=^(?:@|class |def )|\Z)", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^    (\w+) = ([\"'].*?[\"'])$", re.MULTILINE)


def site_packages() -> Path:
    """Where packages are installed."""
    return Path(sysconfig.get_path("purelib"))


@cache
def classes(file: Path) -> Mapping[str, str]:
    """The source of every class of a module by its name; none where there is no such module."""
    if not file.is_file():
        return {}
    return {match[1]: match[0] for match in _CLASS.finditer(file.read_text(encoding="utf-8"))}


def parsed(source: str) -> ast.ClassDef:
    """A class as a syntax tree."""
    node = ast.parse(source).body[0]
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"no class: {source[:80]}")
    return node


def functions(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """The methods and properties of a class."""
    return (child for child in node.body if isinstance(child, ast.FunctionDef))


def members(source: str) -> list[str]:
    """The values of an enumeration of strings."""
    return [str(ast.literal_eval(value)) for _, value in _MEMBER.findall(source)]


def literal(source: str, name: str) -> Mapping[str, Any]:
    """A dictionary of literals that a class assigns in its body; empty where it has none of this name."""
    start = re.search(rf"^    {name}(?:: [^=\n]+)? = ", source, re.MULTILINE)
    if start is None:
        return {}
    node = ast.parse(_balanced(source[start.end() :]), mode="eval").body
    if not isinstance(node, ast.Dict):
        return {}
    return {str(ast.literal_eval(key)): ast.literal_eval(value) for key, value in zip(node.keys, node.values, strict=True) if key}


def _balanced(text: str) -> str:
    """The text up to the end of the dictionary that it begins with: its closing brace stands alone on a line, or at the line's end."""
    first, _, rest = text.partition("\n")
    if first.rstrip().endswith("}"):
        return first
    return f"{first}\n{rest[: rest.index(chr(10) + '    }') + 1]}    }}"
