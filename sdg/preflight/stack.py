"""What is checked on every preview and update before a resource is registered. Reads only, and nothing that a deployment creates."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sdg.catalog.host_requirements import host_requirements
from sdg.catalog.preflight import checks
from sdg.forward.wanted import targets
from sdg.osmo_cli import installed
from sdg.osmo_cli.installer import NAME as CLIENT
from sdg.preflight import api_server, charts, context, port
from sdg.preflight.cache import once_per_update
from sdg.preflight.host import answers, asking
from sdg.preflight.host.checks import WantedHost, findings
from sdg.preflight.model import Finding, Subject, capital
from sdg.settings.azure import Azure
from sdg.settings.azure_rules import azure_warnings
from sdg.settings.azure_versions import accepted_versions
from sdg.settings.cluster import ExistingCluster, MicroK8s, SshHost
from sdg.this_host import in_ci

if TYPE_CHECKING:
    from sdg.inference.pools import Host


def problems(subject: Subject) -> list[Finding]:
    """What fails, in the order of the table. Hosts and Azure are asked once per update, everything else every time."""
    order = list(checks())
    return sorted(_problems(subject), key=lambda finding: order.index(finding.check))


def _problems(subject: Subject) -> Iterator[Finding]:
    if subject.server and (unreachable := api_server.problem(subject.server)):
        yield Finding.of("api-server", unreachable)
    yield from _ports(subject)
    yield from (Finding("charts", sentence) for sentence in charts.problems(subject.sections, subject.project))
    yield from _client(subject)
    yield from _endpoints(subject)
    cluster = subject.sections.get("cluster")
    if isinstance(cluster, Azure):
        # they take a while to import, and no other stack needs them
        from sdg.preflight import budget  # noqa: PLC0415
        from sdg.preflight.azure import stack as azure  # noqa: PLC0415

        yield from (Finding("advice", sentence) for sentence in azure_warnings(cluster))
        if accepted := accepted_versions(cluster, subject.sections.get("platform")):
            yield Finding("unvalidated", accepted)
        yield from azure.findings(subject, cluster)
        yield from budget.findings(subject, cluster)
    if isinstance(cluster, MicroK8s):
        address = cluster.host.address if cluster.host else None
        path = subject.project / Path(cluster.kubeconfig).expanduser()
        taken = context.problem(path, cluster.name, subject.owner, host_requirements().ports[0], address)
        yield from [taken] if taken else []
        yield from _host_key(cluster.host) if cluster.host else ()
        yield from _host(subject, cluster)


def _ports(subject: Subject) -> Iterator[Finding]:
    forward, cluster = subject.sections.get("forward"), subject.sections.get("cluster")
    if forward is None or not forward.enabled:
        return
    name = cluster.name if isinstance(cluster, ExistingCluster | MicroK8s) else None
    for number, target in targets(forward).items():
        if taken := port.problem(number, target, name, subject.server.url if subject.server else None):
            yield Finding("forward-port", f"{capital(taken.seen)}.", f"{capital(taken.remedy)}.")


def _client(subject: Subject) -> Iterator[Finding]:
    program = shutil.which(CLIENT, path=subject.environ.get("PATH", ""))
    if program is None:
        return
    said = once_per_update(
        f"{CLIENT} {program}", lambda: {"problem": installed.look(Path(program), host_requirements().answer_within) or ""}
    )
    if said["problem"]:
        yield Finding("osmo-cli", capital(said["problem"]))


def _host_key(host: SshHost) -> Iterator[Finding]:
    if host.host_key is None:
        yield Finding(
            "host-key",
            f"sdg:cluster.host.hostKey is unset, so whoever answers at {host.address} is trusted: with commands that run as root there, "
            "and with the administrator's kubeconfig that comes back.",
            f'Pin it: `pulumi config set --path sdg:cluster.host.hostKey "$(ssh-keyscan -p {host.port} -t ed25519 {host.address} '
            "2>/dev/null | cut -d' ' -f2-)\"`, and compare it with /etc/ssh/ssh_host_ed25519_key.pub on the host.",
        )


def _endpoints(subject: Subject) -> Iterable[Finding]:
    if not subject.inference.endpoints and subject.workload is None:
        return ()
    from sdg.preflight.inference import stack as endpoints  # noqa: PLC0415 -- it takes a while to import

    return endpoints.findings(subject, _machine(subject))


def _machine(subject: Subject) -> Host | None:
    """What the machine of a MicroK8s has, where it may be asked."""
    from sdg.inference.pools import Host  # noqa: PLC0415

    cluster = subject.sections.get("cluster")
    if not isinstance(cluster, MicroK8s) or in_ci(subject.environ):
        return None
    said = answers.parse(_asked(subject, cluster.host).text)
    return Host(len(said.gpus) or None, said.cores, said.memory / 1024 if said.memory else None)


def _host(subject: Subject, cluster: MicroK8s) -> Iterable[Finding]:
    if in_ci(subject.environ):
        return [Finding("not-in-ci", "CI is set, so the host is not asked whether it fits.")]
    reply = _asked(subject, cluster.host)
    said = answers.parse(reply.text)
    host = f"the host {cluster.host.address}" if cluster.host else "this host"
    if reply.failure or said.asked_last is not None:
        last = f"; the last question went to {said.asked_last}" if said.asked_last else ""
        cause = reply.failure or "its answers end too early"
        ssh = cluster.host
        remedy = f"Try: `ssh -p {ssh.port} {ssh.user}@{ssh.address} true`." if ssh else f"See what {said.asked_last or 'sh'} does there."
        return [Finding("host", f"{capital(host)} does not answer what is asked of it ({cause}{last}).", remedy)]
    return findings(WantedHost(cluster, subject.sections, subject.owner, host), said)


def _asked(subject: Subject, host: SshHost | None) -> asking.Reply:
    question = "\n".join([asking.script(), host.model_dump_json() if host else "", subject.environ.get("PATH", "")])
    timeout = host_requirements().answer_within

    def ask() -> dict[str, str]:
        return dataclasses.asdict(asking.ask(host, subject.secrets.get("sshPrivateKey"), subject.environ, timeout))

    return asking.Reply(**once_per_update(question, ask))
