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
