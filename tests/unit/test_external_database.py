"""A database outside the cluster: made where it is lacking, looked into before a key is made, and told in the server's words."""

import pytest

from components.osmo import database
from components.osmo.database import DatabaseProvider
from sdg.kube.api import KubernetesApi
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.held import Holder
from sdg.osmo import key_loss
from sdg.osmo.external_database import Found, Server, client_pod, found

SERVER = Server("db.example.com", 6432, "osmo", "admin")
PASSWORD = Holder("Secret", "osmo-minimal", "db-secret", "db-password")


def ended(phase, message):
    state = {"terminated": {"exitCode": 0 if phase == "Succeeded" else 2, "message": message}}
    return {"metadata": {"name": "pod"}, "status": {"phase": phase, "containerStatuses": [{"state": state}]}}


def test_the_pod_gets_its_password_from_the_secret_and_the_rest_from_its_environment():
    container = client_pod("osmo-db-ops-1", SERVER, "postgres:15", PASSWORD, None)["spec"]["containers"][0]
    environment = {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}
    assert environment["PGPASSWORD"] == {"secretKeyRef": {"name": "db-secret", "key": "db-password"}}
    assert (environment["PGHOST"], environment["PGPORT"], environment["PGUSER"]) == ("db.example.com", "6432", "admin")
    assert environment["DATABASE"] == "osmo"
    assert not any(value in container["command"][2] for value in ("db.example.com", "6432", "admin"))
    assert container["command"][2].startswith("set -eu")


def test_a_server_that_refuses_plain_connections_is_not_asked_over_one():
    def mode(server):
        environment = client_pod("p", server, "postgres:15", PASSWORD, None)["spec"]["containers"][0]["env"]
        return [entry["value"] for entry in environment if entry["name"] == "PGSSLMODE"]

    strict = Server("db.example.com", 6432, "osmo", "admin", tls=True)
    assert (mode(SERVER), mode(strict)) == ([], ["require"])
    assert Server.of(strict.as_input()) == strict
    assert not {"tls", "managed"} & SERVER.as_input().keys(), "what older stacks hold of their server would differ"


def test_the_pod_pulls_with_the_pull_secret_where_there_is_one():
    assert "imagePullSecrets" not in client_pod("p", SERVER, "postgres:15", PASSWORD, None)["spec"]
    assert client_pod("p", SERVER, "postgres:15", PASSWORD, "nvcr-secret")["spec"]["imagePullSecrets"] == [{"name": "nvcr-secret"}]


@pytest.mark.parametrize(
    ("pod", "answer"),
    [
        ({"metadata": {"name": "pod"}, "status": {"phase": "Running"}}, None),
        (ended("Succeeded", "OSMO_DB_TABLE_COUNT=26\n"), Found(26)),
        (ended("Succeeded", "OSMO_DB_TABLE_COUNT="), Found(None)),
        (ended("Succeeded", ""), Found(None)),
        (ended("Failed", "OSMO_DB_TABLE_COUNT=0"), Found(None, "OSMO_DB_TABLE_COUNT=0")),
        (ended("Failed", "FATAL: no such user"), Found(None, "FATAL: no such user")),
        ({"metadata": {}, "status": {"phase": "Failed", "reason": "DeadlineExceeded"}}, Found(None, "DeadlineExceeded")),
    ],
)
def test_the_printed_count_decides_and_not_the_phase_alone(pod, answer):
    assert found(pod) == answer


class Cluster:
    """Answers for pods; `answer` is what becomes of one."""

    def __init__(self, answer, left=()):
        self.answer, self.pods, self.made, self.deleted = answer, {name: {"metadata": {"name": name}} for name in left}, [], []

    def get(self, path, query=None):
        if path.endswith("/events"):
            return {"items": []}
        name = path.rpartition("/")[2]
        if name == "pods":
            return {"items": list(self.pods.values())}
        if name not in self.pods:
            raise ObjectNotFoundError(path)
        return {**self.pods[name], **self.answer}

    def post(self, path, document):
        self.made.append(document["metadata"]["name"])
        self.pods[document["metadata"]["name"]] = document
        return document

    def delete(self, path):
        self.deleted.append(path.rpartition("/")[2])
        self.pods.pop(self.deleted[-1])


