"""The provider: commands of the program on the virtual host, and what is refused."""

# ruff: noqa: ARG002 -- the protocol passes what a call may not need

from __future__ import annotations

import os
import secrets
from pathlib import Path

from rehearsal.host import fence
from rehearsal.host.command_lines import CommandRefused
from rehearsal.plugins.command import files, ssh
from rehearsal.plugins.command.comparison import compare
from rehearsal.plugins.command.running import Command, Finished, quoted, run
from rehearsal.plugins.properties import UNKNOWN, Archive, Properties, Property, mapping, revealed, sequence
from rehearsal.plugins.provider import Autonaming, Call, Checked, Difference, Live, Provider, ProviderError

LOCAL, REMOTE = "command:local:Command", "command:remote:Command"
NO_HOST = "a rehearsal runs no commands on this machine; deploy this stack outside the rehearsal"
_LEAVES = "a rehearsal runs commands on its virtual host only, and this one could leave it: {}"
_COPIES = "a rehearsal copies no files to a host; hand the content to a command on its standard input"
_FRAMEWORK = {"__pulumi-go-provider-version": "v1.5.0"}
_OUTPUTS = ("stdout", "stderr")
_STEPS = ("create", "update", "delete")
_LOGGED = {"stdout": {"stdout"}, "stderr": {"stderr"}, "stdoutAndStderr": {"stdout", "stderr"}, "none": set[str]()}
_RANDOM_BYTES = 4


class CommandProvider(Provider):
    """The stand-in for the official Command provider. Without a virtual host it refuses everything."""

    version = "1.2.1"

    def check_config(self, call: Call, news: Properties) -> Checked:
        """Add what the official provider's framework adds."""
        return Checked({**_FRAMEWORK, **news})

    def check(self, call: Call, olds: Properties, news: Properties, seed: bytes, autonaming: Autonaming) -> Checked:
        """Leave inputs as they are; a command that could leave the virtual host fails here, in the preview."""
        host = _host(call)
        failures = []
        for step in _STEPS:
            try:
                if isinstance(command := revealed(news).get(step), str):
                    fence.refuse_escapes(host, command)
            except CommandRefused as refused:
                failures.append((step, _LEAVES.format(refused)))
        return Checked(news, failures)

    def diff(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Difference:
        """Compare inputs with inputs."""
        _host(call)
        return compare(old_inputs, news)

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Run `create`, when there is one."""
        host = _host(call)
        id_ = f"{call.name}{secrets.token_hex(_RANDOM_BYTES)}"
        if call.preview:
            return id_, {**inputs, **dict.fromkeys(_OUTPUTS, UNKNOWN)}
        return id_, self._after(call, host, "create", {**inputs, **dict.fromkeys(_OUTPUTS, "")})

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live:
        """Say what is known: a command leaves nothing that could be looked at."""
        _host(call)
        return Live(call.id, {key: _complete(value) for key, value in state.items()}, inputs)

    def update(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Properties:
        """Run `update`, or `create` again without one; with neither, the old output stays."""
        host = _host(call)
        if call.preview:
            return {**news, **dict.fromkeys(_OUTPUTS, UNKNOWN)}
        kept = {key: value for key, value in state.items() if key not in old_inputs}
        return self._after(call, host, "update" if "update" in news else "create", {**kept, **news})

    def delete(self, call: Call, state: Properties, old_inputs: Properties) -> None:
        """Run `delete`, when there is one."""
        self._after(call, _host(call), "delete", state)

    def _after(self, call: Call, host: Path, step: str, state: Properties) -> Properties:
        """Return the state after running one step's command; the same state without a command."""
        known = revealed(state)
        line = known.get(step)
        if not isinstance(line, str):
            return state
        try:
            command = self._command(call, host, line, known)
        except CommandRefused as refused:
            raise ProviderError(_LEAVES.format(refused)) from None
        finished = self._run(call, command, known)
        if finished.code:
            exited = "exit status" if call.type == LOCAL else "Process exited with status"  # Go's os/exec, and its ssh
            raise ProviderError(f"{finished.failure(exited)}: running {quoted(line)}:\n{finished.output}")
        written = {"stdout": finished.stdout.removesuffix("\n"), "stderr": finished.stderr.removesuffix("\n")}
        return {**state, **written, **_left_files(command.directory, known)}

    def _command(self, call: Call, host: Path, line: str, known: Properties) -> Command:
        environment = {str(name): str(value) for name, value in mapping(known.get("environment")).items()}
        previous = {f"PULUMI_COMMAND_{name.upper()}": str(known[name]) for name in _OUTPUTS if known.get(name)}
        if known.get("addPreviousOutputInEnv") is False:
            previous = {}
        if call.type == REMOTE:
            ssh.check(known.get("connection"), os.environ)
            if refused := ssh.unsettable(environment):
                raise ProviderError(f"could not set environment variable {quoted(refused[0])}: ssh: setenv failed")
            if previous:
                # an SSH server takes them no more than others, but the official provider goes on without them
                self.log.warning(call.urn, f"the host does not accept {' and '.join(previous)}: its SSH server would need AcceptEnv")
                previous = {}
        interpreter = [str(part) for part in sequence(known.get("interpreter"))]
        return Command(
            fence.arguments(host, line, interpreter),
            fence.environment(host, {**environment, **previous}),
            fence.directory(host, str(known["dir"]) if known.get("dir") else None),
            str(known.get("stdin", "")),
        )

    def _run(self, call: Call, command: Command, known: Properties) -> Finished:
        logged = _LOGGED.get(str(known.get("logging", "stdoutAndStderr")), set())

        def say(stream: str, line: str) -> None:
            if stream in logged:
                self.log.info(call.urn, line)

        try:
            return run(command, say, self.cancelled)
        except OSError as error:
            raise ProviderError(f"{error.strerror}: {error.filename}") from error


def _host(call: Call) -> Path:
    """Return the virtual host's folder.

    Raises:
        ProviderError: there is none, or the resource is none that runs on it.
    """
    host = fence.existing(os.environ)
    if host is None:
        raise ProviderError(f"{call.type or call.urn}: {NO_HOST}")
    if call.type not in {LOCAL, REMOTE}:
        raise ProviderError(f"{call.type or call.urn}: {_COPIES}")
    return host


def _left_files(directory: Path, known: Properties) -> Properties:
    left: Properties = {}
    if "assetPaths" in known:
        left["assets"] = files.assets(directory, [str(pattern) for pattern in sequence(known["assetPaths"])])
    if "archivePaths" in known:
        left["archive"] = files.archive(directory, [str(pattern) for pattern in sequence(known["archivePaths"])])
    return left


def _complete(value: Property) -> Property:
    """Return an archive with its list of assets, which the engine leaves out where it is empty."""
    return Archive({"assets": {}, **value.fields}) if isinstance(value, Archive) else value
