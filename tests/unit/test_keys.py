"""The backup of keys: its file, the note in the cluster, the way back, and destroy's question."""

from __future__ import annotations

import base64
import json
import stat

import pytest

from cli import keys as commands
from cli.keys import KeysError
from components.key_backup import KeyBackupProvider
from sdg.gates.destroying import DestroyRefused
from sdg.keys import marker, vault
from sdg.keys.contents import data_of, fingerprint
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import Ref

LASTING = {
    "ConfigMap/osmo-minimal/mek-config": {"mek.yaml": "planted-mek"},
    "Secret/osmo-minimal/db-secret": {"db-password": "planted-password"},
    "Secret/minio-operator/minio-root": {"root-user": "osmoadmin", "root-password": "planted-root"},
}
PASSING = {"Secret/osmo-operator/osmo-operator-token": {"token": "planted-token"}}
PHRASE = "a passphrase of some length"
BACKUP = vault.Backup("lab", "2026-01-01T00:00:00+00:00", LASTING, PASSING)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(vault, "_COST", {"n": 2**10, "r": 8, "p": 1})


class Cluster:
    """Objects by path, as an API server keeps them: a Secret's texts become data."""

    def __init__(self, contents=None):
        self.objects = {}
        for name, data in (contents or {}).items():
            ref = Ref.parse(name)
            self.put(ref.path, ref.kind, data)

    def put(self, path, kind, data):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.objects[path] = {"kind": kind, "data": encoded if kind == "Secret" else dict(data)}

    def get(self, path, query=None):
        if path == "/version":
            return {}
        if path not in self.objects:
            raise ObjectNotFoundError(path)
        return self.objects[path]

    def post(self, path, document):
        self.put(f"{path}/{document['metadata']['name']}", document["kind"], document.get("stringData") or document.get("data") or {})

    def patch(self, path, changes):
        self.objects[path]["data"] |= changes["data"]


def test_a_file_gives_back_what_was_put_in_and_is_private(tmp_path):
    file = tmp_path / "keys"
    vault.write(file, BACKUP, PHRASE)
    assert vault.read(file, PHRASE) == BACKUP
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "planted" not in file.read_text()
    assert json.loads(file.read_text())["stack"] == "lab"


def test_a_file_never_replaces_another(tmp_path):
    file = tmp_path / "keys"
    file.write_text("precious")
    with pytest.raises(vault.VaultError, match="never replaces another file"):
        vault.write(file, BACKUP, PHRASE)
    assert file.read_text() == "precious"


@pytest.mark.parametrize("change", [{"stack": "other"}, {"made": "2027"}, {"nonce": base64.b64encode(b"0" * 12).decode()}])
def test_a_file_that_was_changed_does_not_open(change):
    with pytest.raises(vault.VaultError, match="the passphrase is another one, or the file was changed"):
        vault.opened(vault.sealed(BACKUP, PHRASE) | change, PHRASE, "FILE")


def test_another_passphrase_does_not_open_it():
    with pytest.raises(vault.VaultError, match="the passphrase is another one"):
        vault.opened(vault.sealed(BACKUP, PHRASE), "another one entirely", "FILE")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is no backup of keys"),
        ({"format": "other"}, "is no backup of keys"),
        ({"format": "sdg-keys", "version": 2}, "is of format 2"),
        ({"format": "sdg-keys", "version": 1}, "is damaged"),
    ],
)
def test_what_is_no_backup_is_told_as_that(document, words):
    with pytest.raises(vault.VaultError, match=words):
        vault.opened(document, PHRASE, "FILE")


def test_a_file_cannot_ask_for_any_amount_of_memory():
    document = vault.sealed(BACKUP, PHRASE)
    document["scrypt"]["n"] = 2**30
    with pytest.raises(vault.VaultError, match="is damaged"):
        vault.opened(document, PHRASE, "FILE")


def test_a_fingerprint_tells_keys_apart_and_shows_none():
    other = {**LASTING, "Secret/osmo-minimal/db-secret": {"db-password": "another"}}
    assert fingerprint(LASTING) == fingerprint(dict(reversed(LASTING.items())))
    assert fingerprint(LASTING) != fingerprint(other)


def test_a_restore_makes_what_is_missing_with_its_namespaces():
    cluster, said = Cluster(), []
    commands.restore_into(cluster, BACKUP, said.append)
    for name, data in LASTING.items():
        ref = Ref.parse(name)
        assert data_of(ref, cluster.get(ref.path)) == data
    assert {f"/api/v1/namespaces/{name}" for name in ("osmo-minimal", "minio-operator")} <= set(cluster.objects)
    assert "made ConfigMap/osmo-minimal/mek-config: OSMO's master encryption key" in said
    assert "left out Secret/osmo-operator/osmo-operator-token: the next update makes another one" in said
    assert "planted" not in "".join(said)


def test_a_restore_over_other_keys_is_refused_before_anything_is_made():
    cluster = Cluster({"Secret/osmo-minimal/db-secret": {"db-password": "another"}})
    with pytest.raises(KeysError, match="holds other keys than the backup in Secret/osmo-minimal/db-secret; nothing was changed"):
        commands.restore_into(cluster, BACKUP, lambda _: None)
    assert len(cluster.objects) == 1


def test_a_restore_leaves_the_same_keys_and_a_newer_token_as_they_are():
    token = {"Secret/osmo-operator/osmo-operator-token": {"token": "newer"}}
    cluster = Cluster({**LASTING, **token})
    before = json.dumps(cluster.objects)
    commands.restore_into(cluster, BACKUP, lambda _: None)
    assert json.dumps(cluster.objects) == before


