"""The simulated Azure and its prices over loopback, and a server that says what a test wants."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import HeadersPolicy
from fastapi import FastAPI

from rehearsal.azure.account import SUBSCRIPTION, TENANT
from rehearsal.azure.clock import Clock
from rehearsal.azure.ids import key
from rehearsal.azure.world import Resource, World
from rehearsal.faults import Faults
from rehearsal.services import azure_prices
from rehearsal.services.arm.rest import apis, environment, install
from rehearsal.serving import listen
from sdg.azure import retail
from sdg.azure.account import Account
from sdg.azure.arm import Arm
from sdg.azure.credential import Login
from sdg.azure.prices import Prices
from tests.unit.azure.price_api import MACHINES, SOURCE, TODAY, serving

OTHER_LOGINS = (
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
)
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"
START = 10.0  # seconds until a server must answer


def jwt(**claims: Any) -> str:
    """A token that says something of its owner."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)]
    return ".".join([*parts, "c2lnbmF0dXJlc2lnbmF0dXJl"])


TOKEN = jwt(oid="o", tid="t")


class FixedToken:
    """A credential that has its token already."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self.token, int(time.time()) + 3600)


@dataclass
class Said:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str


@dataclass
class Scripted:
    """A server whose answers a test gives, one by one; the last one stays.

    Attributes:
        answers: status, headers and body of each answer.
        asked: the requests so far.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    asked: list[Said] = field(default_factory=list)

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, text))


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # else headers and body are two packets, and the second waits for the first one's receipt

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            script.asked.append(Said(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body))
            status, headers, text = script.answers[min(len(script.asked), len(script.answers)) - 1]
            content = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True).start()
    yield script
    server.shutdown()
    server.server_close()


@dataclass
class Simulated:
    """The simulated Azure, and a client that is logged in to it."""

    url: str
    world: World
    faults: Faults
    environ: dict[str, str]
    account: Account

    def arm(self) -> Arm:
        return Arm(self.url, Login(self.account, self.environ), backoff=0)

    def put(self, kind: str, id: str, **outputs: Any) -> None:  # noqa: A002 -- it is called id everywhere
        """A resource that is there, whatever its creation would have asked for."""
        self.world._resources[key(id)] = Resource(kind, id, outputs, outputs)

    def api(self, url: str) -> str:
        return apis(self.url).get(url, url)


@pytest.fixture(scope="session")
def _served() -> Iterator[Callable[[], tuple[str, World, Faults]]]:
    faults = Faults()
    world, app, sock = World(faults, Clock(0)), FastAPI(), listen(0)
    install(app, world, faults)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
    thread.start()
    end = time.monotonic() + START
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    assert server.started
    yield lambda: (f"http://127.0.0.1:{sock.getsockname()[1]}", world, faults)
    server.should_exit = True
    thread.join(START)


@pytest.fixture
def azure(_served: Callable[[], tuple[str, World, Faults]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """As on a host that is logged in; nothing else of this machine's environment counts."""
    url, world, faults = _served()
    environ = {"PATH": "/nonexistent", "HOME": "/nonexistent", **environment(url)}
    for name in (
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "MSI_ENDPOINT",
        "IMDS_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    yield Simulated(url, world, faults, environ, Account(SUBSCRIPTION, TENANT, "test"))
    faults.clear()
    world._resources.clear()


@pytest.fixture
def official(azure: Simulated) -> Callable[[Any], Any]:
    """Microsoft's client of a service, on the simulated Azure."""
    token = Login(azure.account, azure.environ).get_token().token
    policy = HeadersPolicy({"Authorization": f"Bearer {token}"})  # its own one refuses to talk without TLS

    def client(kind: Any) -> Any:
        return kind(FixedToken(), SUBSCRIPTION, base_url=azure.url, authentication_policy=policy)

    return client


@pytest.fixture
def group(azure: Simulated) -> str:
    """A resource group that is there."""
    azure.put("Microsoft.Resources/resourceGroups", GROUP, location="eastus2")
    return GROUP


@pytest.fixture(scope="session")
def api() -> Iterator[str]:
    """The rehearsal's price API."""
    with serving(azure_prices.create_app()) as address:
        yield address


@pytest.fixture(scope="session")
def known(api: str) -> Prices:
    """Its prices, as if they had been asked for at SOURCE."""
    return retail.fetch(api + azure_prices.PATH, "eastus2", "USD", MACHINES, TODAY).model_copy(update={"source": SOURCE})
