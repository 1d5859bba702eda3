"""Base and shared field types of all settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sdg.catalog.versions import version_range


class Settings(BaseModel):
    """Base of all settings: camelCase keys as in every Pulumi stack file, nothing unknown, nothing that changes later.

    `hide_input_in_errors`: a wrong value may be a secret in the wrong place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, hide_input_in_errors=True)


# an id of Entra or Azure
Guid = Annotated[
    str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", examples=["00000000-0000-0000-0000-000000000000"])
]


def as_text(value: object) -> object:
    """A whole number as the text that it stands for: `pulumi config set` makes a number of everything that looks like one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Seconds = Annotated[int, Field(ge=1, le=86400)]
VersionRange = Annotated[str, AfterValidator(version_range)]
# the API server's name rule for most objects (RFC 1123 label)
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", examples=["lab-1"])]
Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$", examples=["20Gi"])]
