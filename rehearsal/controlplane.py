"""Command lines of the virtual cluster's processes, and the files that they read. Pure: nothing is started here."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import yaml

from rehearsal.pki import Pki
from rehearsal.processes import Command
from rehearsal.state import CONTEXT, HOST, StateDir, read_json
from rehearsal.tools import Tools

PACKAGE = Path(__file__).resolve().parent
STAGES = PACKAGE / "stages"
# the defaults (20 and 30 a second) take 50 s for 1,000 pods
CLIENT_RATE = ("--kube-api-qps=500", "--kube-api-burst=1000")
LEASE_SECONDS = 40  # without leases the node controller marks nodes NotReady after about 40 s


def kubeconfig(pki: Pki, port: int) -> str:
    """Text of a kubeconfig with everything inline and one context."""
    authority = pki.authority.read_bytes()
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [
                {"name": CONTEXT, "cluster": {"server": f"https://{HOST}:{port}", "certificate-authority-data": _base64(authority)}}
            ],
            "users": [{"name": CONTEXT, "user": {"token": pki.token()}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        },
        sort_keys=False,
    )


def etcd(state: StateDir, tools: Tools, ports: Mapping[str, int], pki: Pki) -> Command:
    """etcd for one throw-away member; clients need the cluster's certificate, since every user of the machine can connect."""
    client, peer = f"https://{HOST}:{ports['etcd']}", f"https://{HOST}:{ports['etcd-peer']}"
    argv = (
        str(tools.path("etcd")),
        "--name=rehearsal",
        f"--data-dir={state.etcd}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=rehearsal={peer}",
        *(f"--{side}{flag}" for side in ("", "peer-") for flag in _trust(pki)),
        "--log-level=warn",
    )
    return Command("etcd", argv, _connection(ports, pki))


def apiserver(tools: Tools, ports: Mapping[str, int], pki: Pki) -> Command:
    """The API server."""
    argv = (
        str(tools.path("kube-apiserver")),
        f"--etcd-servers=https://{HOST}:{ports['etcd']}",
        f"--etcd-cafile={pki.authority}",
        f"--etcd-certfile={pki.certificate}",
        f"--etcd-keyfile={pki.key}",
        f"--bind-address={HOST}",
        f"--secure-port={ports['apiserver']}",
        f"--tls-cert-file={pki.certificate}",
        f"--tls-private-key-file={pki.key}",
        f"--token-auth-file={pki.tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.accounts_key}",
        f"--service-account-signing-key-file={pki.accounts_key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        f"--kubelet-certificate-authority={pki.authority}",
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
    )
    return Command("kube-apiserver", argv, _connection(ports, pki))


def controller_manager(state: StateDir, tools: Tools, ports: Mapping[str, int], pki: Pki) -> Command:
    """The controllers; serves nothing."""
    argv = (
        str(tools.path("kube-controller-manager")),
        f"--kubeconfig={state.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--service-account-private-key-file={pki.accounts_key}",
        f"--root-ca-file={pki.authority}",
        *CLIENT_RATE,
    )
    return Command("kube-controller-manager", argv, _connection(ports, pki))


def scheduler(state: StateDir, tools: Tools, ports: Mapping[str, int], pki: Pki) -> Command:
    """The scheduler; serves nothing."""
    argv = (str(tools.path("kube-scheduler")), f"--kubeconfig={state.kubeconfig}", "--leader-elect=false", "--secure-port=0", *CLIENT_RATE)
    return Command("kube-scheduler", argv, _connection(ports, pki))


def kwok(state: StateDir, tools: Tools, ports: Mapping[str, int], pki: Pki) -> Command:
    """The nodes: leases, pod states, logs and port-forwards."""
    argv = (
        str(tools.path("kwok")),
        f"--kubeconfig={state.kubeconfig}",
        f"--config={state.kwok}",
        "--manage-all-nodes=true",
        "--cidr=10.244.0.1/16",
        f"--node-ip={HOST}",
        f"--node-port={ports['kubelet']}",
        # without this it would listen on all addresses
        f"--server-address={HOST}:{ports['kubelet']}",
        f"--tls-cert-file={pki.certificate}",
        f"--tls-private-key-file={pki.key}",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",
        "--enable-crds=PortForward,Logs",
    )
    return Command("kwok", argv, version=_short_hash(_connection(ports, pki) + kwok_configuration(state)))


def kwok_configuration(state: StateDir) -> str:
    """The stages, and an empty log for every pod that has none of its own: `kubectl logs` would fail without."""
    empty = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "empty"},
        "spec": {"logs": [{"logsFile": str(state.pod_logs / "empty.log"), "previousLogsFile": str(state.pod_logs / "empty.log")}]},
    }
    stages = [path.read_text() for path in sorted(STAGES.glob("*.yaml"))]
    return "\n---\n".join([*stages, yaml.safe_dump(empty)])


def daemon(state: StateDir, ports: Mapping[str, int], pki: Pki) -> Command:
    """The services and loops in Python. Restarted when their code has changed."""
    folders = (("services", "*.py"), ("azure", "*"), ("charts", "*"), ("nims", "*"))
    sources = sorted([*PACKAGE.glob("*.py"), *(path for folder, names in folders for path in (PACKAGE / folder).rglob(names))])
    stamps = [(str(path.relative_to(PACKAGE)), path.stat().st_mtime_ns) for path in sources if path.is_file() and path.suffix != ".pyc"]
    version = _short_hash(json.dumps([stamps, dict(ports), _connection(ports, pki)]))
    argv = (sys.executable, "-m", "rehearsal.daemon", str(state.root))
    return Command("daemon", argv, version=version, environment=(("PYTHONPATH", str(PACKAGE.parent)),))


def host(state: StateDir, ports: Mapping[str, int]) -> Command:
    """The virtual host's server. Restarted when its code has changed, or the machine that it is."""
    sources = sorted([*PACKAGE.glob("*.py"), *(PACKAGE / "host").rglob("*")])
    stamps = [(str(path.relative_to(PACKAGE)), path.stat().st_mtime_ns) for path in sources if path.suffix in {".py", ".yaml"}]
    version = _short_hash(json.dumps([stamps, ports["host"], read_json(state.profile)]))
    argv = (sys.executable, "-m", "rehearsal.host.server", str(state.root))
    return Command("host", argv, version=version, environment=(("PYTHONPATH", str(PACKAGE.parent)),))


def _trust(pki: Pki) -> tuple[str, ...]:
    return (
        f"cert-file={pki.certificate}",
        f"key-file={pki.key}",
        f"trusted-ca-file={pki.authority}",
        "client-cert-auth",
    )


def _connection(ports: Mapping[str, int], pki: Pki) -> str:
    """Changes with what a process learns about the others when it starts, and never again."""
    return _short_hash(kubeconfig(pki, ports["apiserver"]))


def _short_hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
