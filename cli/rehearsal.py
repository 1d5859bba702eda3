"""The rehearsal of a stack: a virtual cluster or host, its services, and a Pulumi backend of its own, all below one folder."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cli import rehearsal_azure as azure
from cli.derived import AZURE, MICROK8S, Changes, Config, NotRehearsable, Place, derived, free_ports, functions, kind_of
from cli.environment import process_environment, stack_config, user_kubeconfig
from cli.project import MARK, REHEARSAL, REHEARSALS, ROOT, rehearsal_state, stack_of
from rehearsal import fence, plugins
from rehearsal.cluster import VirtualCluster
from rehearsal.host import machine as machines
from rehearsal.host import stand_ins
from rehearsal.host.machine import Machine
from rehearsal.nodes import DEFAULT_PROFILE, of_sizes
from rehearsal.state import StateDir, read_json, write_private
from rehearsal.tools import Tools
from sdg.forward import control
from sdg.kube.connection import Connection

Sizes = Mapping[str, int]
HOST_SIZES: Sizes = {"local-cpu": 1}
"""The virtual host, where nobody chose another."""
TOOLS = ("kubectl", "pulumi")
"""Programs that the engine and the forwards need where PATH ends with the virtual host."""


def cluster(stack: str | None = None) -> VirtualCluster:
    """The virtual cluster of a stack's rehearsal, running or not; of whichever this shell works on, where none is named."""
    return VirtualCluster(StateDir(rehearsal_state(stack)), Tools.locate())


def start(
    sections: Mapping[str, Any] | None = None,
    *,
    stack: str = REHEARSAL,
    nodes: Sizes | None = None,
    values: Mapping[str, Any] | None = None,
    speed: float | None = None,
) -> StateDir:
    """Starts what isn't running and makes a stack usable on it; does nothing to what is there.

    Args:
        sections: of `sdg:`, in place of those of the project's stack file, for this once.
        nodes: machine sizes to their number; what the rehearsal had before, or its default, when unset.
        speed: how many times faster than Azure the simulated one is; a thousand times when unset. Counts from the start of its services on.
        values: single values of `sdg:`, by path; they stay until the rehearsal is removed.

    Raises:
        NotRehearsable: there is no such stack file, or it cannot be rehearsed.
        ToolMissing: something has to be built first.
        FenceError: the engine would use a plugin that could reach something real.
    """
    state, tools = StateDir(rehearsal_state(stack)), Tools.locate()
    file = _stack_file(stack)
    changes = Changes(sections or {}, {**read_json(_values(state)), **(values or {})})
    kind = kind_of(derived(file["config"], changes, Place(state.kubeconfig, "")))
    state.prepare()
    (state.root / MARK).write_text(f"{stack}\n")
    plugins.install(state.bin, tools)
    if speed:
        state.speed.write_text(str(speed))
    if kind == AZURE and nodes:
        raise NotRehearsable("the machines of a cluster on Azure are those of its pools; choose their sizes with --config, not with --node")
    chosen = _nodes(state, nodes)
    if kind == MICROK8S:
        _prepare_host(state, tools, chosen)
    fence.check(process_environment(stack, rehearsed=True), ROOT)
    if kind == MICROK8S:
        VirtualCluster(state, tools).start_host()
    elif kind == AZURE:
        azure.start(state, tools)
    else:
        VirtualCluster(state, tools).start(of_sizes(chosen) if chosen else DEFAULT_PROFILE)
    if stack != REHEARSAL and not stack_config(state, stack).exists():
        # once: from the first update on, the rehearsal's own forwards hold them
        changes = replace(changes, values={**changes.values, **free_ports(derived(file["config"], changes, Place(state.kubeconfig, "")))})
    write_private(_values(state), json.dumps(dict(changes.values)))
    _create_stack(state, tools, changes, stack)
    return state


def in_azure(stack: str | None = None) -> azure.Contents | None:
    """What there is in the simulated Azure of a stack's rehearsal; None where it has none."""
    state = StateDir(rehearsal_state(stack))
    return azure.contents(state) if state.azure.exists() else None


def stop(stack: str | None = None, *, purge: bool) -> None:
    """Stops every process of a rehearsal, forwards into it included; `purge` removes its state, the stack's too."""
    state = StateDir(rehearsal_state(stack))
    if state.kubeconfig.exists():
        control.stop_all(Connection(state.kubeconfig.read_text()).server)
    cluster(stack).stop(purge=purge)