@pytest.fixture
def create(monkeypatch):
    def on(cluster, server=SERVER):
        monkeypatch.setattr(KubernetesApi, "connect", lambda connection: cluster)
        asked = {"connection": {"kubeconfig": "planted-credential"}, "server": server.as_input() | {"port": 6432.0}, "image": "postgres:15"}
        return DatabaseProvider().create({**asked, "password": PASSWORD.as_input(), "pullSecret": None})

    return on


def status(phase, message):
    return {"status": ended(phase, message)["status"]}


def test_the_pod_is_always_removed_and_so_is_what_a_killed_update_left(create):
    cluster = Cluster(status("Succeeded", "OSMO_DB_TABLE_COUNT=0"), left=["osmo-db-ops-old"])
    outs = create(cluster).outs
    assert outs["tables"] == 0
    assert "planted-credential" not in str(outs)
    assert cluster.deleted == ["osmo-db-ops-old", *cluster.made]


def test_no_two_pods_have_the_same_name(create):
    first, second = Cluster(status("Succeeded", "OSMO_DB_TABLE_COUNT=0")), Cluster(status("Succeeded", "OSMO_DB_TABLE_COUNT=0"))
    create(first)
    create(second)
    assert first.made != second.made


def test_a_database_that_cannot_be_used_stops_the_update_in_its_own_words(create):
    cluster = Cluster(status("Failed", 'FATAL:  password authentication failed for user "admin"'))
    with pytest.raises(
        RuntimeError, match=r"(?s)database osmo on db.example.com:6432.*password authentication failed.*sdg:databasePassword"
    ):
        create(cluster)
    assert cluster.pods == {}


def test_nobody_is_told_to_check_a_password_that_the_stack_chose(create):
    managed = Server("psql.postgres.database.azure.com", 5432, "osmo", "postgres", tls=True, managed=True)
    with pytest.raises(RuntimeError, match=r"(?s)authentication failed.*pulumi up --replace '\*\*::database-password'") as found:
        create(Cluster(status("Failed", 'FATAL:  password authentication failed for user "postgres"')), managed)
    assert "sdg:databasePassword" not in str(found.value)
    assert Server.of(managed.as_input()) == managed


def test_a_pod_that_does_not_end_is_given_up_in_time_with_the_reason(create, monkeypatch):
    monkeypatch.setattr(database, "DEADLINE", 0.1)
    waiting = [{"name": "psql", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]
    cluster = Cluster({"status": {"phase": "Pending", "containerStatuses": waiting}})
    with pytest.raises(RuntimeError, match=r"no answer within 0.1 s: .*ErrImagePull.*no such image"):
        create(cluster)
    assert cluster.pods == {}


def test_only_another_database_is_looked_into_again():
    old = {"server": SERVER.as_input(), "image": "postgres:15", "connection": None}
    provider = DatabaseProvider()
    assert not provider.diff("id", old, {**old, "image": "postgres:16", "connection": {"kubeconfig": "x"}}).changes
    assert provider.diff("id", old, {**old, "server": {**SERVER.as_input(), "host": "other.example.com"}}).changes


@pytest.mark.parametrize(("tables", "said"), [(0, ""), (26, "holds 26 tables"), (-1, "an unknown number of tables")])
def test_an_empty_database_is_no_reason_to_stop(tables, said):
    assert said in key_loss.tables_seen(SERVER, tables)
    assert bool(key_loss.tables_seen(SERVER, tables)) == bool(said)


def test_a_lost_key_has_three_ways_out_with_their_commands():
    text = key_loss.mek_remedy("lab", key_loss.drop_database(SERVER))
    for command in (
        "sdg restore keys --stack lab",
        "dropdb --host db.example.com --port 6432 --username admin osmo",
        "RESET_MEK=true pulumi up --stack lab",
    ):
        assert f"`{command}" in text
