"""Files that a command leaves, as assets and as an archive (`assetPaths`, `archivePaths`)."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from rehearsal.plugins.properties import Archive, Asset, Property

_BLOCK = 512
_WILDCARD = re.compile(r"\*\*|\*|\?")
_EXPRESSIONS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def assets(directory: Path, patterns: Sequence[str]) -> dict[str, Property]:
    """Return the files below a directory that the patterns choose, by their path relative to it.

    `*` stands for anything but `/`, `**` for anything; what a pattern with a leading `!` matches is left out again. The last matching
    pattern decides.
    """
    rules = [(_expression(pattern.removeprefix("!")), not pattern.startswith("!")) for pattern in patterns]
    found: dict[str, Property] = {}
    for path in sorted(directory.rglob("*")) if rules else []:
        name = path.relative_to(directory).as_posix()
        decisions = [included for expression, included in rules if expression.fullmatch(name)]
        if path.is_file() and decisions and decisions[-1]:
            found[name] = Asset(path=str(path), hash=hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def archive(directory: Path, patterns: Sequence[str]) -> Archive:
    """Return the chosen files as one archive."""
    chosen = assets(directory, patterns)
    return Archive({"assets": chosen, "hash": _hash(directory, sorted(chosen)), "path": "", "uri": ""})


def _hash(directory: Path, names: Sequence[str]) -> str:
    """Return the digest of a tar archive, which is what the engine identifies an archive's content by."""
    digest = hashlib.sha256()
    for name in names:
        content = (directory / name).read_bytes()
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        digest.update(entry.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % _BLOCK))
    digest.update(bytes(2 * _BLOCK))
    return digest.hexdigest()


def _expression(pattern: str) -> re.Pattern[str]:
    parts = []
    end = 0
    for wildcard in _WILDCARD.finditer(pattern):
        parts += [re.escape(pattern[end : wildcard.start()]), _EXPRESSIONS[wildcard[0]]]
        end = wildcard.end()
    return re.compile("".join(parts) + re.escape(pattern[end:]))
