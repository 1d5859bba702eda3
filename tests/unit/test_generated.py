import base64
import json
import re

import pytest
import yaml

from components.generated import GENERATORS, GeneratedSecretProvider
from sdg.kube.api import KubernetesApi
from sdg.kube.errors import ObjectNotFoundError, UnreachableError


def test_a_password_is_text_to_every_yaml_parser():
    drawn = [GENERATORS["password"]() for _ in range(200)]
    assert [yaml.safe_load(value) for value in drawn] == drawn


def test_a_token_has_the_one_length_that_osmo_accepts_for_its_admin():
    assert len(GENERATORS["token"]()) == 43


def test_a_strong_password_has_all_that_azure_asks_of_an_administrators():
    drawn = [GENERATORS["strong-password"]() for _ in range(200)]
    assert len(set(drawn)) == 200
    for value in drawn:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{31}", value)
        assert all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


def test_the_master_encryption_key_is_a_web_key_under_the_current_id():
    document = yaml.safe_load(GENERATORS["mek"]())
    key = json.loads(base64.b64decode(document["meks"][document["currentMek"]]))
    assert key["kid"] == document["currentMek"]
    assert key["kty"] == "oct"
    assert len(base64.b64decode(key["k"])) == 32


@pytest.mark.parametrize("form", GENERATORS)
def test_two_secrets_differ(form):
    provider = GeneratedSecretProvider()
    assert provider.create({"form": form}).outs["value"] != provider.create({"form": form}).outs["value"]


def test_an_update_never_draws_again():
    provider = GeneratedSecretProvider()
    old = provider.create({"form": "password"}).outs
    assert provider.diff("id", old, {"form": "password"}).changes is False
    assert provider.diff("id", old, {"form": "token"}).replaces == ["form"]


def test_a_chosen_value_is_what_a_secret_starts_with():
    assert GeneratedSecretProvider().create({"form": "password", "chosen": "pick-this"}).outs["value"] == "pick-this"


@pytest.mark.parametrize("first", [None, "pick-this"])
@pytest.mark.parametrize("later", [None, "pick-that"])
def test_choosing_another_value_later_never_changes_the_first_one(first, later):
    provider = GeneratedSecretProvider()
    old = provider.create({"form": "password", "chosen": first}).outs
    assert provider.diff("id", old, {"form": "password", "chosen": later}).changes is False


def test_a_value_that_is_chosen_too_late_is_said_with_the_way_to_change_it_and_not_shown(capsys):
    provider = GeneratedSecretProvider()
    old = provider.create({"form": "password", "chosen": "pick-this"}).outs
    provider.diff("id", old, {"form": "password", "chosen": "pick-that", "name": "db", "renewal": "pulumi up --replace '**::db'"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: db: ")
    assert "stays in use" in line
    assert "`pulumi up --replace '**::db'`" in line
    assert "pick-th" not in line


@pytest.mark.parametrize("chosen", [None, "pick-this"])
def test_nothing_is_said_while_the_first_value_is_still_the_chosen_one_or_none_is(chosen, capsys):
    provider = GeneratedSecretProvider()
    old = provider.create({"form": "password", "chosen": "pick-this"}).outs
    provider.diff("id", old, {"form": "password", "chosen": chosen})
    assert capsys.readouterr().err == ""


HOLDER = {"kind": "Secret", "namespace": "osmo-minimal", "name": "db-secret", "key": "db-password"}
SECRET_PATH = "/api/v1/namespaces/osmo-minimal/secrets/db-secret"
CLAIM_PATH = "/api/v1/namespaces/osmo-minimal/persistentvolumeclaims/postgres-volume"
GUARD = {"claim": {"namespace": "osmo-minimal", "name": "postgres-volume"}, "remedy": "Three ways out.", "accept": "RESET_MEK"}


@pytest.fixture
def create(monkeypatch):
    """Creates a secret on a cluster that holds the given objects."""

    def on(objects, **props):
        class Api:
            def get(self, path, query=None):
                if path not in objects:
                    raise ObjectNotFoundError(path)
                if isinstance(objects[path], Exception):
                    raise objects[path]
                return objects[path]

        monkeypatch.setattr(KubernetesApi, "connect", lambda connection: Api())
        asked = {"form": "password", "connection": {"kubeconfig": "planted-credential"}, "holder": HOLDER, "name": "db", **props}
        return GeneratedSecretProvider().create(asked).outs

    return on


def secret(**data):
    return {SECRET_PATH: {"data": {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}}}


def test_a_value_that_the_cluster_holds_is_taken_and_said_without_showing_it(create, capsys):
    assert create(secret(db_password="held-here"))["value"] == "held-here"
    said = capsys.readouterr().err
    assert "Secret db-secret of namespace osmo-minimal" in said
    assert "held-here" not in said


def test_what_the_cluster_holds_counts_more_than_what_is_chosen_because_the_data_knows_no_other(create, capsys):
    assert create(secret(db_password="held-here"), chosen="pick-this")["value"] == "held-here"
    assert "warning: db: " in capsys.readouterr().err


@pytest.mark.parametrize("objects", [{}, secret(other="x"), secret(db_password="")])
def test_without_one_in_the_cluster_the_chosen_value_counts_and_else_one_is_drawn(create, objects):
    assert create(objects, chosen="pick-this")["value"] == "pick-this"
    assert create(objects)["value"].startswith("p")


def test_a_config_map_is_read_as_it_is(create):
    holder = {"kind": "ConfigMap", "namespace": "osmo-minimal", "name": "mek-config", "key": "mek.yaml"}
    objects = {"/api/v1/namespaces/osmo-minimal/configmaps/mek-config": {"data": {"mek.yaml": "currentMek: key1\n"}}}
    assert create(objects, form="mek", holder=holder)["value"] == "currentMek: key1\n"


def test_a_cluster_that_does_not_say_is_no_permission_to_make_another_value(create):
    with pytest.raises(UnreachableError):
        create({SECRET_PATH: UnreachableError("no route")})


def test_credentials_of_the_cluster_are_not_kept_and_may_rotate(create):
    old = create({})
    assert "planted-credential" not in str(old)
    rotated = {"form": "password", "holder": HOLDER, "connection": {"kubeconfig": "another"}}
    assert GeneratedSecretProvider().diff("id", old, rotated).changes is False


def test_data_that_only_a_lost_value_can_read_stops_the_update_with_the_ways_out(create):
    with pytest.raises(RuntimeError, match=r"(?s)Volume claim postgres-volume of namespace osmo-minimal.*Three ways out\."):
        create({CLAIM_PATH: {}}, guard=GUARD)


def test_data_elsewhere_stops_the_update_in_the_words_of_whoever_saw_it(create):
    with pytest.raises(RuntimeError, match=r"26 tables.*\nThree ways out\."):
        create({}, guard=GUARD | {"claim": None, "seen": "Database osmo holds 26 tables."})


def test_no_data_and_a_value_that_is_there_stop_nothing(create):
    assert create({}, guard=GUARD)["value"]
    assert create(secret(db_password="held-here") | {CLAIM_PATH: {}}, guard=GUARD)["value"] == "held-here"


def test_the_loss_may_be_accepted_for_one_update(create, monkeypatch):
    monkeypatch.setenv("RESET_MEK", "true")
    assert create({CLAIM_PATH: {}}, guard=GUARD)["value"]
