"""What is stored outlives the process where a folder is given, and never holds a secret."""

from __future__ import annotations

import base64
import datetime as dt
import json
import stat

import pytest

from rehearsal.services.osmo.store import Store


def test_a_database_outlives_the_process(tmp_path):
    with Store(tmp_path).writing("uid") as database:
        database.next_id("verify-hello")
    with Store(tmp_path).reading("uid") as database:
        assert database.next_id("verify-hello") == 2


def test_each_volume_has_a_database_of_its_own(tmp_path):
    store = Store(tmp_path)
    with store.writing("one") as database:
        database.next_id("x")
    with store.reading("two") as database:
        assert database.counters == {}


def test_files_are_private(tmp_path):
    with Store(tmp_path / "data").writing("uid"):
        pass
    assert stat.S_IMODE((tmp_path / "data" / "uid.json").stat().st_mode) == 0o600


def test_an_unreadable_file_begins_an_empty_database(tmp_path):
    (tmp_path / "uid.json").write_text("{")
    with Store(tmp_path).reading("uid") as database:
        assert list(database.users) == ["admin"]


def test_neither_tokens_nor_credentials_are_stored_in_plain(osmo):
    day = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30))
    token = osmo.done("POST", "/api/auth/access_token/ci", user="admin", params={"expires_at": day})
    osmo.done("POST", "/api/credentials/hf", json={"generic_credential": {"credential": {"token": "planted-secret"}}})
    with osmo.client.app.state.service.reading() as database:
        stored = database.model_dump_json()
    assert token not in stored
    assert "planted-secret" not in stored


def test_a_minted_token_is_exchanged_for_a_jwt_with_its_roles(osmo):
    token = osmo.cluster.secrets["osmo-operator/osmo-operator-token"]["token"].strip()
    jwt = osmo.done("POST", "/api/auth/jwt/access_token", json={"token": token})
    claims = _claims(jwt["token"])
    assert (claims["unique_name"], claims["roles"], claims["exp"]) == ("backend-operator", ["osmo-backend"], jwt["expires_at"])
    assert claims["exp"] - claims["iat"] == 300
    assert set(osmo.done("GET", "/api/auth/keys")["keys"][0]) == {"kty", "kid", "e", "n"}


@pytest.mark.parametrize("days", [0, -1])
def test_a_token_must_expire_after_today(osmo, days):
    day = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days))
    answer = osmo.call("POST", "/api/auth/access_token/ci", user="admin", params={"expires_at": day})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "USER")


def _claims(jwt: str):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_database_exists_once_something_was_written_to_it(tmp_path):
    store = Store(tmp_path)
    with store.reading("external-1"):
        assert not store.exists("external-1")
    with store.writing("external-1"):
        pass
    assert Store(tmp_path).exists("external-1")


@pytest.mark.parametrize("kept", [True, False])
def test_a_database_that_went_is_another_one_when_it_comes_again(tmp_path, kept):
    store = Store(tmp_path if kept else None)
    with store.writing("one") as database:
        database.next_id("verify-hello")
    store.forget("one")
    assert not store.exists("one")
    with store.reading("one") as database:
        assert database.next_id("verify-hello") == 1
