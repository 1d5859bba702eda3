"""One resource of the simulated Azure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.azure.ids import ResourceId

Fields = Mapping[str, Any]
SUCCEEDED, FAILED, CREATING, UPDATING, DELETING = "Succeeded", "Failed", "Creating", "Updating", "Deleting"


@dataclass(frozen=True)
class Resource:
    """One resource as it is now.

    Attributes:
        type: ARM's, `Microsoft.ContainerService/managedClusters`.
        id: ARM's.
        inputs: what it was last asked to be.
        outputs: what ARM says of it, also what nobody asked for (`fqdn`).
        state: provisioning state.
        secrets: keys and the like, which ARM gives out only on request.
        uid: of this one; another resource of the same name has another.
    """

    type: str
    id: str
    inputs: Fields
    outputs: Fields
    state: str = SUCCEEDED
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def name(self) -> str:
        """The innermost name of its id."""
        return self.id.rstrip("/").rpartition("/")[2]

    @property
    def resource_group(self) -> str:
        """Name of its group; empty for what is in none."""
        parsed = ResourceId.parse(self.id)
        return parsed.group if parsed else ""
