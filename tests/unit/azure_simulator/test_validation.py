"""Inputs that ARM would not take are refused by name, with what is allowed; unknown ones are not judged."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure import kinds
from rehearsal.azure.validation import problems
from rehearsal.azure.values import UNKNOWN
from tests.unit.azure_simulator.site import GROUP, POOL, SERVER

CASES = [
    ("containerservice:AgentPool", POOL, {"agentPoolName": "Too-Long-A-Name"}, "agentPoolName", "does not match expression"),
    ("containerservice:AgentPool", POOL, {"osDiskSizeGB": 4096}, "osDiskSizeGB", "is too high: 4096, at most 2048"),
    ("containerservice:AgentPool", POOL, {"mode": "Worker"}, "mode", "allowed: System, User"),
    ("containerservice:AgentPool", POOL, {"count": "3"}, "count", "should be of type 'integer' but is '3'"),
    ("containerservice:AgentPool", POOL, {"count": True}, "count", "should be of type 'integer' but is True"),
    ("containerservice:AgentPool", POOL, {"nodeTaints": "a=b:NoSchedule"}, "nodeTaints", "should be a list"),
    ("containerservice:AgentPool", POOL, {"nodeLabels": ["a"]}, "nodeLabels", "should be an object"),
    ("containerservice:AgentPool", POOL, {"gpuProfile": "None"}, "gpuProfile", "should be an object"),
    ("containerservice:AgentPool", POOL, {"gpuProfile": {"drivers": "None"}}, "gpuProfile.drivers", "did you mean 'driver'?"),
    ("containerservice:AgentPool", POOL, {"resourceName": None}, "resourceName", "missing required property 'resourceName'"),
    ("dbforpostgresql:Server", SERVER, {"sku": {"name": "Standard_B2s"}}, "sku.tier", "missing required property 'sku.tier'"),
    ("dbforpostgresql:Server", SERVER, {"serverName": "ab"}, "serverName", "has 2 characters, at least 3"),
    ("dbforpostgresql:Server", SERVER, {"serverNam": "x"}, "serverNam", "is no property; did you mean 'serverName'?"),
]


def _problems(short: str, inputs: dict[str, Any]) -> dict[str, str]:
    given = {name: value for name, value in {**GROUP, "location": "eastus2", **inputs}.items() if value is not None}
    kind = kinds.of_token(f"azure-native:{short}")
    return dict(problems(kind, {name: value for name, value in given.items() if name != "location" or "location" in kind.inputs}))


@pytest.mark.parametrize(("short", "base", "change", "where", "says"), CASES)
def test_a_wrong_input_is_named_with_what_is_legal(short: str, base: Any, change: Any, where: str, says: str) -> None:
    found = _problems(short, {**base, **change})
    assert list(found) == [where]
    assert says in found[where]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = _problems("containerservice:AgentPool", {**POOL, "mode": "Worker", "osDiskSizeGB": -1, "agentPoolName": "-"})
    assert set(found) == {"mode", "osDiskSizeGB", "agentPoolName"}


def test_what_is_unknown_may_become_anything() -> None:
    unknown = dict.fromkeys(("mode", "osDiskSizeGB", "agentPoolName", "gpuProfile", "nodeTaints", "resourceGroupName"), UNKNOWN)
    assert _problems("containerservice:AgentPool", {**POOL, **unknown}) == {}


def test_a_password_is_never_shown() -> None:
    found = _problems("dbforpostgresql:Server", {**SERVER, "administratorLoginPassword": ["planted"]})
    assert "planted" not in str(found)
    secret = {"vaultName": "kv-one", "secretName": "s", "properties": {"value": 4711, "attributes": {"enabled": "planted"}}}
    assert "4711" not in str(_problems("keyvault:Secret", secret))
