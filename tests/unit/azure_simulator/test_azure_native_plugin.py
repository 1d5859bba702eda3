"""The plugin itself: what it hands on, what it marks secret again, and that it asks nobody but this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.plugins.azure_native.client import STATE_VARIABLE, Client, Refused
from rehearsal.plugins.azure_native.provider import AzureNativeProvider
from rehearsal.plugins.properties import UNKNOWN, UNKNOWN_TEXT, Secret
from rehearsal.plugins.provider import Call, Change, Configuration, PartialFailure, ProviderError

CALL = Call("urn:pulumi:s::p::azure-native:network:Subnet::mine", "azure-native:network:Subnet", "mine")


class Fake:
    """Answers as told, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, {}

    def ask(self, call: str, body: dict[str, Any]) -> Any:
        self.asked[call] = body
        answer = self.answers[call]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _provider(**answers: Any) -> tuple[AzureNativeProvider, Fake]:
    provider, fake = AzureNativeProvider(), Fake(**answers)
    provider._client = fake  # type: ignore[assignment]
    return provider, fake


@pytest.mark.parametrize(
    "url", ["", "https://management.azure.com", "http://127.0.0.1.example.com:80", "http://10.0.0.1:80", "http://127.0.0.1"]
)
def test_only_an_address_of_this_machine_is_asked(tmp_path: Path, url: str) -> None:
    (tmp_path / "services.json").write_text(json.dumps({"arm": url}), encoding="utf-8")
    with pytest.raises(ProviderError, match="never talks to the real Azure"):
        Client({STATE_VARIABLE: str(tmp_path)}).ask("check", {})


def test_without_a_rehearsals_folder_nothing_is_asked() -> None:
    with pytest.raises(ProviderError, match="deploy this stack outside the rehearsal"):
        Client({}).ask("check", {})


def test_secrets_are_handed_on_plain_and_come_back_secret() -> None:
    provider, fake = _provider(create={"id": "/id", "state": {"a": "planted", "b": {"c": "planted"}, "d": 1}})
    _, state = provider.create(CALL, {"a": Secret("planted"), "b": {"c": Secret("planted")}, "d": 1})
    assert fake.asked["create"]["inputs"] == {"a": "planted", "b": {"c": "planted"}, "d": 1}
    assert state == {"a": Secret("planted"), "b": {"c": Secret("planted")}, "d": 1}


def test_what_is_unknown_travels_as_the_engine_writes_it() -> None:
    provider, fake = _provider(preview={"state": {"a": UNKNOWN_TEXT, "b": [1]}})
    id_, state = provider.create(Call(CALL.urn, CALL.type, "mine", preview=True), {"a": UNKNOWN})
    assert fake.asked["preview"]["inputs"] == {"a": UNKNOWN_TEXT}
    assert (id_, state) == ("", {"a": UNKNOWN, "b": [1]})


def test_changes_become_the_protocols_and_a_replacement_deletes_first() -> None:
    changes = [{"path": "a.b", "how": "UPDATE", "replaces": True}, {"path": "c[1]", "how": "ADD", "replaces": False}]
    provider, _ = _provider(diff={"changes": changes})
    found = provider.diff(CALL, {}, {}, {})
    assert found.detailed == {"a.b": Change.UPDATE_REPLACE, "c[1]": Change.ADD}
    assert (found.replaces, found.properties, found.delete_before_replace) == (["a.b"], ["a", "c"], True)
    assert not provider.diff(CALL, {}, {"__createBeforeDelete": True}, {}).delete_before_replace


def test_no_change_is_none() -> None:
    provider, _ = _provider(diff={"changes": []})
    assert not provider.diff(CALL, {}, {}, {}).changed


def test_what_was_accepted_and_failed_is_kept_in_the_state() -> None:
    provider, _ = _provider(create=Refused("no capacity", accepted=True), left={"id": "/id", "state": {"a": 1}})
    with pytest.raises(PartialFailure) as found:
        provider.create(CALL, {"a": 1})
    assert (found.value.id, found.value.state, str(found.value)) == ("/id", {"a": 1}, "no capacity")


def test_a_change_that_fails_on_the_way_keeps_what_there_is() -> None:
    provider, fake = _provider(update=Refused("no capacity", accepted=True), read={"id": "/id", "state": {"a": 2}, "inputs": {}})
    with pytest.raises(PartialFailure) as found:
        provider.update(Call(CALL.urn, CALL.type, "mine", id="/id"), {}, {"a": 1}, {"a": 2})
    assert (found.value.id, found.value.state, found.value.inputs) == ("/id", {"a": 2}, {"a": 2})
    assert fake.asked["read"]["id"] == "/id"


def test_what_was_refused_is_not() -> None:
    provider, _ = _provider(create=Refused('Code="X" Message="y"'))
    with pytest.raises(ProviderError, match='Code="X" Message="y"') as found:
        provider.create(CALL, {})
    assert not isinstance(found.value, PartialFailure)


def test_what_is_gone_is_none() -> None:
    provider, _ = _provider(read={})
    assert provider.read(CALL, {}, {}) is None


def test_the_providers_own_settings_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "from-environment")
    provider, fake = _provider(delete={})
    provider.configure(Configuration({}, {}))
    provider.delete(CALL, {}, {})
    assert fake.asked["delete"]["subscription"] == "from-environment"
    provider.configure(Configuration({"azure-native:config:subscriptionId": "own", "azure-native:config:location": "eastus2"}, {}))
    provider.delete(CALL, {}, {})
    assert (fake.asked["delete"]["subscription"], fake.asked["delete"]["location"]) == ("own", "eastus2")
