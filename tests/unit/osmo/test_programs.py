"""What keeps the API from starting, and what other pods of the release do when they start."""

from __future__ import annotations

import pytest

from rehearsal.services.osmo.app import build_app
from rehearsal.services.osmo.installation import CLIENT_DATABASE, database
from rehearsal.services.osmo.store import Store

OTHER_KEY = "currentMek: key1\nmeks:\n  key1: other\n"
ROTATED = "currentMek: key2\nmeks:\n  key1: first\n  key2: second\n"
TOKENS = ["--backend_token_directory", "/etc/osmo/backend-tokens"]
ADMIN = {"name": "OSMO_DEFAULT_ADMIN_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "default-admin-secret", "key": "password"}}}


def api_pod(tag="6.3.1", args=(), env=(ADMIN,)):
    container = {"name": "service", "image": f"nvcr.io/nvidia/osmo/service:{tag}", "args": list(args), "env": list(env)}
    volumes = [{"name": "mek", "configMap": {"name": "mek-config"}}]
    metadata = {"name": "osmo-service-1", "namespace": "osmo-minimal", "labels": {"app": "osmo-service"}}
    return {"metadata": metadata, "spec": {"containers": [container], "volumes": volumes}}


def migration_pod(version="6.4.0"):
    labels = {"app": "pgroll-migrate", "app.kubernetes.io/version": version}
    container = {"name": "pgroll-migrate", "image": "postgres:15-alpine"}
    return {"metadata": {"name": "m", "namespace": "osmo-minimal", "labels": labels}, "spec": {"containers": [container]}}


def counting_pod(host="db.example.com", namespace="osmo-minimal"):
    given = {"PGHOST": host, "PGPORT": "5432", "DATABASE": "osmo"}
    env = [{"name": name, "value": value} for name, value in given.items()]
    container = {"name": "psql", "image": "postgres:15", "command": ["sh", "-c", "echo OSMO_DB_TABLE_COUNT=$n"], "env": env}
    return {"metadata": {"name": "osmo-db-ops-1", "namespace": namespace}, "spec": {"containers": [container], "restartPolicy": "Never"}}


@pytest.fixture
def installation(osmo):
    """The cluster of an installation with an administrator's password of the right length."""
    osmo.cluster.secrets["osmo-minimal/default-admin-secret"] = {"password": "x" * 43}
    return osmo.cluster


@pytest.fixture
def ending(osmo, installation, tmp_path):
    """Asks how a pod ends; the database is kept in a folder."""
    return build_app(installation, osmo.faults, Store(tmp_path)).state.ending


def test_the_api_runs_where_nothing_is_wrong(ending):
    assert ending(api_pod()) is None


def test_pods_of_other_namespaces_are_not_looked_at(ending, installation):
    installation.mek = "no key"
    pod = api_pod()
    pod["metadata"]["namespace"] = "elsewhere"
    assert ending(pod) is None


@pytest.mark.parametrize("length", [0, 42, 44])
def test_an_admin_password_of_another_length_ends_the_api(ending, installation, length):
    installation.secrets["osmo-minimal/default-admin-secret"] = {"password": "x" * length}
    assert ending(api_pod()).message == f"the default admin's password must have 43 characters; it has {length}"


def test_without_a_default_admin_no_password_is_looked_at(ending, installation):
    installation.secrets.clear()
    assert ending(api_pod(env=())) is None


def test_images_before_6_4_do_not_know_the_newer_charts_argument(ending):
    crash = ending(api_pod("6.3.1", TOKENS))
    assert (crash.exit_code, crash.message.split(": ", 2)[2]) == (2, f"unrecognized arguments: {' '.join(TOKENS)}")


def test_images_of_6_4_ask_every_backend_for_its_namespace(ending, installation):
    assert ending(api_pod("6.4.0")).message == "backends.default.k8s_namespace is required in ConfigMap mode"
    installation.config["backends"]["default"]["k8s_namespace"] = "osmo-workflows"
    assert ending(api_pod("6.4.0", TOKENS)) is None


def test_a_configuration_that_does_not_hold_together_ends_the_api(ending, installation):
    installation.config["pools"]["default"]["common_pod_template"] = ["gone"]
    assert "Pod template gone does not exist" in ending(api_pod()).message


def test_a_populated_database_without_its_key_ends_the_api(ending, installation):
    assert ending(api_pod()) is None
    installation.mek = OTHER_KEY
    assert "cannot be decrypted" in ending(api_pod()).message


def test_a_key_may_be_rotated_while_the_old_one_stays_beside_it(ending, installation):
    assert ending(api_pod()) is None
    installation.mek = ROTATED
    assert ending(api_pod()) is None


def test_another_database_takes_another_key(ending, installation):
    assert ending(api_pod()) is None
    installation.mek, installation.claim = OTHER_KEY, "claim-2"
    assert ending(api_pod()) is None


@pytest.mark.parametrize("mek", [None, "", "{", "meks: {}", "currentMek: a\nmeks: {b: c}", "[]"])
def test_a_key_file_without_a_key_ends_the_api(ending, installation, mek):
    installation.mek = mek
    assert "no master encryption key" in ending(api_pod()).message


def upgraded(installation):
    installation.config["backends"]["default"]["k8s_namespace"] = "osmo-workflows"
    return api_pod("6.4.0", TOKENS)


def test_tables_of_6_3_need_the_migration_before_6_4_starts(ending, installation):
    assert ending(api_pod()) is None
    newer = upgraded(installation)
    assert "the chart's migration brings it up to date" in ending(newer).message
    assert ending(migration_pod()) is None
    assert ending(newer) is None


def test_tables_of_6_4_are_not_taken_back(ending, installation):
    assert ending(upgraded(installation)) is None
    assert "nothing takes it back" in ending(api_pod()).message


def test_a_patch_release_has_the_same_tables(ending):
    assert [ending(api_pod("6.3.0")), ending(api_pod("6.3.1"))] == [None, None]


def test_an_image_whose_tag_is_no_version_is_not_judged_by_it(ending):
    assert ending(api_pod("latest", TOKENS)) is None


def test_a_migration_of_an_empty_database_leaves_it_empty(ending):
    assert ending(migration_pod()) is None
    assert ending(api_pod()) is None


def test_a_client_counts_no_tables_in_a_database_that_nobody_used(ending):
    crash = ending(counting_pod())
    assert (crash.exit_code, crash.message) == (0, "OSMO_DB_TABLE_COUNT=0")


def test_a_client_counts_tables_in_a_database_that_the_service_used(ending, installation, server):
    installation.claim = server.key
    assert ending(api_pod()) is None
    assert ending(counting_pod()).message == "OSMO_DB_TABLE_COUNT=26"
    assert ending(counting_pod("other.example.com")).message == "OSMO_DB_TABLE_COUNT=0"


@pytest.fixture
def server():
    return database(counting_pod()["spec"], CLIENT_DATABASE)
