"""What the Command stand-in does beyond the recorded calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from rehearsal.host import fence
from rehearsal.plugins.command.provider import LOCAL, REMOTE, CommandProvider
from rehearsal.plugins.properties import Archive, Properties, Secret
from rehearsal.plugins.provider import Autonaming, Call, Change, ProviderError

KEY = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    .decode()
)
CONNECTION = {"host": "gpu-box", "user": "ubuntu", "port": 22, "privateKey": KEY}


class Log:
    """Notes what the user would see."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, urn: str, message: str) -> None:
        self.lines.append(message)

    warning = info


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fence.prepare(tmp_path / "host")
    monkeypatch.setenv(fence.HOST_VARIABLE, str(tmp_path / "host"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "host"


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def provider(host: Path, log: Log) -> CommandProvider:
    return CommandProvider(log)  # type: ignore[arg-type]


def _call(type_: str = LOCAL, *, preview: bool = False) -> Call:
    return Call(urn=f"urn:pulumi:s::p::{type_}::x", type=type_, name="x", id="x01234567", preview=preview)


def _create(provider: CommandProvider, type_: str = LOCAL, **inputs: object) -> Properties:
    return provider.create(_call(type_), dict(inputs))[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", [LOCAL, REMOTE, "command:remote:CopyToRemote"])
def test_without_a_virtual_host_every_call_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, type_: str) -> None:
    provider, call = CommandProvider(), _call(type_)
    for value in (None, str(tmp_path / "not prepared")):
        monkeypatch.delenv(fence.HOST_VARIABLE, raising=False)
        if value:
            monkeypatch.setenv(fence.HOST_VARIABLE, value)
        for refused in (
            lambda: provider.check(call, {}, {}, b"", Autonaming()),
            lambda: provider.diff(call, {}, {}, {}),
            lambda: provider.create(call, {"create": "true"}),
            lambda: provider.read(call, {}, {}),
            lambda: provider.update(call, {}, {}, {"create": "true"}),
            lambda: provider.delete(call, {"delete": "true"}, {}),
        ):
            with pytest.raises(ProviderError, match="a rehearsal runs no commands on this machine"):
                refused()


@pytest.mark.parametrize("type_", ["command:remote:CopyToRemote", "command:remote:CopyFile"])
def test_copying_files_is_refused(provider: CommandProvider, type_: str) -> None:
    with pytest.raises(ProviderError, match="copies no files"):
        provider.check(_call(type_), {}, {}, b"", Autonaming())


def test_a_command_that_could_leave_the_host_fails_its_check(provider: CommandProvider) -> None:
    given: Properties = {"create": "true", "delete": Secret("/usr/bin/snap remove microk8s")}
    (failure,) = provider.check(_call(), {}, given, b"", Autonaming()).failures
    assert failure == (
        "delete",
        "a rehearsal runs commands on its virtual host only, and this one could leave it: `/usr/bin/snap` is outside the virtual host",
    )


def test_a_command_that_was_unknown_in_the_preview_is_refused_when_it_would_run(provider: CommandProvider) -> None:
    with pytest.raises(ProviderError, match="could leave it"):
        _create(provider, create="echo x >/etc/motd")
    with pytest.raises(ProviderError, match="the directory / is outside"):
        _create(provider, create="true", dir="/")
    with pytest.raises(ProviderError, match="the variable PATH"):
        _create(provider, create="true", environment={"PATH": "here"})


def test_previous_output_is_there_unless_it_is_not_wanted(provider: CommandProvider) -> None:
    old: Properties = {"create": "x", "stdout": "before", "stderr": "noise"}
    news: Properties = {"create": 'echo "$PULUMI_COMMAND_STDOUT,$PULUMI_COMMAND_STDERR"'}
    assert provider.update(_call(), old, {"create": "x"}, news)["stdout"] == "before,noise"
    assert provider.update(_call(), old, {"create": "x"}, {**news, "addPreviousOutputInEnv": False})["stdout"] == ","


def test_delete_gets_the_previous_output(provider: CommandProvider, host: Path) -> None:
    provider.delete(_call(), {"delete": 'echo "$PULUMI_COMMAND_STDOUT" >removed', "stdout": "made"}, {})
    assert (host / "home" / "removed").read_text() == "made\n"


def test_an_update_without_any_command_keeps_the_output(provider: CommandProvider) -> None:
    state = provider.update(
        _call(),
        {"stdout": "old", "stderr": "", "delete": "true", "environment": {"A": "1"}},
        {"delete": "true", "environment": {"A": "1"}},
        {"delete": "false"},
    )
    assert state == {"stdout": "old", "stderr": "", "delete": "false"}


def test_one_line_break_at_the_end_of_the_output_is_dropped(provider: CommandProvider) -> None:
    assert _create(provider, create="printf 'a\\n\\n'")["stdout"] == "a\n"


@pytest.mark.parametrize(
    ("logging", "seen"),
    [(None, {"out", "err"}), ("stdout", {"out"}), ("stderr", {"err"}), ("stdoutAndStderr", {"out", "err"}), ("none", set())],
)
def test_output_is_shown_line_by_line_as_logging_says(provider: CommandProvider, log: Log, logging: str | None, seen: set[str]) -> None:
    state = _create(provider, create="echo out; printf err >&2", **({"logging": logging} if logging else {}))
    assert set(log.lines) == seen
    assert (state["stdout"], state["stderr"]) == ("out", "err")


def test_a_failure_names_status_command_and_output_in_gos_quotes(provider: CommandProvider) -> None:
    with pytest.raises(ProviderError) as failed:
        _create(provider, create='printf "a\\n"; exit 4 # "ä"\t')
    assert str(failed.value) == 'exit status 4: running "printf \\"a\\\\n\\"; exit 4 # \\"ä\\"\\t":\na\n'


def test_a_command_ended_by_a_signal_says_which(provider: CommandProvider) -> None:
    with pytest.raises(ProviderError, match=r"^signal: killed: running"):
        _create(provider, create="kill -KILL $$")


def test_cancelling_ends_a_command_with_what_it_started(provider: CommandProvider) -> None:
    threading.Timer(0.3, provider.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(ProviderError, match="signal: killed"):
        _create(provider, create="sleep 60 & sleep 60")
    assert time.monotonic() - started < 10


def test_much_output_on_both_sides_and_much_input_pass(provider: CommandProvider) -> None:
    text = "x" * 300_000
    state = _create(provider, create="tee copy | tee full >&2; cat copy", stdin=text, logging="none")
    assert (state["stdout"], state["stderr"]) == (text, text)


def test_files_are_chosen_by_patterns_of_which_the_last_that_matches_decides(provider: CommandProvider) -> None:
    made = "mkdir -p assets/deep; for f in a.txt assets/b.svg assets/secret.txt assets/deep/c.js; do printf data >$f; done"
    state = _create(provider, create=made, assetPaths=["assets/**", "!**secret.*"], archivePaths=["*.txt"])
    assert isinstance(state["assets"], dict)
    assert set(state["assets"]) == {"assets/b.svg", "assets/deep/c.js"}
    assert isinstance(state["archive"], Archive)
    assert set(state["archive"].fields["assets"]) == {"a.txt"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"environment": {"A": "1"}}, {"environment": {"A": "1", "B": "2"}}, {"environment.B": Change.ADD}),
        ({"environment": {"A": "1"}}, {}, {"environment": Change.DELETE}),
        ({"triggers": ["a", "b"]}, {"triggers": ["a"]}, {"triggers[1]": Change.DELETE}),
        ({"stdin": Secret("a")}, {"stdin": Secret("b")}, {"stdin": Change.UPDATE}),
        ({"stdin": Secret("a")}, {"stdin": "a"}, {}),
        ({"environment": {"A": Secret("a")}}, {"environment": {"A": Secret("a")}}, {}),
    ],
)
def test_differences_are_told_by_property(
    provider: CommandProvider, old: Properties, new: Properties, changes: Mapping[str, Change]
) -> None:
    difference = provider.diff(_call(), {}, old, new)
    assert difference.detailed == changes
    assert difference.changed is bool(changes)


