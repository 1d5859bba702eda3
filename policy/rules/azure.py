"""Types of Azure's resources, as rules tell them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# azure-native has a module per resource provider, and may have one per version of its API below
_TYPE: Final = re.compile(r"azure-native:(?P<module>\w+)(?:/v\w+)?:(?P<name>\w+)")


def azure_type(resource_type: str) -> str:
    """Module and name of a type of azure-native, `storage:StorageAccount`, whatever the version; empty for every other type."""
    found = _TYPE.fullmatch(resource_type)
    return f"{found['module']}:{found['name']}" if found else ""


def says(properties: Mapping[str, Any], key: str) -> bool:
    """Whether a property is there, known or not; asking `in` would raise for one that isn't known yet."""
    return key in list(properties)
