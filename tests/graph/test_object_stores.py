"""Where OSMO keeps data: what each kind of store makes, and with which keys OSMO logs in to it."""

import pytest

SECRETS = ["osmo-osmo-workflow-data-cred", "osmo-osmo-workflow-log-cred", "osmo-osmo-workflow-app-cred"]
S3 = {"provider": "s3", "bucket": "lab-data", "region": "eu-central-1"}
BLOB = {"provider": "azure-blob", "account": "sdgdata", "container": "lab-data"}
CLIENT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def credentials(run_program, monkeypatch):
    """The content of the storage Secrets, which is one, for a store."""

    def of(store, **keys):
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        graph = run_program(platform={"objectStore": store})
        contents = [graph.inputs[name]["stringData"]["value"] for name in SECRETS]
        assert contents[0] == contents[1] == contents[2]
        assert not [name for name in graph.types if name.startswith("object-store")]
        return contents[0]

    return of


def test_minio_is_logged_in_to_as_its_root_user_at_its_service(run_program):
    graph = run_program()
    assert graph.inputs[SECRETS[0]]["stringData"]["value"] == {
        "access_key_id": "osmoadmin",
        "access_key": "generated-value",
        "endpoint": "s3://osmo-workflows",
        "region": "us-east-1",
        "override_url": "http://minio.minio-operator.svc.cluster.local:9000",
        "addressing_style": "path",
    }


def test_a_bucket_of_amazon_needs_its_keys_and_region_and_nothing_in_the_cluster(credentials):
    assert credentials(S3, STORAGE_ACCESS_KEY_ID="key-id", STORAGE_ACCESS_KEY="planted-key") == {
        "access_key_id": "key-id",
        "access_key": "planted-key",
        "endpoint": "s3://lab-data",
        "region": "eu-central-1",
    }


def test_another_s3_is_reached_at_its_own_address_in_its_own_style(credentials):
    store = S3 | {"endpoint": "https://s3.example.com", "addressingStyle": "virtual"}
    found = credentials(store, STORAGE_ACCESS_KEY_ID="key-id", STORAGE_ACCESS_KEY="planted-key")
    assert (found["override_url"], found["addressing_style"]) == ("https://s3.example.com", "virtual")


def test_azure_blob_with_a_key_is_reached_by_a_connection_string(credentials):
    assert credentials(BLOB, STORAGE_KEY="planted-key") == {
        "access_key_id": "sdgdata",
        "access_key": "DefaultEndpointsProtocol=https;AccountName=sdgdata;AccountKey=planted-key;EndpointSuffix=core.windows.net",
        "endpoint": "azure://sdgdata/lab-data",
        "region": "eastus2",
        "override_url": "",
    }


def test_azure_blob_with_an_identity_needs_no_secret_at_all(run_program):
    graph = run_program(platform={"objectStore": BLOB | {"auth": "workload-identity", "clientId": CLIENT}})
    assert not set(SECRETS) & set(graph.types)


def test_the_keys_of_a_store_are_secret(run_program, monkeypatch):
    monkeypatch.setenv("STORAGE_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("STORAGE_ACCESS_KEY", "planted-key")
    graph = run_program(platform={"objectStore": S3})
    for name in SECRETS:
        assert "planted-key" not in str({key: value for key, value in graph.inputs[name].items() if key != "stringData"})
        # the mark of a secret in what the engine is sent
        assert set(graph.inputs[name]["stringData"]) == {"4dabf18193072939515e22adb298388d", "value"}


def test_a_store_outside_is_not_waited_for_by_the_services_gate(run_program, monkeypatch):
    monkeypatch.setenv("STORAGE_KEY", "planted-key")
    graph = run_program(platform={"objectStore": BLOB})
    waited_for = {workload["namespace"] for workload in graph.inputs["osmo-service-gate"]["workloads"]}
    assert waited_for == {"osmo-minimal"}
