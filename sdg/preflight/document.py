"""Renders the preflight's tables: `docs/preflight.md`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sdg.catalog.azure_requirements import azure_requirements
from sdg.catalog.host_requirements import host_requirements
from sdg.catalog.preflight import PreflightCheck, checks, stage_minutes
from sdg.catalog.versions import versions

_HEADING = """# The preflight

    sdg preflight --stack NAME      # everything that stands in the way, then the plan; creates nothing, exit code 1 on any error
    sdg preflight --stack NAME --find-region [--region NAME]...   # in Azure: regions that have all it needs, what fails in others

Preview and update ask the same before they register a resource: an error refuses them, all errors at once, those of the settings among
them; a warning is said and stops nothing. The host is asked once per update, with one script that only reads and that uses the programs on
its PATH (`sdg/preflight/host/probe.sh`): on this machine, or over SSH where `sdg:cluster.host` names another. It needs nothing that a
deployment creates: on a bare host it says as much as on one that has everything. Generated from `sdg/catalog/preflight.yaml`,
`host_requirements.yaml`, `azure_requirements.yaml` and `stages.yaml`; `make docs` writes it anew.

## What is asked

| Check | A failure is | What is asked | Clusters | In CI |
|---|---|---|---|---|
"""
_AZURE = """
## Azure

Azure's resource manager is asked over HTTP, once per update, all questions at once and with nothing but reads: as the service principal,
the workload or managed identity, or the user of `az` that is found first. `sdg preflight` in a terminal of a host without a login shows a
code to type elsewhere (`az login --use-device-code`) and goes on when that is done; without `az`, only
where the stack or a variable names the subscription. Without a login, or where the subscription cannot be
read, that alone is said of Azure. A question that gets no answer is a failure, except where another failure explains it. What the login
may not read is a warning with the action that it lacks, and nobody has looked at it then: Reader on the subscription can read all but
whether PostgreSQL's name is free.

Nothing that a deployment creates is read, with two exceptions. Whether the stack's resource group exists is asked, because its own
resources must not stand in its own way: once it exists, taken names count as its own, what only matters where something new is made is a
warning (above: "error, later warning"), and a quota is short only if its limit could never do; what seems to be missing otherwise is a
warning, since the stack's own nodes are among those that use it. And of a private API server its name is read, so that this host can try to
reach it.

Quotas: a pool counts with its maximum, times the vCPUs that the region's own list of sizes says, against the size's family and against the
region's `cores`; spot pools count against `lowPriorityCores` alone. The nodes that an upgrade adds (10 %, rounded up; none for spot pools,
which are upgraded in place) are a warning where they alone are too many: everything can be made, and not be upgraded.

`--find-region` asks the stack's own region, those that are named with `--region`, and {regions}. A region
fits, does not, or is not known where a question about it got no answer. The exit code is 0 when one of them fits and nothing stands in the
way in all of them.

| Part of a stack | Resource providers | The deployer must be allowed |
|---|---|---|
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
For Azure nothing was measured; there, stages of several lanes run at the same time.

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
    return "".join([_HEADING, *_checks(), _AZURE.format(regions=_regions()), *_parts(), _SIZES, *_requests(), _STAGES, *_stages()])


def _checks() -> Iterator[str]:
    for name, check in checks().items():
        in_ci = "no" if check.host else "yes"
        severity = f"{check.severity}, later {check.later}" if check.later else check.severity
        yield f"| `{name}` | {severity} | {asks(check)} | {', '.join(check.clusters)} | {in_ci} |\n"


def _regions() -> str:
    *first, last = azure_requirements().regions
    return f"{', '.join(first)} and {last}"


def _parts() -> Iterator[str]:
    for part, needed in azure_requirements().parts.items():
        namespaces = dict.fromkeys([*needed.namespaces, *(kind.partition("/")[0] for kind in needed.types)])
        actions = [*(f"{kind}/write" for kind in needed.types), *needed.actions]
        yield f"| {part} | {', '.join(namespaces)} | {', '.join(f'`{action}`' for action in actions)} |\n"


def _requests() -> Iterator[str]:
    for part, request in host_requirements().requests.items():
        yield f"| {part.replace('_', ' ')} | {request.cpu:g} | {request.memory} |\n"


def _stages() -> Iterator[str]:
    for name, (least, most) in stage_minutes().items():
        yield f"| {name} | {least:g} | {most:g} |\n"
