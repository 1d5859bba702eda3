"""OSMO's command-line client: fetched from a real server, unpacked, checked, and logged in without a secret on a command line."""

from __future__ import annotations

import http.server
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml
from typer.testing import CliRunner

from cli import osmo_cli
from cli.main import app
from rehearsal.services.charts import create_app
from sdg.catalog.versions import versions
from sdg.charts.digests import FILE, DigestChangedError
from sdg.charts.download import DownloadFailedError
from sdg.osmo_cli import installed
from sdg.osmo_cli.errors import OsmoCliError
from sdg.osmo_cli.installer import fetch, install, installer
from sdg.osmo_cli.login import METHODS, arguments, login
from sdg.settings.mirror import Mirror

CHARTS = Path(__file__).parents[2] / "rehearsal" / "charts"
RELEASE = versions().profiles["6.3"].releases[0].cli
SECRET = "a-secret-of-forty-three-characters-exactly-x"


class _Server(http.server.SimpleHTTPRequestHandler):
    """Files, and what OSMO says about logging in."""

    login: dict[str, str | None] | None = None

    def do_GET(self) -> None:
        if self.path != "/api/auth/login":
            super().do_GET()
            return
        body = json.dumps(type(self).login).encode()
        self.send_response(200 if type(self).login is not None else 503)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Path:
    create_app(CHARTS, tmp_path / "served")
    return tmp_path / "served"


@pytest.fixture
def handler() -> type[_Server]:
    return type("Server", (_Server,), {})


@pytest.fixture
def address(served: Path, handler: type[_Server]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def mirror(address: str) -> Mirror:
    return Mirror(downloads={"https://github.com": address})


@pytest.fixture
def client(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed stand-in, with a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    fetched = fetch(installer(RELEASE, "Linux", "x86_64"), tmp_path / "data", mirror)
    return install(fetched, RELEASE, tmp_path / "data", tmp_path / "bin")


def _login_file(tmp_path: Path) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((tmp_path / "home/.config/osmo/login.yaml").read_text())
    return content


@pytest.mark.parametrize(
    ("system", "machine", "ending"),
    [("Linux", "x86_64", "linux-x86_64.sh"), ("Linux", "aarch64", "linux-arm64.sh"), ("Darwin", "arm64", "macos-arm64.pkg")],
)
def test_the_installer_is_the_platforms_own(system: str, machine: str, ending: str) -> None:
    found = installer("6.3.1", system, machine)
    assert found.url == f"https://github.com/NVIDIA/OSMO/releases/download/6.3.1/osmo-client-installer-6.3.1-{ending}"
    assert found.is_package is ending.endswith("pkg")


def test_a_platform_without_an_installer_is_named() -> None:
    with pytest.raises(OsmoCliError, match=r"published for .*, and this is Windows-AMD64"):
        installer("6.3.1", "Windows", "AMD64")


def test_the_client_is_fetched_unpacked_and_linked_without_running_the_installer(client: Path, tmp_path: Path) -> None:
    assert client == tmp_path / "bin" / "osmo"
    assert client.is_symlink()
    assert installed.version(client) == RELEASE
    assert installed.problem(client, RELEASE) is None


def test_installing_again_and_installing_another_release_change_the_link(client: Path, mirror: Mirror, tmp_path: Path) -> None:
    newer = versions().profiles["6.4"].releases[0].cli
    for release in (RELEASE, newer, newer):
        fetched = fetch(installer(release, "Linux", "x86_64"), tmp_path / "data", mirror)
        install(fetched, release, tmp_path / "data", tmp_path / "bin")
        assert installed.version(client) == release


def test_an_installer_that_changed_is_refused_and_the_client_stays(client: Path, served: Path, mirror: Mirror, tmp_path: Path) -> None:
    wanted = installer(RELEASE, "Linux", "x86_64")
    (published,) = served.rglob(wanted.file_name)
    published.write_bytes(published.read_bytes() + b"\0")
    before = (tmp_path / "data" / wanted.file_name).read_bytes()
    with pytest.raises(DigestChangedError, match=rf"osmo-cli {RELEASE} is not what was recorded.*{FILE}"):
        fetch(wanted, tmp_path / "data", mirror)
    assert (tmp_path / "data" / wanted.file_name).read_bytes() == before
    assert installed.version(client) == RELEASE


def test_an_installer_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailedError, match=r"127\.0\.0\.1:1/.*sdg:mirror.downloads"):
        fetch(installer(RELEASE, "Linux", "x86_64"), tmp_path / "data", Mirror(downloads={"https://github.com": "http://127.0.0.1:1"}))


def test_a_program_of_that_name_that_something_else_installed_is_left_alone(client: Path, mirror: Mirror, tmp_path: Path) -> None:
    client.unlink()
    client.write_text("mine")
    fetched = fetch(installer(RELEASE, "Linux", "x86_64"), tmp_path / "data", mirror)
    with pytest.raises(OsmoCliError, match="was not installed from here"):
        install(fetched, RELEASE, tmp_path / "data", tmp_path / "bin")
    assert client.read_text() == "mine"


def _archive(path: Path, name: str) -> bytes:
    packed = path / "x.tgz"
    with tarfile.open(packed, "w:gz") as tar:
        (path / "file").write_text("x")
        tar.add(path / "file", name)
    return b"#!/bin/sh\n\n__ARCHIVE_BELOW__\n" + packed.read_bytes()


def test_an_installer_that_is_built_in_another_way_is_not_guessed_at(tmp_path: Path) -> None:
    cases = {
        b"#!/bin/sh\n": "it carries no archive",
        b"#!/bin/sh\n\n__ARCHIVE_BELOW__\nno archive": "not a gzip file",
        _archive(tmp_path, "elsewhere/osmo"): "holds no osmo/osmo",
        _archive(tmp_path, "../../escaped"): "outside the destination",
    }
    for content, why in cases.items():
        (tmp_path / "installer.sh").write_bytes(content)
        with pytest.raises(OsmoCliError, match=f"no installer that can be unpacked .*{why}"):
            install(tmp_path / "installer.sh", "1.0.0", tmp_path, tmp_path / "bin")
        assert not (tmp_path / "bin").exists()
    assert not (tmp_path.parent / "escaped").exists()


def _program(tmp_path: Path, text: str) -> Path:
    program = tmp_path / "osmo"
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o700)
    return program