def secret(value):
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


class Engine:
    def __init__(self, *resources, stack="lab"):
        self.stack, self.resources = stack, resources

    def ask(self, *arguments):
        assert arguments == ("stack", "export", "--show-secrets")
        return json.dumps({"deployment": {"resources": list(self.resources)}})


HOLDER = {
    "type": "pulumi-python:dynamic/keys:Backup",
    "outputs": {"connection": secret({"kubeconfig": "{}", "context": None}), "lasting": secret(LASTING), "passing": secret(PASSING)},
}


@pytest.fixture
def cluster(monkeypatch):
    found = Cluster(LASTING)
    monkeypatch.setattr(commands.KubernetesApi, "connect", lambda _: found)
    monkeypatch.setenv(commands.PASSPHRASE, PHRASE)
    return found


def test_a_backup_writes_the_states_keys_and_notes_them_in_the_cluster(cluster, tmp_path):
    said = []
    commands.backup(Engine(HOLDER), tmp_path / "keys", None, said.append)
    kept = vault.read(tmp_path / "keys", PHRASE)
    assert (kept.stack, kept.lasting, kept.passing) == ("lab", LASTING, PASSING)
    noted = marker.read(cluster)
    assert (noted.fingerprint, noted.file) == (fingerprint(LASTING), str(tmp_path / "keys"))
    assert "planted" not in json.dumps(cluster.objects[marker.REF.path]) + "".join(said)


def test_a_second_backup_is_noted_in_place_of_the_first(cluster, tmp_path):
    for name in ("first", "second"):
        commands.backup(Engine(HOLDER), tmp_path / name, None, lambda _: None)
    assert marker.read(cluster).file == str(tmp_path / "second")


def test_a_stack_without_keys_has_nothing_to_back_up(cluster, tmp_path):
    with pytest.raises(KeysError, match="holds no keys; they are backed up after `pulumi up --stack lab` has ended"):
        commands.backup(Engine(), tmp_path / "keys", None, lambda _: None)


def test_a_short_passphrase_is_refused_before_a_file_is_made(cluster, tmp_path, monkeypatch):
    monkeypatch.delenv(commands.PASSPHRASE)
    with pytest.raises(KeysError, match="at least 12 characters"):
        commands.backup(Engine(HOLDER), tmp_path / "keys", lambda _: "short", lambda _: None)
    assert not (tmp_path / "keys").exists()


def test_a_file_of_another_stack_is_refused_unless_it_is_meant(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "api_of", lambda _: cluster)
    vault.write(tmp_path / "keys", BACKUP, PHRASE)
    with pytest.raises(KeysError, match="is of stack lab, not of prod"):
        commands.restore(Engine(stack="prod"), tmp_path / "keys", None, lambda _: None)
    commands.restore(Engine(stack="prod"), tmp_path / "keys", None, lambda _: None, any_stack=True)


PROPS = {
    "connection": {
        "kubeconfig": '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}], '
        '"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}], "users": [{"name": "u", "user": {}}]}',
        "context": None,
    },
    "stack": "lab",
    "data": "retain",
    "lasting": LASTING,
    "passing": PASSING,
    "fingerprint": fingerprint(LASTING),
}


@pytest.fixture
def asked(monkeypatch):
    found = Cluster()
    monkeypatch.setattr("sdg.gates.destroying.KubernetesApi.connect", lambda _: found)
    return found


def noted(keys):
    return marker.Marker(fingerprint(keys), "2026-01-01T00:00:00+00:00", "/safe/keys", "desk")


def test_destroy_that_keeps_data_demands_a_backup_and_names_the_command(asked):
    with pytest.raises(DestroyRefused) as refused:
        KeyBackupProvider().delete("key-backup", PROPS)
    assert "so nothing was removed" in str(refused.value)
    assert "`sdg backup keys --stack lab --out FILE`" in str(refused.value)
    assert "planted" not in str(refused.value)


def test_a_backup_of_other_keys_does_not_count(asked):
    marker.write(asked, noted({**LASTING, "Secret/osmo-minimal/db-secret": {"db-password": "earlier"}}))
    with pytest.raises(DestroyRefused, match=r"the last backup \(/safe/keys on desk, .*\) holds other keys"):
        KeyBackupProvider().delete("key-backup", PROPS)


def test_a_backup_of_these_keys_lets_destroy_go_on(asked, capsys):
    marker.write(asked, noted(LASTING))
    KeyBackupProvider().delete("key-backup", PROPS)
    assert "keys: backed up to /safe/keys on desk" in capsys.readouterr().err


def test_a_stack_that_keeps_nothing_needs_no_backup():
    KeyBackupProvider().delete("key-backup", {**PROPS, "data": "delete"})


def test_a_database_outside_outlives_a_stack_that_keeps_nothing_so_its_keys_are_asked_for(asked):
    outside = {**PROPS, "data": "delete", "database": "external"}
    with pytest.raises(DestroyRefused, match=r"leaves its database outside the cluster .* `sdg backup keys --stack lab --out FILE`"):
        KeyBackupProvider().delete("key-backup", outside)
    marker.write(asked, noted(LASTING))
    KeyBackupProvider().delete("key-backup", outside)
    KeyBackupProvider().delete("key-backup", {**PROPS, "data": "delete", "database": "in-cluster"})
