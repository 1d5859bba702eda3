"""Who owns the GPU driver of the nodes, and every value of the GPU operator's chart that follows from it, flipped together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, get_args

DriverOwner = Literal["operator", "host", "azure"]

CHART: Final = "gpu-operator"
# with a driver of the host the validator cannot make its links below /dev/char, and never gets ready: NVIDIA/gpu-operator#430
NO_DEVICE_LINKS: Final = "DISABLE_DEV_CHAR_SYMLINK_CREATION"
# values below `driver` that say which driver the operator installs
_OPERATORS_OWN: Final = ("image", "kernelModuleType", "repository", "usePrecompiled", "version")


def driver_values(owner: DriverOwner) -> dict[str, Any]:
    """Values of the chart, and of MicroK8s' addon, which hands them to it. The container toolkit is the operator's either way."""
    values: dict[str, Any] = {"driver": {"enabled": owner == "operator"}, "toolkit": {"enabled": True}}
    if owner == "host":
        values["validator"] = {"driver": {"env": [{"name": NO_DEVICE_LINKS, "value": "true"}]}}
    return values


def hybrid(values: Mapping[str, Any]) -> str | None:
    """What speaks for the host and what for the operator, in a sentence, when values mix them; None when one of them owns the driver."""
    claims = list(_claims(values))
    said = {owner: ", ".join(claim for of, claim in claims if of == owner) for owner in get_args(DriverOwner)}
    if not all(said.values()):
        return None
    return f"the GPU driver has two owners: {said['host']} leave it to the host, {said['operator']} to the operator"


def _claims(values: Mapping[str, Any]) -> Iterator[tuple[DriverOwner, str]]:
    """Everything that says who owns the driver; a value that is left out says what the chart's default does."""
    driver = values.get("driver") or {}
    environment = ((values.get("validator") or {}).get("driver") or {}).get("env") or ()
    installed = driver.get("enabled") is not False
    linked = not any(entry.get("name") == NO_DEVICE_LINKS and entry.get("value") == "true" for entry in environment)
    yield "operator" if installed else "host", f"driver.enabled {str(installed).lower()}"
    yield "operator" if linked else "host", f"validator.driver.env {'without' if linked else 'with'} {NO_DEVICE_LINKS}"
    for key in _OPERATORS_OWN:
        if driver.get(key):
            yield "operator", f"driver.{key}"
