"""The record of what was fetched: `digests.yaml`, beside the files, for people to review and to commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE: Final = "digests.yaml"
_HEADER: Final = "# What was fetched first, by file name. A later download that differs is refused. Review this file and commit it.\n"


class DigestsUnreadableError(RuntimeError):
    """The record is there and says something else than digests."""


class DigestChangedError(RuntimeError):
    """What is fetched or kept under a version is not what was recorded for that version."""


class Recorded(BaseModel):
    """One file as it was fetched first.

    Attributes:
        source: URL where it is published, which a mirror may stand for.
        sha256: of the file's bytes, in hexadecimal digits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: str
    source: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Digests(BaseModel):
    """All of `digests.yaml`, by file name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: Mapping[str, Recorded] = Field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record in a folder; an empty one where there is none.

        Raises:
            DigestsUnreadableError: it is no such record.
        """
        path = folder / FILE
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except FileNotFoundError:
            return cls()
        except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise DigestsUnreadableError(
                f"{path} is no record of digests: {_first_line(error)}; restore it from version control."
            ) from None

    def with_files(self, files: Mapping[str, Recorded]) -> Digests:
        """The same record with further files."""
        return Digests(files={**self.files, **files})

    def write(self, folder: Path) -> None:
        """Writes the record, whole or not at all."""
        partial = folder / f".{FILE}.partial"
        partial.write_text(_HEADER + yaml.safe_dump(self.model_dump(), sort_keys=True), encoding="utf-8")
        partial.replace(folder / FILE)

    def changed(self, file_name: str, found: Recorded) -> str | None:
        """Why a file is not the recorded one, in a sentence; None when it is, or when nothing is recorded."""
        known = self.files.get(file_name)
        if known is None or known.sha256 == found.sha256:
            return None
        return (
            f"{found.name} {found.version} is not what was recorded: {FILE} says sha256 {known.sha256} from {known.source}, "
            f"found is {found.sha256}. Nothing was overwritten. If the publisher replaced it and you have reviewed the new one, "
            f"remove {file_name} from {FILE} and try again; otherwise do not use it."
        )


def refuse_changes(digests: Digests, found: Iterable[tuple[str, Recorded]]) -> None:
    """Refuse files that differ from the record.

    Raises:
        DigestChangedError: names each of them, with both digests and what to do.
    """
    problems = [problem for file_name, recorded in found if (problem := digests.changed(file_name, recorded))]
    if problems:
        raise DigestChangedError("\n".join(problems))


def sha256(path: Path) -> str:
    """The digest of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    return str(error).partition("\n")[0]
