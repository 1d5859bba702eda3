"""PostgreSQL, Redis, storage and key vault of an Azure cluster: what is made, in which order, who reaches it, and what locks it."""

import asyncio
import base64
import itertools
import json
from dataclasses import dataclass, field

import pulumi
import pytest
from pulumi.runtime import mocks

from components.cluster.azure.azure import AzureCluster
from components.cluster.azure.stored import Stored
from rehearsal.azure import differences, kinds
from sdg.azure.account import Account
from sdg.azure.deployer import Deployer
from sdg.azure.kubeconfig import Login
from sdg.azure.made_of import UsedServices, broken, made_of
from sdg.azure.names import Names
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


def test_nothing_of_it_is_public_and_everything_speaks_tls(make):
    made = make(keyVault={"enabled": True}, allowedRanges=["198.51.100.7/32"])
    assert made.inputs["database-server"]["network"]["publicNetworkAccess"] == "Disabled"
    assert made.inputs["require-secure-transport"]["value"] == "on"
    redis = made.inputs["redis"]
    assert (redis["publicNetworkAccess"], redis["minimumTlsVersion"]) == ("Disabled", "1.2")
    assert made.inputs["redis-database"]["clientProtocol"] == "Encrypted"
    account = made.inputs["storage"]
    assert (account["minimumTlsVersion"], account["enableHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert (account["allowBlobPublicAccess"], account["networkRuleSet"]["defaultAction"]) == (False, "Deny")
    assert all(made.inputs[name]["publicAccess"] == "None" for name in made.of("storage:BlobContainer"))
    vault = made.inputs["key-vault"]["properties"]
    assert (vault["networkAcls"]["defaultAction"], vault["enableRbacAuthorization"]) == ("Deny", True)


def test_the_firewalls_know_the_allowed_addresses_in_their_own_form_and_nobody_else(make):
    made = make(keyVault={"enabled": True}, allowedRanges=["198.51.100.7/32", "203.0.113.0/24", "192.0.2.1"])
    rules = made.inputs["storage"]["networkRuleSet"]
    assert [rule["iPAddressOrRange"] for rule in rules["ipRules"]] == ["198.51.100.7", "203.0.113.0/24", "192.0.2.1"]
    # the network comes through private endpoints
    assert rules["virtualNetworkRules"] == []
    assert made.inputs["storage"]["publicNetworkAccess"] == "Enabled"
    assert not any("serviceEndpoints" in made.inputs[name] for name in made.of("network:Subnet"))
    assert [rule["value"] for rule in made.inputs["key-vault"]["properties"]["networkAcls"]["ipRules"]][:1] == ["198.51.100.7"]


@pytest.mark.parametrize("access", ["public", "private"])
def test_what_nobody_outside_reaches_has_no_public_side(make, access):
    made = make(keyVault={"enabled": True}, apiServer={"access": access})
    assert made.inputs["key-vault"]["properties"]["publicNetworkAccess"] == "Disabled"
    assert made.inputs["storage"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize(
    ("kind", "zone", "group"),
    [
        ("redis", "privatelink.redis.azure.net", "redisEnterprise"),
        ("blob", "privatelink.blob.core.windows.net", "blob"),
        ("vault", "privatelink.vaultcore.azure.net", "vault"),
    ],
)
def test_each_service_is_reached_by_its_public_name_at_a_private_address(make, kind, zone, group):
    made = make(keyVault={"enabled": True})
    assert made.inputs[f"{kind}-zone"]["privateZoneName"] == zone
    endpoint = made.inputs[f"{kind}-endpoint"]
    assert endpoint["subnet"] == {"id": "/subnet-endpoints"}
    (connection,) = endpoint["privateLinkServiceConnections"]
    assert connection["groupIds"] == [group]
    assert {f"{kind}-endpoint", f"{kind}-zone", f"{kind}-zone-link"} <= made.before(f"{kind}-zone-group")


@pytest.mark.parametrize(("kind", "service"), [("redis", "redis"), ("blob", "storage"), ("vault", "key-vault")])
def test_an_endpoint_is_made_anew_with_what_it_leads_to(make, kind, service):
    made = make(keyVault={"enabled": True})
    for part in ("endpoint", "zone-group"):
        request = made.requests[f"{kind}-{part}"]
        assert [urn.split("::")[3] for urn in request.replace_with] == [service]
        assert request.deleteBeforeReplace


def test_the_server_comes_after_the_zone_that_it_writes_its_name_into(made):
    assert {"postgres-zone", "postgres-zone-link", "subnet-database"} <= made.before("database-server")
    assert made.inputs["postgres-zone"]["privateZoneName"].endswith(".postgres.database.azure.com")


def test_a_server_and_an_account_get_one_change_at_a_time(made):
    assert "database" in made.before("azure-extensions")
    assert "azure-extensions" in made.before("require-secure-transport")
    chain = ["storage", "blob-service", "container-osmo-workflows", "container-datasets", "blob-endpoint"]
    for earlier, later in itertools.pairwise(chain):
        assert earlier in made.before(later)


def test_the_services_wait_neither_for_aks_nor_for_each_other(make):
    made = make(keyVault={"enabled": True})
    parts = {
        "database": {"require-secure-transport", "database"},
        "redis": {"redis-zone-group", "redis-database"},
        "storage": {"blob-zone-group"},
    }
    heads = {"database": "database-server", "redis": "redis", "storage": "storage", "aks": "aks"}
    for part, last in parts.items():
        before = set().union(*(made.before(name) for name in last))
        assert not before & {head for other, head in heads.items() if other != part}, part
    assert not made.before("aks") & set(heads.values()) - {"aks"}
    assert not made.before("key-vault") & set(heads.values())


def test_each_service_says_what_it_is_ready_with(made):
    assert made.ready["database"] == {"require-secure-transport"}
    assert made.ready["redis"] == {"redis-zone-group"}
    assert {"blob-zone-group", "role-osmo-blob"} < made.ready["store"]
    assert len(made.ready["store"]) == 3, "and the login of OSMO's pods"


def test_osmo_gets_what_it_needs_and_secrets_stay_secret(made):
    found = made.services
    assert found["database", "host"][0] == "psql.postgres.database.azure.com"
    assert found["database", "password"] == ("planted-database-password", True)
    assert (found["redis", "host"][0], found["redis", "port"][0], found["redis", "tls"][0]) == (
        "redis.eastus2.redis.azure.net",
        10000,
        True,
    )
    assert found["redis", "password"] == ("planted-redis-key", True)
    assert (found["store", "container"][0], found["store", "client_id"][0]) == ("osmo-workflows", "planted-client")
    assert found["store", "key"][0] is None


def test_with_an_identity_the_account_has_no_key_to_log_in_with(made):
    assert made.inputs["storage"]["allowSharedKeyAccess"] is False
    role = made.inputs["role-osmo-blob"]
    assert (role["principalType"], role["principalId"], role["scope"]) == ("ServicePrincipal", "planted-principal", "/storage")
    assert role["roleDefinitionId"].endswith("/ba92f5b4-2d11-453d-a403-e96b0029c9fe")


def test_with_a_key_there_is_neither_identity_nor_role(make):
    made = make(storage={"auth": "key"})
    assert made.inputs["storage"]["allowSharedKeyAccess"] is True
    assert made.services["store", "key"] == ("planted-storage-key", True)
    assert made.services["store", "client_id"][0] is None
    assert "role-osmo-blob" not in made.types


def test_no_key_and_no_password_stands_in_the_open(make):
    made = make(keyVault={"enabled": True}, storage={"auth": "key"})
    marked = "4dabf18193072939515e22adb298388d"  # of a secret in what the engine is sent
    for name, inputs in made.inputs.items():
        request = json.dumps(inputs, default=str)
        for planted in ("planted-database-password", "planted-redis-key", "planted-storage-key"):
            if planted in request:
                assert marked in str(made.requests[name].object), (name, planted)
                assert planted not in str([value for value in inputs.values() if marked not in str(value)]), (name, planted)


def test_the_vault_holds_copies_that_go_with_it(make):
    made = make(keyVault={"enabled": True}, storage={"auth": "key"})
    secrets = made.of("keyvault:Secret")
    assert set(secrets) == {"key-vault-database-password", "key-vault-redis-key", "key-vault-storage-key"}
    assert all(made.requests[name].deletedWith.endswith("::key-vault") for name in secrets)


@pytest.mark.parametrize(("asked", "sent"), [(True, {"enablePurgeProtection": True}), (False, {})])
def test_arm_is_never_told_that_there_is_no_purge_protection(make, asked, sent):
    properties = make(keyVault={"enabled": True, "purgeProtection": asked}).inputs["key-vault"]["properties"]
    assert {key: value for key, value in properties.items() if key == "enablePurgeProtection"} == sent


def test_a_production_database_has_a_standby_and_lasting_backups(make):
    server = make(preset="production", apiServer={"localAccounts": True}).inputs["database-server"]
    assert server["sku"] == {"name": "Standard_D4s_v3", "tier": "GeneralPurpose"}
    assert server["highAvailability"]["mode"] == "ZoneRedundant"
    assert server["backup"] == {"backupRetentionDays": 35, "geoRedundantBackup": "Enabled"}


def test_the_lifecycle_says_what_was_asked_for(make):
    made = make(storage={"coolAfterDays": 30, "deleteAfterDays": 90})
    cool, delete = made.inputs["lifecycle"]["policy"]["rules"]
    assert cool["definition"]["actions"]["baseBlob"]["tierToCool"] == {"daysAfterModificationGreaterThan": 30}
    assert delete["definition"]["actions"]["baseBlob"]["delete"] == {"daysAfterModificationGreaterThan": 90}
    assert delete["definition"]["filters"]["prefixMatch"] == ["osmo-workflows/"]
    assert "lifecycle" not in make().types


def test_what_osmo_has_elsewhere_is_not_made(make):
    made = make(UsedServices(database=False, redis=False, store=False))
    for kind in ("dbforpostgresql:Server", "redisenterprise:RedisEnterprise", "storage:StorageAccount"):
        assert made.of(kind) == []


RETAINED = ("dbforpostgresql:", "storage:", "keyvault:")


@pytest.mark.parametrize("retain", [True, False])
def test_retained_data_stays_with_all_that_it_lies_in(make, retain):
    made = make(retain=retain, keyVault={"enabled": True})
    kept = {name for name, request in made.requests.items() if request.retainOnDelete}
    own = {name for name, type_ in made.types.items() if type_.removeprefix("azure-native:").startswith(RETAINED)}
    around = {"resource-group", "network", "subnet-database", "nsg-database", "postgres-zone", "postgres-zone-link"}
    assert kept == (own | around if retain else set())


# settings → what each of the resources is that would be made anew, or refused to be changed
LOCKED = {
    "aks": "cluster",
    "database-server": "database",
    "redis": "redis",
    "storage": "storage",
    "key-vault": "key-vault",
    "redis-database": "redis",
    "database": "database",
    "container-osmo-workflows": "storage",
}
BASE = {"keyVault": {"enabled": True}, "tier": "Standard", "systemPool": {"zones": ["1"]}}
# every field of the settings with another value; those of observability and GPU pools change nothing that holds data
OTHER = {
    "location": "westeurope",
    "prefix": "other",
    "environment": "prod",
    "suffix": "aaaaa",
    "kubernetes": "1.34",
    "tier": "Premium",
    "allowedRanges": ["198.51.100.7/32"],
    "tags": {"a": "b"},
    "apiServer": [{"access": "private"}, {"adminGroups": [SUBSCRIPTION]}],
    "network": [
        {"range": "10.64.0.0/16"},
        {"pods": "10.200.0.0/16"},
        {"services": "172.30.0.0/16"},
        {"egress": "load-balancer"},
        {"subnets": {"nodes": "10.0.128.0/20"}},
        {"subnets": {"gpuNodes": "10.0.128.0/20"}},
        {"subnets": {"database": "10.0.128.0/24"}},
        {"subnets": {"endpoints": "10.0.128.0/24"}},
    ],
    "systemPool": [{"size": "Standard_D8ds_v5"}, {"min": 2}, {"max": 6}, {"zones": ["2"]}, {"osDiskGib": 256}, {"maxPods": 60}],
    "upgrades": [{"channel": "patch"}, {"nodeOs": "NodeImage"}],
    "database": [
        {"requireTls": False},
        {"size": "GP_Standard_D2s_v3"},
        {"version": "17"},
        {"storageGib": 64},
        {"highAvailability": "same-zone", "size": "GP_Standard_D2s_v3"},
        {"zone": "2"},
        {"backupDays": 14},
        {"geoBackup": True},
    ],
    "redis": [{"size": "Balanced_B3"}, {"highAvailability": True}],
    "storage": [
        {"redundancy": "GRS"},
        {"auth": "key"},
        {"containers": ["datasets", "more"]},
        {"versioning": True},
        {"softDeleteDays": 30},
        {"coolAfterDays": 30},
        {"redundancy": "ZRS"},
    ],
    "keyVault": [{"purgeProtection": True}],
}
# sections that concern one resource each, so that one of each can change at a time
APART = ("systemPool", "database", "redis", "storage", "keyVault")


def together():
    """Changes, as many at a time as can be told apart afterwards."""
    for key, changes in OTHER.items():
        if key not in APART:
            yield from ({key: change} for change in (changes if key in ("apiServer", "network", "upgrades") else [changes]))
    for changes in itertools.zip_longest(*(OTHER[key] for key in APART)):
        yield {key: change for key, change in zip(APART, changes, strict=True) if change}


def changed(changes):
    of = {key: {**BASE.get(key, {}), **change} if isinstance(change, dict) and key != "tags" else change for key, change in changes.items()}
    return {**BASE, **of}


# one of each section at a time, and what moves everything
FEW = ({"location": "westeurope"}, {"prefix": "other"}, {"network": {"pods": "10.200.0.0/16"}}, {key: OTHER[key][-1] for key in APART})


@pytest.mark.parametrize("every", [pytest.param(FEW, id="few"), pytest.param(tuple(together()), id="all", marks=pytest.mark.full)])
def test_whatever_makes_data_anew_is_locked(make, every):
    """The provider's and ARM's own rules say which inputs do; every one of them that a setting reaches has its lock."""
    before = make(**BASE)
    reached = set()
    for changes in every:
        settings = changed(changes)
        after = make(**settings)
        locked = {kind for kind, found in _broken(settings).items() if found}
        for name, kind in LOCKED.items():
            if found := _anew(before, after, name):
                reached |= {(key, kind) for key in changes}
                assert kind in locked, f"{changes} change {found} of {name}, which is not locked"
    assert {(key, kind) for key in ("location", "prefix") for kind in LOCKED.values()} <= reached
    assert {("network", "cluster"), ("systemPool", "cluster")} <= reached


def _anew(before, after, name):
    """Inputs of a resource whose change replaces it, or is refused."""
    old, new = before.inputs[name], after.inputs[name]
    known, ignored = kinds.of_token(before.types[name]), before.requests[name].ignoreChanges
    replaced = [each.path for each in differences.changes(known, old, new) if each.replaces]
    return {path for path in [*replaced, differences.refused(known, old, new)] if path and path not in ignored}


def _broken(settings):
    def facts(given):
        chosen = Azure.model_validate({"kind": "azure", **given})
        return made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), UsedServices())

    before, after = facts(BASE), facts(settings)
    return {kind: broken(kind, before[kind], after[kind]) for kind in before}


# what holds data → what lies in it
INSIDE = {
    "aks": ("azure-kubernetes",),
    "database-server": ("database",),
    "redis": ("redis-database", "redis-endpoint"),
    "storage": ("blob-service", "container-osmo-workflows", "blob-endpoint"),
    "key-vault": ("key-vault-database-password", "vault-endpoint"),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_lock_closes_when_its_resource_is_made_and_before_anything_lies_in_it(make, name):
    made = make(**BASE)
    lock = f"{LOCKED[name]}-lock"
    assert name in made.before(lock)
    for inside in INSIDE[name]:
        assert lock in made.before(inside)
    assert made.requests[name].deleteBeforeReplace
    assert not made.requests[name].replaceOnChanges


def state(**settings):
    chosen = Azure.model_validate({"kind": "azure", **settings})
    return Stored(made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), UsedServices()))


