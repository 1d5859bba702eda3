"""A repository with two commits behind HTTP, on this machine; git itself serves it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sdg.settings.mirror import Mirror
from sdg.workload.clone import Source

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
