"""Azure's built-in roles that a stack gives away.

Source: Microsoft's page "Azure built-in roles".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Role = Literal[
    "AKS RBAC Cluster Admin",
    "Grafana Admin",
    "Monitoring Data Reader",
    "Network Contributor",
    "Storage Account Contributor",
    "Storage Blob Data Contributor",
]

IDS: Final[Mapping[Role, str]] = {
    "AKS RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    "Grafana Admin": "22926164-76b3-42b3-bc55-97df8dab3e41",
    "Monitoring Data Reader": "b0d8363b-8ddd-447d-831f-62ca05bff136",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
}


def definition_id(subscription: str, role: Role) -> str:
    """Id of a role; ARM knows no lookup by name."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{IDS[role]}"
