"""What is checked on every preview and update before a resource is registered. Reads only, and takes well under a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sdg.forward.wanted import targets
from sdg.preflight import api_server, charts, port
from sdg.settings.cluster import ExistingCluster
from sdg.settings.kubeconfig import ApiServer
from sdg.settings.rules import Sections


def problems(sections: Sections, server: ApiServer | None) -> Iterator[str]:
    """Why the stack cannot be deployed from this host, one sentence each.

    Args:
        sections: those of the settings that could be read.
        server: where a cluster that exists answers; None when the stack makes it, or its kubeconfig cannot be used.
    """
    if server and (unreachable := api_server.problem(server)):
        yield unreachable
    forward, cluster = sections.get("forward"), sections.get("cluster")
    name = cluster.name if isinstance(cluster, ExistingCluster) else None
    for number, target in targets(forward).items() if forward and forward.enabled else ():
        if taken := port.problem(number, target, name, server.url if server else None):
            yield taken
    yield from charts.problems(sections, Path.cwd())
