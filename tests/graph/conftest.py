"""The program under mocks: what it registers, with which inputs, and what depends on what."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Graph:
    """What a run of the program registered. A gate's verdict is called `<gate>/verdict`; its record has the gate's name.

    Attributes:
        inputs: by resource name.
        types: type token by resource name.
        edges: names of the resources that a resource depends on directly.
        requests: the registrations themselves, by resource name.
        invokes: what was asked: its token, and the provider that was.
        outputs: the stack's outputs.
    """

    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    edges: dict[str, set[str]] = field(default_factory=dict)
    requests: dict[str, Any] = field(default_factory=dict)
    invokes: list[tuple[str, str]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of_type(self, token: str) -> list[str]:
        return [name for name, type_ in self.types.items() if type_ == token]

    def waits_for(self, name: str) -> set[str]:
        """Everything that comes before a resource, directly or not."""
        seen: set[str] = set()
        todo = list(self.edges[name])
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                todo += self.edges.get(current, ())
        return seen


class Monitor(mocks.MockMonitor):
    """Keeps the edges too, which mocks don't show."""

    def __init__(self, graph: Graph, answers: Answers) -> None:
        super().__init__(answers)
        self._graph = graph

    def RegisterResource(self, request: Any) -> Any:
        urns = {*request.dependencies, *(urn for entry in request.propertyDependencies.values() for urn in entry.urns)}
        name = _key(request.type, request.name)
        self._graph.edges[name] = {_key(type_, resource) for type_, resource in (urn.split("::")[2:] for urn in urns)}
        self._graph.requests[name] = request
        return super().RegisterResource(request)


class Answers(mocks.Mocks):
    """Answers as providers would; in a preview of a first update nothing that they compute is known."""

    def __init__(self, graph: Graph, computed: Mapping[str, Mapping[str, Any]], state: Mapping[str, Any]) -> None:
        self._graph = graph
        self._computed = computed
        self._state = state

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        name = _key(args.typ, args.name)
        self._graph.types[name] = args.typ
        self._graph.inputs[name] = args.inputs
        return f"{args.name}-id", {**args.inputs, **self._computed.get(args.typ, {}), **_identity(args.inputs)}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        if args.token == "pulumi:pulumi:readStackResourceOutputs":  # the engine's own
            return {"outputs": self._state}
        if args.token not in INVOKED:
            raise AssertionError(f"unexpected invoke {args.token}")
        self._graph.invokes.append((args.token, args.provider))
        return INVOKED[args.token]


def _identity(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """ARM takes a list of identities, and answers with what each of them is."""
    given = inputs.get("identity")
    if not isinstance(given, Mapping):
        return {}
    own = {each: {"principalId": "principal", "clientId": "client"} for each in given.get("userAssignedIdentities") or ()}
    return {"identity": {**given, "userAssignedIdentities": own, "principalId": "principal", "tenantId": "tenant"}}


COMPUTED: dict[str, dict[str, Any]] = {
    "pulumi-python:dynamic/secret:Generated": {"value": "generated-value"},
    "pulumi-python:dynamic/osmo:Adopted": {
        "values": {"osmo-minimal": {"by": "hand"}, "osmo-operator": {"by": "hand"}},
        "contents": {"osmo-minimal/osmo-workflow-data-cred": {"region": "kept"}},
    },
    "pulumi-python:dynamic/osmo:BackendToken": {"value": "backend-token", "previous": "token-before"},
    "pulumi-python:dynamic/osmo:Database": {"tables": 0},
    "pulumi-python:dynamic/osmo:OperatorToken": {"value": "minted-token", "expires": "2027-01-01"},
    "pulumi-python:dynamic/gate:Record": {
        "status": "passed",
        "checks": [],
        "evidence": {"storageClass": "fast", "kubernetes": "v1.36.3"},
        "lastGreen": {},
        "askedAt": "2026-01-01T00:00:00+00:00",
    },
    "kubernetes:helm.sh/v3:Release": {"status": {"revision": 1, "status": "deployed"}},
    "pulumi-python:dynamic/gate:Verdict": {"status": "passed"},
    "pulumi-python:dynamic/forward:Forward": {"url": "http://localhost:9000"},
}

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "lab",
    "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
    "users": [{"name": "lab", "user": {"token": "planted-cluster-token"}}],
}
COMPUTED |= {f"command:{where}:Command": {"stdout": yaml.safe_dump(KUBECONFIG), "stderr": ""} for where in ("local", "remote")}

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"
KUBELOGIN = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin"}
LOGIN = {"exec": {**KUBELOGIN, "args": ["get-token", "--login", "devicecode"]}}
COMPUTED |= {
    "azure-native:cognitiveservices:Account": {"name": "foundry"},
    "azure-native:containerservice:ManagedCluster": {
        "name": "aks-sdg-dev",
        "fqdn": "aks-sdg-dev.hcp.eastus2.azmk8s.io",
        "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://issuer.example/"},
    },
    "azure-native:dbforpostgresql:Server": {"fullyQualifiedDomainName": "psql.postgres.database.azure.com"},
    "azure-native:keyvault:Vault": {"name": "vault"},
    "azure-native:machinelearningservices:ServerlessEndpoint": {
        "properties": {"inferenceEndpoint": {"uri": "https://phi-4-abcde.eastus2.models.ai.azure.com"}}
    },
    "azure-native:managedidentity:UserAssignedIdentity": {"principalId": "principal", "clientId": "osmo-client", "tenantId": TENANT},
    "azure-native:network:PublicIPAddress": {"ipAddress": "203.0.113.9"},
    "azure-native:redisenterprise:RedisEnterprise": {"hostName": "redis.eastus2.redis.azure.net"},
    "azure-native:storage:StorageAccount": {"name": "stsdgdev"},
}