def known() -> list[str | None]:
    """Stacks that have a rehearsal in this clone; None is the one that this shell works on."""
    return [None, REHEARSAL, *(folder.name for folder in REHEARSALS[1].glob("*") if folder.is_dir())]


def _nodes(state: StateDir, asked: Sizes | None) -> dict[str, int]:
    """The machines that somebody chose, now or when the rehearsal began; empty when nobody did."""
    before = {str(size): int(str(count)) for size, count in read_json(state.profile).items()}
    if asked is None or dict(asked) == before:
        return before
    of_sizes(asked)  # says which size it doesn't know
    if before or (state.etcd.exists() and any(state.etcd.iterdir())):
        end = f"sdg rehearsal stop --stack {stack_of(state.root) or REHEARSAL} --purge"
        raise NotRehearsable(f"the rehearsal in {state.root} has other nodes; end it with `{end}`, then start again")
    write_private(state.profile, json.dumps(dict(asked)))
    return dict(asked)


def _prepare_host(state: StateDir, tools: Tools, nodes: Sizes) -> None:
    machine = machines.load(state.machine)
    if machine is None or (nodes and machine.sizes != nodes):  # others can be chosen only before anything was installed
        machine = Machine(dict(nodes or HOST_SIZES))
        machines.save(machine, state.machine)
    stand_ins.install(state.host, machine)
    for name in TOOLS:
        link = state.bin / name
        link.unlink(missing_ok=True)
        link.symlink_to(tools.path(name))


def _create_stack(state: StateDir, tools: Tools, changes: Changes, stack: str = REHEARSAL) -> None:
    """A backend in a folder, a random passphrase, and the stack's derived config."""
    project = state.root / "project"
    if not state.passphrase.exists():
        write_private(state.passphrase, secrets.token_urlsafe(32))
    created = project / f"Pulumi.{stack}.yaml"
    if not created.exists():
        state.backend.mkdir(mode=0o700, exist_ok=True)
        project.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(ROOT / "Pulumi.yaml", project)
        # in a folder of its own: the command writes the salt of the stack's secrets beside the project file it finds
        environment = process_environment(stack, rehearsed=True)
        environment.pop("PULUMI_OPTION_CONFIG_FILE")
        subprocess.run(
            [tools.path("pulumi"), "-C", str(project), "stack", "init", stack, "--non-interactive"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    # of the project's file its config alone: what else it says is who encrypts its secrets, and where
    document: Config = {"config": _stack_file(stack)["config"], **_document(created)}
    made, config = project / "derived.yaml", stack_config(state, stack)
    document["config"] = derived(document["config"], changes, _place(state))
    set_since = _set_since(config, made)
    write_private(made, yaml.safe_dump(document, sort_keys=False))
    document["config"] |= set_since
    write_private(state.functions, json.dumps(functions(document["config"])))
    write_private(config, yaml.safe_dump(document, sort_keys=False))


def _place(state: StateDir) -> Place:
    sizes = {str(size): int(str(count)) for size, count in read_json(state.profile).items()}
    urls = state.service_urls()
    apis = azure.apis(urls)
    address = azure.address(apis) if state.azure.exists() else ""
    return Place(user_kubeconfig(state), urls["charts"], of_sizes(sizes), apis, address, urls.get("internet", ""))


def _values(state: StateDir) -> Path:
    """Values that somebody chose for this rehearsal."""
    return state.root / "values.json"


def _stack_file(stack: str) -> Config:
    path = ROOT / f"Pulumi.{stack}.yaml"
    if not path.exists():
        raise NotRehearsable(f"there is no {path.name} in {ROOT}")
    document = _document(path)
    return {**document, "config": document.get("config") or {}}


def _set_since(config: Path, made: Path) -> dict[str, Any]:
    """What `pulumi config set` and editors wrote into a stack's derived config since we made it."""
    if not (config.exists() and made.exists()):
        return {}
    before = _document(made)["config"]
    return {key: value for key, value in _document(config)["config"].items() if before.get(key) != value}


def _document(path: Path) -> Config:
    document: Config = yaml.safe_load(path.read_text()) or {}
    return document