def test_over_ssh_a_command_runs_on_the_same_host(provider: CommandProvider, host: Path) -> None:
    state = _create(provider, REMOTE, create="pwd", connection=Secret(CONNECTION))
    assert state["stdout"] == str(host / "home")
    with pytest.raises(ProviderError, match=r"^Process exited with status 3: running"):
        _create(provider, REMOTE, create="exit 3", connection=Secret(CONNECTION))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"host": None}, "host is required"),
        ({"privateKey": "no key"}, "no key found"),
        ({"privateKey": KEY, "privateKeyPassword": "wrong"}, "not an encrypted key|no key found"),
        ({"privateKey": None}, r"unable to authenticate ubuntu@gpu-box, attempted methods \[none\]"),
        ({"privateKey": None, "agentSocketPath": "/nowhere/agent"}, "dial unix /nowhere/agent: No such file"),
        ({"proxy": {"host": "bastion"}}, "no host behind a proxy"),
    ],
)
def test_over_ssh_what_could_not_connect_fails(provider: CommandProvider, change: Properties, sentence: str) -> None:
    with pytest.raises(ProviderError, match=sentence):
        _create(provider, REMOTE, create="true", connection={**CONNECTION, **change})


def test_over_ssh_the_environment_is_refused_as_by_a_server_with_its_usual_settings(provider: CommandProvider, log: Log) -> None:
    with pytest.raises(ProviderError, match='could not set environment variable "TOKEN"'):
        _create(provider, REMOTE, create="true", connection=CONNECTION, environment={"LC_ALL": "C", "TOKEN": "x"})
    news: Properties = {"connection": CONNECTION, "create": 'echo "<$PULUMI_COMMAND_STDOUT>"'}  # type: ignore[dict-item]
    state = provider.update(_call(REMOTE), {**news, "stdout": "before"}, news, news)
    assert state["stdout"] == "<>"
    assert "does not accept PULUMI_COMMAND_STDOUT" in log.lines[0]