def _encoded(user: Mapping[str, Any]) -> dict[str, Any]:
    text = yaml.safe_dump({**KUBECONFIG, "users": [{"name": "lab", "user": user}]})
    return {"kubeconfigs": [{"name": "clusterAdmin", "value": base64.b64encode(text.encode()).decode()}]}


INVOKED: dict[str, dict[str, Any]] = {
    "azure-native:authorization:getClientConfig": {
        "clientId": "deployer-client",
        "objectId": "deployer",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    },
    "azure-native:cognitiveservices:listAccountKeys": {"key1": "planted-foundry-key", "key2": "planted-second-foundry-key"},
    "azure-native:containerservice:listManagedClusterAdminCredentials": _encoded({"token": "planted-cluster-token"}),
    "azure-native:containerservice:listManagedClusterUserCredentials": _encoded(LOGIN),
    "azure-native:machinelearningservices:listServerlessEndpointKeys": {
        "primaryKey": "planted-serverless-key",
        "secondaryKey": "planted-second-serverless-key",
    },
    "azure-native:redisenterprise:listDatabaseKeys": {"primaryKey": "planted-redis-key", "secondaryKey": "planted-second-redis-key"},
    "azure-native:storage:listStorageAccountKeys": {
        "keys": [{"keyName": "key1", "value": "planted-storage-key", "permissions": "Full", "creationTime": "2026-01-01T00:00:00Z"}]
    },
}


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What invokes answer, by token; a test may change it for itself."""
    answers = dict(INVOKED)
    monkeypatch.setitem(globals(), "INVOKED", answers)
    return answers


def _key(type_: str, name: str) -> str:
    return f"{name}/verdict" if type_.endswith("gate:Verdict") else name


Run = Callable[..., Graph]


@pytest.fixture
def run_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `__main__.py` with the given sections of `sdg:`; the cluster is one that exists, and answers.

    `state` holds outputs of resources from before, each with its type, by URN; nothing when it isn't given.
    """
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))
    monkeypatch.setattr("sdg.preflight.stack.problems", lambda _subject: ())
    for name in [name for name in os.environ if name.startswith(("ARM_", "AZURE_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", SUBSCRIPTION)
    monkeypatch.setenv("ARM_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path))

    loop = asyncio.new_event_loop()

    def run(
        *,
        preview: bool = False,
        computed: Mapping[str, Mapping[str, Any]] | None = None,
        state: Mapping[str, Any] | None = None,
        **sections: Any,
    ) -> Graph:
        chosen = sections.pop("cluster", {})
        in_azure = chosen.get("kind") == "azure"
        cluster = chosen if in_azure else {"kind": "existing", "name": "lab", "kubeconfig": str(kubeconfig), **chosen}
        config = {"cluster": cluster, **sections}
        graph = Graph()
        # other tests may have closed this thread's loop
        asyncio.set_event_loop(loop)
        runtime_config.set_all_config(
            {f"sdg:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        )
        answers = Answers(graph, {} if preview else {**COMPUTED, **(computed or {})}, state or {})
        mocks.set_mocks(answers, project="sdg", stack="test", monitor=Monitor(graph, answers), preview=preview)
        pulumi.runtime.test(lambda: _program(graph))()
        return graph

    yield run
    runtime_config.set_all_config({})
    loop.close()


def _program(graph: Graph) -> pulumi.Output[None]:
    exported: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        # under mocks there is no stack that would keep them
        patch.setattr(pulumi, "export", exported.__setitem__)
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
    return pulumi.Output.all(**exported).apply(graph.outputs.update)
