"""What is read of the Pulumi SDK and of Microsoft's packages, and the short file of what neither says."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.azure import kinds
from rehearsal.azure.kinds import Kind, UnknownKind

TOKENS = kinds.tokens()


def _leads_somewhere(kind: Kind, path: str) -> bool:
    fields: Any = kind.inputs
    for name in path.replace("[]", "").split("."):
        if name not in fields:
            return False
        inner = fields[name]
        while "items" in inner:
            inner = inner["items"]
        fields = kind.types.get(inner.get("ref", ""), {})
    return True


@pytest.mark.parametrize("token", TOKENS)
def test_every_kind_is_in_the_sdk_and_its_path_is_of_its_inputs(token: str) -> None:
    kind = kinds.of_token(token)
    assert kind.api_version
    assert set(kind.parameters) <= set(kind.inputs)
    assert kinds.of_type(kind.type) is kind


@pytest.mark.parametrize("token", TOKENS)
def test_what_the_file_says_of_properties_is_of_properties_that_exist(token: str) -> None:
    kind = kinds.of_token(token)
    named = [*kind.entry.replace, *kind.entry.fixed, *kind.entry.hidden]
    assert [path for path in named if not _leads_somewhere(kind, path)] == []
    assert set(kind.entry.names) <= set(kind.parameters)


def test_rules_come_from_the_models_where_the_sdk_has_none() -> None:
    pool = kinds.of_token("azure-native:containerservice:AgentPool")
    assert (pool.inputs["osDiskSizeGB"]["minimum"], pool.inputs["osDiskSizeGB"]["maximum"]) == (0, 2048)
    assert pool.parameters["agentPoolName"]["pattern"] == "^[a-z][a-z0-9]{0,11}$"
    account = kinds.of_token("azure-native:storage:StorageAccount")
    assert account.parameters["accountName"] == {"pattern": "^[a-z0-9]+$", "min_length": 3, "max_length": 24}


def test_values_of_newer_models_are_allowed_beside_the_sdks() -> None:
    sizes = kinds.of_token("azure-native:containerservice:AgentPool").inputs["osSKU"]["enum"]
    assert {"Ubuntu", "AzureLinux", "Windows2022"} <= set(sizes)
    assert len(sizes) == len(set(sizes))


def test_an_id_and_the_names_in_it_are_each_others_inverse() -> None:
    kind = kinds.of_token("azure-native:authorization:RoleAssignment")
    scope = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"
    id_ = kind.id_of("s", {"scope": scope, "roleAssignmentName": "name"})
    assert id_ == f"{scope}/providers/Microsoft.Authorization/roleAssignments/name"
    assert kind.names_in(id_) == {"scope": scope, "roleAssignmentName": "name"}


def test_what_is_not_simulated_is_named_together_with_what_is() -> None:
    with pytest.raises(UnknownKind, match=r"azure-native:sql:Server is not simulated. A rehearsal knows .*network:Subnet"):
        kinds.of_token("azure-native:sql:Server")
