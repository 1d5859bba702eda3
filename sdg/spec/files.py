"""Reads a spec's file, which may be anything that a path leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sdg.spec.problem import SpecError

LARGEST: Final = 2_000_000


def read(path: Path) -> str:
    """The text of a spec's file.

    Raises:
        SpecError: there is no such file, it is too large to be a spec, or no text.
    """
    try:
        reason = "it is a folder" if path.is_dir() else "" if path.is_file() else "there is no such file"
        data = b"" if reason else _start(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise SpecError.of(f"{path} cannot be read: {reason}", legal="the path of a workflow spec's file", rule="file")
    if len(data) > LARGEST:
        raise SpecError.of(f"{path} is too large for a workflow spec", legal=f"at most {LARGEST} bytes", rule="bounds")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError.of(f"{path} is no text in UTF-8", line=line, legal="UTF-8", rule="file") from error


def _start(path: Path) -> bytes:
    """As much of a file as a spec may have, and a byte."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)
