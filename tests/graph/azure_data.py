"""PostgreSQL, Redis, storage and key vault of an Azure cluster, made under mocks: what was registered, and what OSMO gets of it."""

import asyncio
import base64
import json
from dataclasses import dataclass, field

import pulumi
import pytest
from pulumi.runtime import mocks

from components.cluster.azure.azure import AzureCluster
from components.cluster.azure.stored import Stored
from sdg.azure.account import Account
from sdg.azure.deployer import Deployer
from sdg.azure.kubeconfig import Login
from sdg.azure.made_of import UsedServices
from sdg.settings.azure import Azure

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
KUBECONFIG = base64.b64encode(
    json.dumps(
        {
            "clusters": [{"name": "aks", "cluster": {"server": "https://aks.example"}}],
            "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": "admin"}}],
            "current-context": "aks",
            "users": [{"name": "admin", "user": {"token": "planted-token"}}],
        }
    ).encode()
).decode()
KEYS = {
    "azure-native:redisenterprise:listDatabaseKeys": {"primaryKey": "planted-redis-key", "secondaryKey": "other"},
    "azure-native:storage:listStorageAccountKeys": {"keys": [{"keyName": "key1", "permissions": "Full", "value": "planted-storage-key"}]},
    "azure-native:containerservice:listManagedClusterAdminCredentials": {"kubeconfigs": [{"name": "a", "value": KUBECONFIG}]},
    "azure-native:authorization:getClientConfig": {"clientId": "c", "objectId": "o", "subscriptionId": SUBSCRIPTION, "tenantId": "t"},
}
COMPUTED = {
    "azure-native:dbforpostgresql:Server": {"fullyQualifiedDomainName": "psql.postgres.database.azure.com"},
    "azure-native:redisenterprise:RedisEnterprise": {"hostName": "redis.eastus2.redis.azure.net"},
    "azure-native:managedidentity:UserAssignedIdentity": {"principalId": "planted-principal", "clientId": "planted-client"},
    "azure-native:dashboard:Grafana": {"identity": {"principalId": "grafana-principal"}},
    "azure-native:containerservice:ManagedCluster": {"oidcIssuerProfile": {"issuerURL": "https://issuer"}},
    "azure-native:network:PublicIPAddress": {"ipAddress": "203.0.113.9"},
    "pulumi-python:dynamic/secret:Generated": {"value": "planted-database-password"},
}


@dataclass
class Made:
    """What was registered: inputs, types, options and direct edges, by resource name; and what OSMO gets of it."""

    inputs: dict = field(default_factory=dict)
    types: dict = field(default_factory=dict)
    requests: dict = field(default_factory=dict)
    edges: dict = field(default_factory=dict)
    services: dict = field(default_factory=dict)
    ready: dict = field(default_factory=dict)

    def of(self, kind):
        return [name for name, type_ in self.types.items() if type_ == f"azure-native:{kind}"]

    def before(self, name):
        """Everything that comes before a resource, directly or not."""
        seen, todo = set(), list(self.edges[name])
        while todo:
            if (current := todo.pop()) not in seen:
                seen.add(current)
                todo += self.edges.get(current, ())
        return seen


class Recorder(mocks.MockMonitor):
    def __init__(self, made):
        super().__init__(Answers(made))
        self._made = made

    def RegisterResource(self, request):
        urns = {*request.dependencies, *(urn for entry in request.propertyDependencies.values() for urn in entry.urns)}
        self._made.edges[request.name] = {urn.split("::")[3] for urn in urns}
        self._made.requests[request.name] = request
        return super().RegisterResource(request)


class Answers(mocks.Mocks):
    def __init__(self, made):
        self._made = made

    def new_resource(self, args):
        self._made.types[args.name], self._made.inputs[args.name] = args.typ, args.inputs
        outputs = {**args.inputs, "name": args.name, **COMPUTED.get(args.typ, {})}
        if isinstance(identity := outputs.get("identity"), dict) and isinstance(identity.get("userAssignedIdentities"), list):
            outputs["identity"] = {**identity, "userAssignedIdentities": {}}
        return f"/{args.name}", outputs

    def call(self, args):
        return KEYS[args.token]


MADE = {}


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def make(loop):
    """Makes an Azure cluster of some settings, once."""

    def of(wanted=None, **settings):
        key = repr((wanted, settings))
        if key not in MADE:
            MADE[key] = anew(wanted, **settings)
        return MADE[key]

    def anew(wanted=None, *, retain=False, before=None, **settings):
        asyncio.set_event_loop(loop)
        made = Made()
        mocks.set_mocks(Answers(made), project="sdg", stack="test", monitor=Recorder(made))
        account, deployer = Account(SUBSCRIPTION, "tenant", "a test"), Deployer(Login("azurecli"), "User")

        def program():
            chosen = Azure.model_validate({"kind": "azure", **settings})
            binding = AzureCluster(
                "azure",
                chosen,
                account,
                deployer,
                driver="operator",
                wanted=wanted or UsedServices(),
                before=before or Stored(),
                retain=retain,
            ).binding
            for part in ("database", "redis", "store"):
                found = getattr(binding.services, part)
                for key in (slot for slot in found.__slots__ if slot != "resources") if found else ():
                    value = pulumi.Output.from_input(getattr(found, key))
                    secret = pulumi.Output.from_input(value.is_secret())
                    pulumi.Output.all(part=part, key=key, value=pulumi.Output.unsecret(value), secret=secret).apply(
                        lambda each: made.services.update({(each["part"], each["key"]): (each["value"], each["secret"])})
                    )
            of_each = {part: getattr(binding.services, part) for part in ("database", "redis", "store")}
            made.ready = {part: {resource._name for resource in found.resources} for part, found in of_each.items() if found}

        pulumi.runtime.test(program)()
        return made

    return of


@pytest.fixture
def made(make):
    return make()
