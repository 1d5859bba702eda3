"""Clones of the repositories that publish workloads: each at one commit, below the user's cache, and never changed again.

Fetching is the only part that needs the network; whatever is there is used without it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from sdg.charts.download import without_login
from sdg.settings.mirror import Mirror

FOLDER: Final = "SDG_WORKLOADS"
"""Environment variable: where clones are kept, in place of the user's cache."""
TIMEOUT: Final = 900.0  # seconds; a repository of a few hundred MB on a slow line
_SHOWN: Final = 300  # characters of what git says
# a clone must not ask anybody, and not fetch large files behind pointers
_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
# what leads git to another repository than the one that it is at work in
_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
_OPTIONS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false", "-c", "gc.auto=0")


class FetchFailedError(RuntimeError):
    """A workload's repository could not be had; says what was tried, why it failed and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a workload is published.

    Attributes:
        repository: URL of the git repository.
        commit: the one commit of it that is used, 40 hexadecimal digits.
    """

    repository: str
    commit: str


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where clones are kept."""
    named = environ.get(FOLDER)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("sdg") / "workloads"


def clone_of(source: Source, kept: Path) -> Path:
    """Where the clone of a repository at a commit lies, or would."""
    name = source.repository.rstrip("/").removesuffix(".git").rpartition("://")[2]
    return kept / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).lower()}@{source.commit}"


def present(source: Source, kept: Path) -> bool:
    """Whether the clone is there, whole and at its commit. Asks no program: a clone gets its name once it is complete."""
    try:
        head = (clone_of(source, kept) / ".git" / "HEAD").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return head == source.commit


def fetch(source: Source, kept: Path, mirror: Mirror, environ: Mapping[str, str] = os.environ) -> Path:
    """The clone, fetched through the mirror unless it is there already.

    Raises:
        FetchFailedError: there is no git, no answer, no such commit, or another one came.
    """
    target = clone_of(source, kept)
    if present(source, kept):
        return target
    program = shutil.which("git", path=environ.get("PATH"))
    if program is None:
        raise FetchFailedError("git is not on PATH, and workloads are fetched with it. Install it: `sudo apt-get install --yes git`.")
    url = mirror.download(source.repository)
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept, ignore_cleanup_errors=True) as staging:
        git = _Git(program, Path(staging, "clone"), environ)
        _fetch(git, url, source)
        _protect(git.clone)
        _put(git.clone, target)
    return target


def _fetch(git: _Git, url: str, source: Source) -> None:
    git.clone.mkdir()
    for arguments in (
        ("init", "--quiet"),
        ("fetch", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules", url, source.commit),
        ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
    ):
        if failure := git.run(*arguments):
            raise FetchFailedError(_sentence(url, source, failure))
    head = (git.clone / ".git" / "HEAD").read_text(encoding="ascii").strip()
    if head != source.commit:
        raise FetchFailedError(
            f"{without_login(url)} gave the commit {head} for {source.commit}; nothing was kept. Do not use that mirror."
        )


@dataclass(frozen=True, slots=True)
class _Git:
    """git, at work in one folder."""

    program: str
    clone: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Why it failed; empty when it did not."""
        environment = {key: value for key, value in self.environ.items() if key not in _ELSEWHERE} | _ENVIRONMENT
        command = [self.program, *_OPTIONS, *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.clone,
                env=environment,
                stdin=subprocess.DEVNULL,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return f"no end within {TIMEOUT:.0f} s"
        said = " ".join(done.stderr.split())
        return (said or f"exit code {done.returncode}")[:_SHOWN] if done.returncode else ""


def _sentence(url: str, source: Source, failure: str) -> str:
    shown = without_login(url)
    said = without_login(failure)
    if re.search(r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref", failure):
        return (
            f"{shown} has no commit {source.commit}, which the catalog names ({said}). Fetch from {source.repository} itself, or bring the "
            "mirror up to date."
        )
    return (
        f"{shown} cannot be fetched ({said}). Where the network ends at a mirror, name it in sdg:mirror.downloads; or copy the folder "
        f"{FOLDER} (else ~/.cache/sdg/workloads) from a host that has it."
    )


def _protect(clone: Path) -> None:
    """Takes the right to write from every file that is checked out: what runs is what was published."""
    for path in clone.rglob("*"):
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(clone).parts[:1]:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def _put(clone: Path, target: Path) -> None:
    """Gives the clone its name; one that somebody else gave that name meanwhile is as good."""
    if target.exists() and not (target / ".git").is_dir():
        raise FetchFailedError(f"{target} is in the way and is no clone; remove it.")
    if target.exists():
        broken = clone.with_name("broken")
        target.rename(broken)  # a clone of another commit, or half of one; it goes with the folder
    clone.rename(target)
