"""Fetching a workload's repository with the real git, from a server of its own on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sdg.settings.mirror import Mirror
from sdg.workload.clone import FetchFailedError, clone_of, fetch, folder, present
from tests.unit.workload.published import PUBLISHED, SPEC, Published, git, published

__all__ = ["published"]  # the fixture


def test_exactly_the_pinned_commit_is_kept_as_it_was_published_and_used_without_a_network(published: Published, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    clone = fetch(published.source(), kept, published.mirror)
    assert clone == clone_of(published.source(), kept)
    assert (clone / SPEC).read_bytes() == b"version: 1\r\n", "the first of the two commits, byte for byte"
    assert git(clone, "rev-parse", "HEAD") == published.first
    assert git(clone, "rev-list", "--all", "--count") == "1", "nothing but this commit was fetched"
    assert git(clone, "status", "--porcelain") == ""
    assert not (clone / SPEC).stat().st_mode & 0o222, "nobody edits it by accident"
    asked = len(published.requests)
    assert fetch(published.source(), kept, Mirror(downloads={"https://github.com": "http://127.0.0.1:9"})) == clone
    assert len(published.requests) == asked
    assert [each.name for each in kept.iterdir()] == [clone.name], "nothing half done lies beside it"


def test_clones_of_two_commits_lie_side_by_side(published: Published, tmp_path: Path) -> None:
    first, last = (fetch(published.source(commit), tmp_path / "kept", published.mirror) for commit in (published.first, published.last))
    assert first != last
    assert (last / SPEC).read_text().startswith("version: 2")


def test_a_commit_that_is_not_there_is_named_and_nothing_is_kept(published: Published, tmp_path: Path) -> None:
    with pytest.raises(FetchFailedError, match=f"has no commit {'1' * 40}, which the catalog names"):
        fetch(published.source("1" * 40), tmp_path / "kept", published.mirror)
    assert list((tmp_path / "kept").iterdir()) == []
    assert not present(published.source("1" * 40), tmp_path / "kept")


def test_a_network_that_ends_is_named_with_the_mirror_that_would_help(published: Published, tmp_path: Path) -> None:
    mirror = Mirror(downloads={"https://github.com": "http://who:secret@127.0.0.1:9"})
    with pytest.raises(FetchFailedError, match=r"name it in sdg:mirror\.downloads") as caught:
        fetch(published.source(), tmp_path / "kept", mirror)
    assert "secret" not in str(caught.value)
    with pytest.raises(FetchFailedError, match="cannot be fetched"):
        fetch(replace(published.source(), repository=f"{PUBLISHED}-missing"), tmp_path / "kept", published.mirror)


def test_without_git_the_command_that_installs_it_is_named(published: Published, tmp_path: Path) -> None:
    with pytest.raises(FetchFailedError, match=r"git is not on PATH.*apt-get install"):
        fetch(published.source(), tmp_path / "kept", published.mirror, {"PATH": str(tmp_path)})


def test_what_a_killed_fetch_left_is_made_anew(published: Published, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    half = clone_of(published.source(), kept)
    (half / ".git").mkdir(parents=True)
    (half / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert not present(published.source(), kept)
    assert (fetch(published.source(), kept, published.mirror) / SPEC).is_file()


def test_what_is_no_clone_is_left_alone(published: Published, tmp_path: Path) -> None:
    mine = clone_of(published.source(), tmp_path / "kept")
    mine.mkdir(parents=True)
    (mine / "mine.txt").write_text("mine")
    with pytest.raises(FetchFailedError, match="is in the way and is no clone; remove it"):
        fetch(published.source(), tmp_path / "kept", published.mirror)
    assert (mine / "mine.txt").read_text() == "mine"


def test_another_git_repository_of_the_environment_is_not_worked_on(published: Published, tmp_path: Path) -> None:
    other = tmp_path / "work" / ".git"
    before = sorted(other.rglob("*"))
    clone = fetch(published.source(), tmp_path / "kept", published.mirror, {**os.environ, "GIT_DIR": str(other)})
    assert (clone / SPEC).is_file()
    assert sorted(other.rglob("*")) == before


def test_the_folder_is_below_the_users_cache_unless_the_environment_says_another(tmp_path: Path) -> None:
    assert folder({"SDG_WORKLOADS": str(tmp_path)}) == tmp_path
    assert folder({}).parts[-2:] == ("sdg", "workloads")
