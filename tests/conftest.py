"""What every tier shares: a closed network, and a rehearsed stack of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from cli import rehearsal
from cli.environment import process_environment
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
STACK = "rehearsal"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files of tests/data/values from what the program gives now"
    )


def pytest_configure() -> None:
    """Closes the network for processes that tests start: whatever leaves this machine by HTTP meets a proxy that isn't there."""
    nowhere = "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = nowhere
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    # nor does a test ever meet the systemd of whoever runs it
    os.environ.pop("XDG_RUNTIME_DIR", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Closes the network for the tests themselves: only loopback may be reached."""
    for item in items:
        item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"]))


@dataclass(frozen=True)
class Ran:
    """A finished command: exit code, and what it printed on both streams."""

    code: int
    output: str
    seconds: float

    def __bool__(self) -> bool:
        return self.code == 0

    @property
    def ending(self) -> str:
        """The part that tells why it failed: an update's diagnostics, without the hundred steps before them."""
        _, found, diagnostics = self.output.rpartition("Diagnostics:\n")
        return diagnostics if found else self.output


@dataclass
class RehearsedStack:
    """The shipped stack `rehearsal` on a virtual cluster of this test's own.

    Attributes:
        state: the rehearsal's folder.
        port: of the user's forward.
        environment: of every command, as `sdg env` gives it.
    """

    state: Path
    port: int
    environment: Mapping[str, str] = field(repr=False)

    def run(self, *command: str, timeout: float = 180) -> Ran:
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=dict(self.environment),
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, time.monotonic() - began)

    def spawn(self, *command: str) -> subprocess.Popen[str]:
        """A command in a process group of its own, as a terminal would run it."""
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def pulumi(self, *arguments: str, timeout: float = 180) -> Ran:
        return self.run("pulumi", *arguments, "--stack", STACK, "--non-interactive", timeout=timeout)

    def up(self, *arguments: str, timeout: float = 180) -> Ran:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, timeout=timeout)

    def sdg(self, *arguments: str) -> Ran:
        return self.run(str(Path(sys.executable).with_name("sdg")), *arguments)

    def kubectl(self, *arguments: str) -> str:
        done = self.run("kubectl", *arguments)
        assert done, done.ending
        return done.output

    def resources(self) -> list[dict[str, Any]]:
        """The resources of the exported state; secrets stay encrypted."""
        exported = json.loads(
            subprocess.run(
                ["pulumi", "stack", "export", "--stack", STACK], cwd=ROOT, env=dict(self.environment), check=True, capture_output=True
            ).stdout
        )
        found: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return found

    def urn(self, name: str, type_suffix: str = "") -> str:
        return next(r["urn"] for r in self.resources() if r["urn"].endswith(f"::{name}") and r["type"].endswith(type_suffix))

    def record(self, gate: str) -> dict[str, Any]:
        """Outputs of a gate's record."""
        return next(r["outputs"] for r in self.resources() if r["type"].endswith("gate:Record") and r["outputs"]["gate"] == gate)

    def configure(self, **sections: Any) -> None:
        """Changes sections of the stack's config below `sdg:`; None takes one away."""
        path = Path(self.environment["PULUMI_OPTION_CONFIG_FILE"])
        document = yaml.safe_load(path.read_text())
        for key, value in sections.items():
            if value is None:
                document["config"].pop(f"sdg:{key}", None)
            else:
                document["config"][f"sdg:{key}"] = value
        path.write_text(yaml.safe_dump(document))

    def config(self, section: str) -> Any:
        document = yaml.safe_load(Path(self.environment["PULUMI_OPTION_CONFIG_FILE"]).read_text())
        return document["config"].get(f"sdg:{section}")

    def fault(self, name: str, /, **body: Any) -> None:
        requests.put(f"{self._control()}/faults/{name}", json=body, timeout=5).raise_for_status()

    def clear_faults(self) -> None:
        for name in requests.get(f"{self._control()}/faults", timeout=5).json():
            requests.delete(f"{self._control()}/faults/{name}", timeout=5).raise_for_status()

    def _control(self) -> str:
        url: str = json.loads((self.state / "services.json").read_text())["control"]
        return url


@dataclass(frozen=True)
class UserSystemd:
    """A user's systemd that is a script: it keeps the processes of its units, and nothing else of this machine.

    Attributes:
        home: its files, and `calls`; a file `refuses` with the name of an action has it refused, `state` is its state.
        config: `XDG_CONFIG_HOME`.
        environment: variables that lead to it.
    """

    home: Path
    config: Path
    environment: Mapping[str, str]

    @classmethod
    def below(cls, folder: Path) -> UserSystemd:
        runtime, home, config = folder / "run", folder / "systemd", folder / "config"
        for made in (runtime / "systemd", home, config):
            made.mkdir(parents=True)
        (runtime / "systemd" / "private").touch()
        environment = {
            "PATH": f"{ROOT / 'tests' / 'data' / 'user-systemd'}{os.pathsep}{os.environ['PATH']}",
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(config),
            "FAKE_SYSTEMD": str(home),
        }
        return cls(home, config, environment)

    def calls(self) -> list[str]:
        return (self.home / "calls").read_text().splitlines()

    def units(self) -> list[str]:
        """Everything below the user's folder of units."""
        return sorted(str(path.relative_to(self.config / "systemd/user")) for path in self.config.rglob("*.service"))

    def forget(self) -> None:
        """Ends what it still keeps."""
        for note in self.home.glob("*.supervisor"):
            subprocess.run(["systemctl", "--user", "disable", "--now", note.stem], env=os.environ | self.environment, check=True)


@pytest.fixture
def user_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UserSystemd]:
    """This test's user has a systemd of their own."""
    made = UserSystemd.below(tmp_path / "user")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.forget()


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Looks until the condition holds and returns what it gave.

    Raises:
        AssertionError: it did not hold in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"condition did not hold within {seconds} s")


@contextmanager
def rehearsed_stack(
    folder: Path, nodes: Mapping[str, int] | None = None, sections: Mapping[str, Any] | None = None
) -> Iterator[RehearsedStack]:
    """A rehearsal in a folder, started; nothing is deployed on it yet.

    Args:
        nodes: machine sizes to their number, where the usual ones do not do.
        sections: of `sdg:`, in place of those of the stack's file.
    """
    state = folder / "state"
    before = dict(os.environ)
    os.environ["SDG_REHEARSAL"] = str(state)
    # the user's forward keeps its marker there
    os.environ["XDG_STATE_HOME"] = str(state.with_name("xdg-state"))
    try:
        rehearsal.start(sections, nodes=nodes)
        rehearsed = RehearsedStack(state, free_port(), process_environment(STACK))
        rehearsed.configure(forward={"port": rehearsed.port, "uiPort": free_port()})
        yield rehearsed
        rehearsal.stop(purge=True)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsedStack]:
    """A rehearsal of this module's own, started; nothing is deployed on it yet."""
    with rehearsed_stack(tmp_path_factory.mktemp("rehearsal")) as rehearsed:
        yield rehearsed
