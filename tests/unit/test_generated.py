import base64
import json

import pytest
import yaml

from components.generated import GENERATORS, GeneratedSecretProvider


def test_a_password_is_text_to_every_yaml_parser():
    drawn = [GENERATORS["password"]() for _ in range(200)]
    assert [yaml.safe_load(value) for value in drawn] == drawn


def test_a_token_has_the_one_length_that_osmo_accepts_for_its_admin():
    assert len(GENERATORS["token"]()) == 43


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
