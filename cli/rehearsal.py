"""The rehearsal: a virtual cluster, its services, and a Pulumi backend of its own, all below one folder."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from cli.environment import process_environment, stack_config
from cli.project import REHEARSAL, ROOT, rehearsal_state
from rehearsal import fence, plugins
from rehearsal.cluster import VirtualCluster
from rehearsal.state import StateDir, write_private
from rehearsal.tools import Tools
from sdg.catalog.versions import ChartFile, RepositoryChart, versions
from sdg.forward import control
from sdg.kube.connection import Connection


def cluster() -> VirtualCluster:
    """This clone's virtual cluster, running or not."""
    return VirtualCluster(StateDir(rehearsal_state()), Tools.locate())


def start(sections: Mapping[str, Any] | None = None) -> StateDir:
    """Starts what isn't running and makes the stack `rehearsal` usable; does nothing to what is there.

    Args:
        sections: of `sdg:`, in place of those of the project's stack file.

    Raises:
        ToolMissing: something has to be built first.
        FenceError: the engine would use a plugin that could reach something real.
    """
    state, tools = StateDir(rehearsal_state()), Tools.locate()
    state.prepare()
    plugins.install(state.bin, tools)
    fence.check(process_environment(REHEARSAL), ROOT)
    VirtualCluster(state, tools).start()
    _create_stack(state, tools, sections or {})
    return state


def stop(*, purge: bool) -> None:
    """Stops every process of the rehearsal, forwards into it included; `purge` removes its state, the stack's too."""
    state = StateDir(rehearsal_state())
    if state.kubeconfig.exists():
        control.stop_all(Connection(state.kubeconfig.read_text()).server)
    cluster().stop(purge=purge)


def _create_stack(state: StateDir, tools: Tools, sections: Mapping[str, Any]) -> None:
    """A backend in a folder, a random passphrase, and the stack's derived config."""
    project = state.root / "project"
    if not state.passphrase.exists():
        write_private(state.passphrase, secrets.token_urlsafe(32))
    created = project / f"Pulumi.{REHEARSAL}.yaml"
    if not created.exists():
        state.backend.mkdir(mode=0o700, exist_ok=True)
        project.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(ROOT / "Pulumi.yaml", project)
        # in a folder of its own: the command writes the salt of the stack's secrets beside the project file it finds
        environment = {key: value for key, value in process_environment(REHEARSAL).items() if key != "PULUMI_OPTION_CONFIG_FILE"}
        subprocess.run(
            [tools.path("pulumi"), "-C", str(project), "stack", "init", REHEARSAL, "--non-interactive"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    derived = _document(ROOT / f"Pulumi.{REHEARSAL}.yaml") | _document(created)
    derived["config"]["sdg:cluster"]["kubeconfig"] = str(state.kubeconfig)
    derived["config"]["sdg:mirror"] = _mirror(state.service_urls()["charts"])
    derived["config"] |= {f"sdg:{key}": section for key, section in sections.items()}
    made = project / "derived.yaml"
    set_since = _set_since(stack_config(state), made)
    write_private(made, yaml.safe_dump(derived, sort_keys=False))
    derived["config"] |= set_since
    write_private(stack_config(state), yaml.safe_dump(derived, sort_keys=False))


def _set_since(config: Path, made: Path) -> dict[str, Any]:
    """What `pulumi config set` and editors wrote into a stack's derived config since we made it."""
    if not (config.exists() and made.exists()):
        return {}
    before = _document(made)["config"]
    return {key: value for key, value in _document(config)["config"].items() if before.get(key) != value}


def _mirror(server: str) -> dict[str, dict[str, str]]:
    """The rehearsal's server in place of everybody who publishes a chart: it serves the same paths."""
    charts = versions().charts.values()
    repositories = {_publisher(chart.repository) for chart in charts if isinstance(chart, RepositoryChart)}
    downloads = {_publisher(chart.file_url) for chart in charts if isinstance(chart, ChartFile)}
    return {"charts": dict.fromkeys(sorted(repositories), server), "downloads": dict.fromkeys(sorted(downloads), server)}


def _publisher(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document
