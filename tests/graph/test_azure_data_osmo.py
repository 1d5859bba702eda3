"""OSMO on what comes with an Azure cluster: its database, its Redis and its storage, and what it waits for."""

import json

import pytest

CLUSTER = {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}
SERVICES = {"require-secure-transport", "redis-zone-group", "blob-zone-group", "role-osmo-blob"}


@pytest.fixture(scope="module")
def made():
    """Graphs by what they were made of, each made once."""
    return {}


@pytest.fixture
def azure(run_program, made):
    def run(preview=False, cluster=None, **sections):
        sections["cluster"] = {**CLUSTER, **(cluster or {})}
        key = json.dumps([sections, preview], sort_keys=True)
        if key not in made:
            made[key] = run_program(preview=preview, **sections)
        return made[key]

    return run


def services(graph):
    return graph.inputs["osmo-service-release"]["values"]["services"]


def test_osmo_reaches_the_database_and_the_redis_that_come_with_the_cluster(azure):
    found = services(azure())
    postgres, redis = found["postgres"], found["redis"]
    assert (postgres["enabled"], postgres["serviceName"], postgres["port"]) == (False, "psql.postgres.database.azure.com", 5432)
    assert (postgres["db"], postgres["user"]) == ("osmo", "postgres")
    assert (redis["enabled"], redis["serviceName"], redis["port"]) == (False, "redis.eastus2.redis.azure.net", 10000)
    assert redis["tlsEnabled"] is True


def test_nobody_is_asked_for_a_password_and_osmo_gets_those_of_the_servers(azure):
    graph = azure()
    assert graph.inputs["osmo-database"]["stringData"]["value"] == {"db-password": "generated-value"}
    assert graph.inputs["osmo-redis"]["stringData"]["value"] == {"redis-password": "planted-redis-key"}
    assert "osmo-database-password" not in graph.types


def test_no_database_and_no_store_run_in_the_cluster(azure):
    graph = azure()
    waited_for = {workload["name"] for workload in graph.inputs["osmo-service-gate"]["workloads"]}
    assert not waited_for & {"postgres", "redis", "minio"}
    assert not [name for name in graph.types if name.startswith("object-store")]


def test_the_database_is_looked_into_over_tls_when_it_is_ready_and_before_a_key_is_made_for_it(azure):
    graph = azure()
    server = graph.inputs["osmo-database-server"]["server"]
    assert (server["host"], server["tls"]) == ("psql.postgres.database.azure.com", True)
    assert graph.waits_for("osmo-database-server") & SERVICES == {"require-secure-transport"}, "Redis takes longer, and is not asked"
    assert "osmo-database-server" in graph.waits_for("osmo-mek")
    assert "psql.postgres.database.azure.com" in graph.inputs["osmo-mek"]["guard"]["remedy"]


def test_the_release_waits_for_services_that_aks_does_not_wait_for(azure):
    graph = azure()
    assert SERVICES | {"osmo-login"} <= graph.waits_for("osmo-service-release")
    assert not SERVICES & graph.waits_for("cluster-gate")


def test_pods_log_in_to_storage_as_an_identity_and_hold_no_key(azure):
    graph = azure()
    values = graph.inputs["osmo-service-release"]["values"]
    assert values["serviceAccount"]["annotations"] == {"azure.workload.identity/client-id": "osmo-client"}
    workflow = values["services"]["configs"]["workflow"]
    assert workflow["workflow_data"]["base_url"] == workflow["workflow_log"]["credential"]["endpoint"] == "azure://stsdgdev/osmo-workflows"
    assert not [name for name in graph.types if name.endswith("-cred")]


def test_with_a_key_pods_find_it_in_their_secrets(azure):
    graph = azure(cluster={"storage": {"auth": "key"}})
    content = graph.inputs["osmo-osmo-workflow-data-cred"]["stringData"]["value"]
    assert "AccountName=stsdgdev;AccountKey=planted-storage-key;" in content["access_key"]
    assert (content["endpoint"], content["region"]) == ("azure://stsdgdev/osmo-workflows", "eastus2")
    assert "planted-storage-key" not in str(graph.inputs["osmo-service-release"])


def test_a_preview_of_the_first_update_knows_every_resource(azure):
    assert set(azure(preview=True).types) == set(azure().types)


def test_a_database_of_somebody_elses_needs_none_of_azures(azure, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "planted-database-password")
    graph = azure(osmo={"database": {"kind": "external", "host": "db.example.com", "user": "osmo"}})
    assert graph.of_type("azure-native:dbforpostgresql:Server") == []
    assert services(graph)["postgres"]["serviceName"] == "db.example.com"
    assert services(graph)["redis"]["serviceName"] == "redis.eastus2.redis.azure.net"


@pytest.mark.parametrize("data", ["retain", "delete"])
def test_what_stays_decides_whether_destroy_asks_for_the_keys(azure, data):
    graph = azure(data=data)
    backup = graph.inputs["key-backup"]
    assert (backup["data"], backup["database"]) == (data, "managed")
    assert graph.requests["database-server"].retainOnDelete is (data == "retain")
