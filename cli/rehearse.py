"""`sdg rehearse`: a stack's whole life on a virtual cluster or host: preflight, update, gates, empty preview, destroy, empty inventory."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psutil
from rich.console import Console

from cli import rehearsal, report
from cli.connection import access, api
from cli.critical_path import read_update
from cli.demo import FOUND_ON_PATH, UPDATE
from cli.derived import NotRehearsable
from cli.engine_events import SHOWN, listening
from cli.environment import user_kubeconfig
from cli.inventory import Inventory, inventory
from cli.keys import PASSPHRASE
from cli.not_rehearsed import not_rehearsed
from cli.project import NAMED, rehearsal_state
from cli.pulumi import Engine
from cli.recover import recover
from cli.rehearsal_azure import contents
from cli.rehearsal_host import left_on_host, prepare_adoption
from cli.secrecy import check_state
from cli.steps import StepFailed, Steps
from rehearsal import plugins
from rehearsal.locks import exclusive
from rehearsal.state import StateDir
from sdg.gates.checks import Status
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.objects import Ref
from sdg.platform import layout
from sdg.settings.azure import Azure
from sdg.settings.cluster import MicroK8s
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.inference import nim_operator_of
from sdg.settings.model import StackSettings

PREVIEW: Final = ("preview", "--expect-no-changes", "--suppress-progress", "--policy-pack", "policy")
DESTROY: Final = ("destroy", "--yes", "--skip-preview", "--suppress-progress")


@dataclass(frozen=True)
class Rehearsed:
    """A stack on its rehearsal.

    Attributes:
        before: what there was of this product before the stack.
        promised: what destroy has to leave, as it was before it.
        retained: ids of what it has to leave in Azure.
    """

    engine: Engine
    state: StateDir
    settings: StackSettings
    console: Console
    before: Inventory
    promised: list[Ref] = field(default_factory=list)
    retained: list[str] = field(default_factory=list)

    def preflight(self) -> str:
        """What is asked before anything exists."""
        command = [str(Path(sys.executable).with_name("sdg")), "preflight", "--stack", self.engine.stack]
        if subprocess.run(command, env=dict(self.engine.environment), check=False, stdin=subprocess.DEVNULL).returncode:
            raise StepFailed("see what it found above")
        return ""

    def update(self) -> str:
        """Creates everything, the engine speaking while it does, and says what took longest."""
        with listening(self.state.root) as heard:
            began = time.monotonic()
            self._stream((*UPDATE, *heard.option))
            ended = time.monotonic()
        update = read_update(heard.events, self.engine.state(), began, ended)
        report.show_critical_path(update, self.console)
        report.show_overlaps(update, self.console)
        return f"{len(self._resources())} resources"

    def gates(self) -> str:
        """Every check of every gate, and the state searched for secrets."""
        records = report.gates(self.engine.state())
        report.show_gates(records, self.console)
        for workflow, node in report.placements(records):
            self.console.print(f"{workflow} ran on {node}", highlight=False, soft_wrap=True)
        red = [str(record["gate"]) for record in records if record["status"] != Status.PASSED]
        if red or not records:
            raise StepFailed(f"red: {', '.join(red)}" if red else "no gate was found in the state")
        return f"{len(records)} gates green, {check_state(self.engine)} secrets looked for in the state and none in plain"

    def preview(self) -> str:
        """Once more, and nothing is to be done."""
        self._stream(PREVIEW)
        return "nothing to change"

    def destroy(self) -> str:
        """Takes everything away, after a backup of the keys where the stack keeps its data."""
        if self.settings.data == "retain":
            self._back_keys_up()
            self._note_promises()
        self._stream(DESTROY)
        if left := self._resources():
            raise StepFailed(f"the state still holds {', '.join(left)}")
        return ""

    def inventory(self) -> str:
        """What is left: nothing, or what was promised and exactly that."""
        retains, found = self.settings.data == "retain", self.look()
        known = set(self.before.unexpected(retain=False, definitions=()))
        left = [line for line in found.unexpected(retain=retains, definitions=_definitions(self.settings)) if line not in known]
        left += left_on_host(self.state, self.settings)
        azure = contents(self.state)
        left += sorted(set(azure.resources) - set(self.retained))
        if left:
            raise StepFailed(f"left: {'; '.join(left)}")
        if retains and (lost := set(self.promised) - set(found.kept())):
            raise StepFailed(f"promised and gone: {', '.join(sorted(map(str, lost)))}")
        if lost_there := set(self.retained) - set(azure.resources):
            raise StepFailed(f"promised and gone: {', '.join(sorted(lost_there))}")
        names = f"; deleted, and their names taken for a while: {', '.join(map(_last, azure.gone))}" if azure.gone else ""
        return (f"the promised {len(self.promised) + len(self.retained)} objects" if retains else "nothing") + names

    def look(self) -> Inventory:
        """What there is now, in the cluster if one runs, and on this host."""
        return _look(self.state, self.engine.stack)

    def _note_promises(self) -> None:
        """In the cluster, unless it goes too, and in Azure, where the engine's own notes say what stays."""
        if isinstance(self.settings.cluster, Azure):
            resources = self.engine.state()["deployment"].get("resources") or []
            theirs = [resource for resource in resources if resource["type"].startswith("azure-native:")]
            self.retained.extend(resource["id"] for resource in theirs if resource.get("retainOnDelete"))
        else:
            self.promised.extend(self.look().kept())

    def _back_keys_up(self) -> None:
        file = self.state.root / "keys.backup"
        file.unlink(missing_ok=True)
        command = [str(Path(sys.executable).with_name("sdg")), "backup", "keys", "--stack", self.engine.stack, "--out", str(file)]
        environment = {**self.engine.environment, PASSPHRASE: secrets.token_urlsafe(24)}
        if subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL).returncode:
            raise StepFailed("the keys could not be backed up")

    def _resources(self) -> list[str]:
        resources = self.engine.state()["deployment"].get("resources") or []
        return [resource["urn"].rpartition("::")[2] for resource in resources]

    @property
    def _listened(self) -> Engine:
        return replace(self.engine, environment={**self.engine.environment, **SHOWN})

    def _stream(self, command: Sequence[str]) -> None:
        def line(text: str) -> None:
            if FOUND_ON_PATH not in text:
                print(text, flush=True)

        if code := self._listened.stream(*command, on_line=line):
            raise StepFailed(f"pulumi {command[0]} ended with exit code {code}")


