"""`sdg smoke`: asks like the gate does, and shows no more than that stores."""

import io
import types

import pytest
from rich.console import Console

from cli import smoke as command
from cli.connection import StackAccess
from sdg.gates.checks import Check, Status, Verdict
from sdg.kube.connection import Connection
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke

TOKEN = "tok-0123456789"


@pytest.fixture
def shown(monkeypatch):
    """Runs the command with a gate that finds one check; returns its exit code and what it printed."""
    settings = types.SimpleNamespace(smoke=Smoke(), cluster=types.SimpleNamespace(gpus=0), mirror=Mirror())
    kubeconfig = f"{{current-context: here, users: [{{name: u, user: {{token: {TOKEN}}}}}]}}"
    monkeypatch.setattr(command, "access", lambda engine: StackAccess(settings, Connection(kubeconfig)))
    monkeypatch.setattr(command.Engine, "of", lambda stack: None)

    def run(status):
        def wait(inputs, say):
            say(f"waiting with {TOKEN}")
            return Verdict((Check("c", "s", status, f"refused {TOKEN} and password=hunter2hunter2", "wanted"),))

        monkeypatch.setattr(command.SmokeRecord, "wait", staticmethod(wait))
        console = Console(file=io.StringIO(), width=200)
        return command.smoke("dev", console), console.file.getvalue()

    return run


@pytest.mark.parametrize(("status", "code"), [(Status.PASSED, 0), (Status.FAILED, 1)])
def test_the_command_fails_unless_all_completed(shown, status, code):
    assert shown(status)[0] == code


def test_the_command_shows_and_says_no_credential(shown, capsys):
    _, printed = shown(Status.FAILED)
    said = capsys.readouterr().err
    assert "refused" in printed
    assert "waiting with" in said
    assert not [word for word in (TOKEN, "hunter2") if word in printed + said]