def test_only_what_is_unlocked_and_changed_is_made_anew(make):
    made = make(**BASE, before=state(**BASE), redis={"highAvailability": True}, unlock=["redis", "storage"])
    assert {name for name in INSIDE if made.requests[name].replaceOnChanges} == {"redis"}
    assert made.requests["database-server"].ignoreChanges == ["availabilityZone"]


def test_a_database_that_is_made_anew_begins_in_the_zone_that_it_is_told(make):
    made = make(**BASE, before=state(**BASE), database={"zone": "2"}, unlock=["database"])
    assert made.requests["database-server"].replaceOnChanges == ["*"]
    assert not made.requests["database-server"].ignoreChanges


def test_a_change_that_loses_data_stops_the_program_before_anything_is_registered(make):
    with pytest.raises(pulumi.RunError, match=r"redis\.highAvailability was off and is on now(.|\n)*storage\.redundancy") as refused:
        make(**BASE, before=state(**BASE), redis={"highAvailability": True}, storage={"redundancy": "ZRS"})
    assert str(refused.value).count("\n") == 1, "one sentence each, all at once"


def test_what_azure_never_finished_is_made_anew(make):
    made = make(**BASE, before=Stored(unfinished=frozenset({"cluster"})))
    assert {name for name in INSIDE if made.requests[name].replaceOnChanges} == {"aks"}


def test_azure_chooses_the_databases_zone_unless_the_stack_does(make):
    assert make().inputs["database-server"]["availabilityZone"] == "", "the SDK's default, with which Azure chooses"
    assert make(database={"zone": "2"}).inputs["database-server"]["availabilityZone"] == "2"