def _last(id_: str) -> str:
    """The innermost name of an id."""
    return id_.rpartition("/")[2]


def _definitions(settings: StackSettings) -> list[str]:
    """Names of the CRDs that a destroy of the stack leaves, as Helm does."""
    platform, cluster = settings.platform, settings.cluster
    kai, operator = platform.kai_scheduler, platform.gpu_operator
    plan = gpu_operator_plan(operator, cluster=cluster.kind, gpus=getattr(cluster, "gpus", 0))
    by_chart = plan.install and not isinstance(cluster, MicroK8s)  # its addon is taken down with everything that it brought
    stay = by_chart and not operator.remove_crds
    nims = nim_operator_of(settings.inference)
    kept = layout.NIM_CRDS if nims and not nims.remove_crds else ()
    return [*(() if kai.remove_crds else layout.KAI_CRDS), *(layout.GPU_OPERATOR_CRDS if stay else ()), *kept]


def rehearse(
    stack: str,
    console: Console,
    *,
    nodes: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    keep: bool = False,
    speed: float | None = None,
) -> int:
    """Runs a stack's life and reports; 0 when everything held.

    Args:
        nodes: machines as `SIZE` or `SIZE=COUNT`; the rehearsal's default when there are none.
        config: values of `sdg:` by path, in place of those of the stack's file.
        speed: how many times faster than Azure the simulated one is.
        keep: whether the stack stays deployed instead of being destroyed.

    Raises:
        NotRehearsable: the stack, or what was asked of it, cannot be rehearsed.
    """
    began, steps = time.monotonic(), Steps(console)
    with _alone(rehearsal_state(stack)), _started(stack, parse_nodes(nodes), config, keep=keep, speed=speed) as state:
        console.print(f"started after {time.monotonic() - began:.1f} s in {state.root}")
        found = _found(stack, state, console)
        _live(found, steps, keep=keep)
        steps.show()
    console.print(f"{time.monotonic() - began:.1f} s in all")
    for words in not_rehearsed(found.settings):
        console.print(words)
    for line in _afterwards(stack, keep=keep, failed=steps.failed):
        console.print(line, soft_wrap=True)
    return 1 if steps.failed else 0


