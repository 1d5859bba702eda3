"""A stack's settings and its way into the cluster, for commands that work beside the engine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cli.project import ROOT
from cli.pulumi import Engine
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.settings.cluster import ExistingCluster
from sdg.settings.kubeconfig import candidates, read_kubeconfig
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse


@dataclass(frozen=True, slots=True)
class StackAccess:
    """What a stack says, and how its cluster is reached; `connection` is None when the stack makes the cluster."""

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
    if not isinstance(settings.cluster, ExistingCluster):
        return StackAccess(settings, None)
    environment = os.environ | engine.environment
    kubeconfig = read_kubeconfig(candidates(settings.cluster.kubeconfig, environment, ROOT), settings.cluster.context)
    return StackAccess(settings, Connection(kubeconfig.text, kubeconfig.context))


def api(engine: Engine) -> KubernetesApi | None:
    """The API of a stack's cluster; None when the stack makes the cluster. Raises as `access` does."""
    connection = access(engine).connection
    return KubernetesApi.connect(connection) if connection else None
