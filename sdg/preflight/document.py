"""Renders the preflight's tables: `docs/preflight.md`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sdg.catalog.host_requirements import host_requirements
from sdg.catalog.preflight import PreflightCheck, checks, stage_minutes
from sdg.catalog.versions import versions

_HEADING = """# The preflight

    sdg preflight --stack NAME      # everything that stands in the way, then the plan; creates nothing, exit code 1 on any error

Preview and update ask the same before they register a resource: an error refuses them, all errors at once, those of the settings among
them; a warning is said and stops nothing. The host is asked once per update, with one script that only reads and that uses the programs on
its PATH (`sdg/preflight/host/probe.sh`): on this machine, or over SSH where `sdg:cluster.host` names another. It needs nothing that a
deployment creates: on a bare host it says as much as on one that has everything. Generated from `sdg/catalog/preflight.yaml`,
`host_requirements.yaml` and `stages.yaml`; `make docs` writes it anew.

## What is asked

| Check | A failure is | What is asked | Clusters | In CI |
|---|---|---|---|---|
"""
_SIZES = """
## What the pods ask for

Memory and cores are errors only where the parts that a stack chose, the smoke workflow's task and its sidecar can never fit.

| Part | CPUs | MiB |
|---|---|---|
"""
_STAGES = """
## How long stages take

Estimates in minutes, for a first update: the least where images and snaps are near, the most on a slow line.

| Stage | Least | Most |
|---|---|---|
"""


def asks(check: PreflightCheck) -> str:
    """What a check asks, with today's numbers."""
    needed = host_requirements()
    return check.asks.format(
        snapd=needed.snapd,
        disk=needed.disk,
        memory=needed.memory,
        cores=needed.cores,
        ports=", ".join(map(str, needed.ports)),
        gpu_driver=versions().microk8s.gpu_driver,
        osmo_cli=versions().osmo_cli.oldest,
    )


def preflight_markdown() -> str:
    """The text of `docs/preflight.md`."""
    return "".join([_HEADING, *_checks(), _SIZES, *_requests(), _STAGES, *_stages()])


def _checks() -> Iterator[str]:
    for name, check in checks().items():
        in_ci = "no" if check.host else "yes"
        yield f"| `{name}` | {check.severity} | {asks(check)} | {', '.join(check.clusters)} | {in_ci} |\n"


def _requests() -> Iterator[str]:
    for part, request in host_requirements().requests.items():
        yield f"| {part.replace('_', ' ')} | {request.cpu:g} | {request.memory} |\n"


def _stages() -> Iterator[str]:
    for name, (least, most) in stage_minutes().items():
        yield f"| {name} | {least:g} | {most:g} |\n"