def parse_nodes(words: Sequence[str]) -> dict[str, int]:
    """Machine sizes to their number.

    Raises:
        NotRehearsable: a word is neither SIZE nor SIZE=COUNT.
    """
    sizes: dict[str, int] = {}
    for word in words:
        size, _, count = word.partition("=")
        if not size or not (count or "1").isdecimal() or count == "0":
            raise NotRehearsable(f"--node {word} is neither SIZE nor SIZE=COUNT, such as local-cpu or local-rtx-6000-ada=2")
        sizes[size] = sizes.get(size, 0) + int(count or 1)
    return sizes


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Nobody else rehearses in the folder until the block ends."""

    def refuse() -> None:
        raise NotRehearsable(f"another `sdg rehearse` works in {state}; wait for it, or name another folder in {NAMED}")

    lock = state.with_name(f".{state.name}.rehearse.lock")
    with exclusive(lock, refuse):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def _started(
    stack: str, nodes: Mapping[str, int], config: Mapping[str, Any] | None, *, keep: bool, speed: float | None
) -> Iterator[StateDir]:
    """The stack's rehearsal, which everything that asks for the stack means until the block ends."""
    named, mine = os.environ.get(NAMED), not rehearsal_state(stack).exists()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        state = rehearsal.start(stack=stack, nodes=nodes or None, values=config, speed=speed)
        mine = True
        os.environ[NAMED] = str(state.root)
        yield state
    finally:
        signal.signal(signal.SIGTERM, before)
        if mine and not keep:  # one that was kept before, and could not be taken, stays
            rehearsal.stop(stack, purge=True)
        os.environ.pop(NAMED, None)
        if named is not None:
            os.environ[NAMED] = named


def _end(_number: int, _frame: FrameType | None) -> None:
    """Ends the engine, or whatever runs for a step, so that what was started can be stopped."""
    for child in psutil.Process().children():
        if child.name() in {"pulumi", "sdg"}:
            child.terminate()
    raise SystemExit(128 + signal.SIGTERM)


def _found(stack: str, state: StateDir, console: Console) -> Rehearsed:
    engine = Engine.of(stack)
    for line in plugins.in_use(engine.environment):
        console.print(line, soft_wrap=True)
    recover(engine, lambda: api(engine), print)
    settings = access(engine).settings
    prepare_adoption(state, settings)
    return Rehearsed(engine, state, settings, console, _look(state, stack))


def _live(stack: Rehearsed, steps: Steps, *, keep: bool) -> None:
    steps.take("preflight", stack.preflight)
    steps.take("update", stack.update)
    steps.take("gates", stack.gates)
    steps.take("preview", stack.preview)
    if keep:
        return
    steps.take("destroy", stack.destroy)
    steps.take("inventory", stack.inventory)


def _look(state: StateDir, stack: str) -> Inventory:
    kubeconfigs = [user_kubeconfig(state)]
    if rehearsal.cluster(stack).status().processes["kube-apiserver"] is None:
        return inventory(None, kubeconfigs)
    return inventory(KubernetesApi.connect(Connection(state.kubeconfig.read_text())), kubeconfigs)


def _afterwards(stack: str, *, keep: bool, failed: bool) -> Iterator[str]:
    if keep:
        yield f'It stays. To look at it: eval "$(sdg env {stack} --rehearsal)", then pulumi, kubectl and sdg as ever.'
        yield f"To end it: sdg rehearsal stop --stack {stack} --purge; state and logs: {rehearsal_state(stack)}"
    elif failed:
        yield "Nothing of it was kept. To look at what failed, rehearse again with --keep."