def test_a_client_that_is_too_old_missing_or_something_else_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _program(tmp_path, "echo 'OSMO client version:  6.2.8'")
    assert installed.version(old) == "6.2.8"
    assert "and 6.3.0 or newer is needed" in str(installed.problem(old, "6.2.8"))
    assert installed.problem(old, "6.10.0") is None
    with pytest.raises(OsmoCliError, match="does not say which version"):
        installed.version(_program(tmp_path, "echo hello"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(OsmoCliError, match="no `osmo` on PATH"):
        installed.find(tmp_path / "bin")
    assert installed.find(tmp_path) == tmp_path / "osmo"


def test_the_version_is_asked_without_the_users_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSMO_CONFIG_FILE_DIR", str(tmp_path / "mine"))
    program = _program(tmp_path, 'echo "OSMO client version: 6.3.$(ls "$OSMO_CONFIG_FILE_DIR" | wc -l)"')
    assert installed.version(program) == "6.3.0"


def test_every_methods_command_line_names_no_secret() -> None:
    assert {method: arguments("http://x", method, "admin") for method in METHODS} == {
        "dev": ["login", "http://x", "--method", "dev", "--username", "admin"],
        "token": ["login", "http://x", "--method", "token", "--token-file", "/dev/stdin"],
        "password": ["login", "http://x", "--method", "password", "--username", "admin", "--password-file", "/dev/stdin"],
        "code": ["login", "http://x", "--method", "code"],
    }


def test_dev_login_needs_no_answer_of_the_service(client: Path, tmp_path: Path) -> None:
    login(client, "http://localhost:9000/", "dev", "someone", None)
    assert _login_file(tmp_path) == {"url": "http://localhost:9000", "osmo_token": False, "dev_login": {"username": "someone"}}


def test_a_token_reaches_the_client_by_its_standard_input(client: Path, tmp_path: Path) -> None:
    login(client, "http://localhost:9000", "token", "admin", SECRET)
    assert _login_file(tmp_path)["token_login"]["refresh_token"] == SECRET  # type: ignore[index]


@pytest.mark.parametrize("method", ["password", "code"])
def test_a_method_that_needs_an_identity_provider_is_refused_without_one(
    client: Path, address: str, handler: type[_Server], method: str
) -> None:
    handler.login = {"token_endpoint": None, "device_endpoint": None}
    with pytest.raises(OsmoCliError, match=f"no identity provider, which --method {method} needs; use --method dev"):
        login(client, address, method, "admin", SECRET)  # type: ignore[arg-type]


def test_a_password_is_handed_on_where_there_is_an_identity_provider(tmp_path: Path, address: str, handler: type[_Server]) -> None:
    handler.login = {"token_endpoint": "https://idp/token", "device_endpoint": "https://idp/device"}
    program = _program(tmp_path, f'echo "$@" >"{tmp_path}/asked"; cat /dev/stdin >"{tmp_path}/read"')
    login(program, address, "password", "someone", SECRET)
    assert SECRET not in (tmp_path / "asked").read_text()
    assert (tmp_path / "read").read_text() == SECRET


def test_a_service_that_does_not_answer_is_named(client: Path, address: str) -> None:
    with pytest.raises(OsmoCliError, match="does not say how one logs in"):
        login(client, address, "code", "admin", None)


def test_a_failed_login_says_so_without_the_secret(tmp_path: Path) -> None:
    with pytest.raises(OsmoCliError) as failed:
        login(_program(tmp_path, "exit 2"), "http://localhost:9000", "token", "admin", SECRET)
    assert "exit code 2" in str(failed.value)
    assert SECRET not in str(failed.value)


class _Engine:
    """A stack that says where downloads come from."""

    def __init__(self, config: dict[str, str]) -> None:
        self._config = config

    def of(self, _stack: str) -> _Engine:
        return self

    def config(self) -> dict[str, str]:
        return self._config


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, mirror: Mirror, tmp_path: Path) -> dict[str, str]:
    config = {
        "cluster": json.dumps({"kind": "existing", "name": "lab"}),
        "mirror": json.dumps({"downloads": dict(mirror.downloads)}),
        "forward": json.dumps({"enabled": True}),
    }
    monkeypatch.setattr(osmo_cli, "Engine", _Engine(config))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return config


def test_the_commands_install_check_and_log_in(stack: dict[str, str], tmp_path: Path) -> None:
    run = CliRunner()
    made = run.invoke(app, ["osmo-cli", "install", "--stack", "lab"], catch_exceptions=False)
    assert f"installed OSMO's client {RELEASE} as {tmp_path}/home/.local/bin/osmo" in made.output
    assert "is not on PATH" in made.output
    assert (tmp_path / "data/sdg/osmo-cli" / FILE).exists()
    assert RELEASE in run.invoke(app, ["osmo-cli", "check"], catch_exceptions=False).output
    logged = run.invoke(app, ["osmo-cli", "login", "--stack", "lab", "--method", "token"], input=f"{SECRET}\n", catch_exceptions=False)
    assert logged.exit_code == 0
    assert SECRET not in logged.output
    assert _login_file(tmp_path)["url"] == "http://localhost:9000"


def test_the_profile_decides_which_client_is_installed(stack: dict[str, str]) -> None:
    stack["osmo"] = json.dumps({"profile": "6.4"})
    made = CliRunner().invoke(app, ["osmo-cli", "install", "--stack", "lab"], catch_exceptions=False)
    assert f"installed OSMO's client {versions().profiles['6.4'].releases[0].cli}" in made.output


def test_without_a_forward_the_address_has_to_be_named(stack: dict[str, str]) -> None:
    run = CliRunner()
    run.invoke(app, ["osmo-cli", "install", "--stack", "lab"])
    stack["forward"] = json.dumps({"enabled": False})
    assert "name its address with --url" in str(run.invoke(app, ["osmo-cli", "login", "--stack", "lab"]).exception)
    assert run.invoke(app, ["osmo-cli", "login", "--stack", "lab", "--url", "http://osmo.example"]).exit_code == 0


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    refused = CliRunner().invoke(app, ["osmo-cli", "login", "--stack", "lab", "--method", "magic"])
    assert refused.exit_code == 2
    assert "dev, token, password, code" in refused.output


def test_the_stand_ins_installers_are_served_the_same_at_every_start(address: str, served: Path, tmp_path: Path) -> None:
    path = installer(RELEASE, "Linux", "aarch64").url.removeprefix("https://github.com")
    create_app(CHARTS, tmp_path / "again")
    assert requests.get(f"{address}{path}", timeout=5).content == (tmp_path / "again" / path.lstrip("/")).read_bytes()
