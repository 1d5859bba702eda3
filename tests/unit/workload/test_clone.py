"""Fetching a workload's repository with the real git, from a server of its own on this machine."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sdg.settings.mirror import Mirror
from sdg.workload.clone import FetchFailedError, Source, clone_of, fetch, folder, present

PUBLISHED = "https://github.com/example/workloads"
SPEC = "assets/configs/e2e.yaml"


def git(where: Path, *arguments: str) -> str:
    options = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *options, *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Published:
    """A repository with two commits behind HTTP."""

    url: str
    first: str
    last: str
    requests: list[str]

    @property
    def mirror(self) -> Mirror:
        return Mirror(downloads={"https://github.com": self.url})

    def source(self, commit: str | None = None) -> Source:
        return Source(PUBLISHED, commit or self.first)


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    work, served = tmp_path / "work", tmp_path / "served"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    commits = []
    for number in (1, 2):
        (work / SPEC).parent.mkdir(parents=True, exist_ok=True)
        (work / SPEC).write_text(f"version: {number}\r\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", str(number))
        commits.append(git(work, "rev-parse", "HEAD"))
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(served / "example" / "workloads"))
    requests: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served, requests))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Published(f"http://127.0.0.1:{server.server_port}", *commits, requests)
    server.shutdown()
    server.server_close()


def _handler(root: Path, requests: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._run()

        def do_POST(self) -> None:
            self._run()

        def _run(self) -> None:
            requests.append(self.path)
            path, _, query = self.path.partition("?")
            variables = {
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            done = subprocess.run(["git", "http-backend"], input=body, env=os.environ | variables, check=False, capture_output=True)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            fields = [line.partition(": ") for line in head.decode().splitlines()]
            self.send_response(next((int(value.split()[0]) for name, _, value in fields if name == "Status"), 200))
            for name, _, value in fields:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(rest)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


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
