"""A stack's settings and its way into the cluster, for commands that work beside the engine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.project import ROOT
from cli.pulumi import Engine
from rehearsal.azure import login
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.secrecy import UNKNOWN, unwrapped
from sdg.settings.azure import Azure
from sdg.settings.cluster import ExistingCluster
from sdg.settings.kubeconfig import candidates, read_kubeconfig
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse

PROVIDER: Final = "pulumi:providers:kubernetes"


@dataclass(frozen=True, slots=True)
class StackAccess:
    """What a stack says, and how its cluster is reached; `connection` is None when the stack makes the cluster and has not made it yet."""

    settings: StackSettings
    connection: Connection | None


def access(engine: Engine) -> StackAccess:
    """Reads a stack's config as the program does.

    Raises:
        PulumiError: there is no such stack.
        SettingsError: what the stack says is wrong.
        KubeconfigError: its kubeconfig cannot be used.
    """
    settings = parse(engine.config())
    if isinstance(settings.cluster, Azure):  # its kubeconfig may name a program, which has to be found and to know the login
        os.environ.update({name: value for name, value in engine.environment.items() if name == "PATH" or name in login.NAMES})
    if not isinstance(settings.cluster, ExistingCluster):
        return StackAccess(settings, _of_state(json.loads(engine.ask("stack", "export", "--show-secrets"))))
    environment = os.environ | engine.environment
    kubeconfig = read_kubeconfig(candidates(settings.cluster.kubeconfig, environment, ROOT), settings.cluster.context)
    return StackAccess(settings, Connection(kubeconfig.text, kubeconfig.context))


def api(engine: Engine) -> KubernetesApi | None:
    """The API of a stack's cluster; None when the stack makes the cluster and has not made it yet. Raises as `access` does."""
    connection = access(engine).connection
    return KubernetesApi.connect(connection) if connection else None


def _of_state(revealed: Mapping[str, Any]) -> Connection | None:
    """The way into a cluster that the stack made, as its Kubernetes provider has it, whatever became of the update that made it."""
    for resource in revealed["deployment"].get("resources") or ():
        inputs = resource.get("inputs") or {}
        if resource["type"] == PROVIDER and (kubeconfig := _known(inputs.get("kubeconfig"))):
            return Connection(kubeconfig, _known(inputs.get("context")))
    return None


def _known(value: object) -> str | None:
    """A text of an export with secrets shown; None for what a killed update never learned."""
    text = unwrapped(value)
    return text if isinstance(text, str) and text != UNKNOWN else None
