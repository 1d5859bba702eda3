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
        if path.is_dir():
            raise SpecError.of(f"{path} cannot be read: it is a folder", legal="the path of a workflow spec's file", rule="file")
        if not path.is_file():
            raise SpecError.of(f"{path} cannot be read: there is no such file", legal="the path of a workflow spec's file", rule="file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SpecError.of(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", rule="file") from error
    if len(data) > LARGEST:
        raise SpecError.of(f"{path} is too large for a workflow spec", legal=f"at most {LARGEST} bytes", rule="bounds")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError.of(f"{path} is no text in UTF-8", line=line, legal="UTF-8", rule="file") from error
