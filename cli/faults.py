"""Switches faults of the rehearsal's services on and off."""

from __future__ import annotations

import json

import requests

from cli.project import rehearsal_state
from rehearsal.state import StateDir

TIMEOUT = 5.0


class FaultError(ValueError):
    """The switch cannot be set."""


def switch(name: str, setting: str | None, stack: str | None = None) -> str:
    """Sets a switch to a JSON object, or clears it with None; says what is on then.

    Args:
        stack: whose rehearsal it is; the one that this shell works on when unset.

    Raises:
        FaultError: the setting is no JSON object, the switch is unknown, or no rehearsal runs.
    """
    control = StateDir(rehearsal_state(stack)).service_urls().get("control")
    if control is None:
        raise FaultError("no rehearsal runs; start one with `sdg rehearsal start`")
    try:
        body = None if setting is None else json.loads(setting)
        url = f"{control}/faults/{name}"
        answer = requests.delete(url, timeout=TIMEOUT) if body is None else requests.put(url, json=body, timeout=TIMEOUT)
        switched_on = requests.get(f"{control}/faults", timeout=TIMEOUT).json()
    except json.JSONDecodeError as error:
        raise FaultError(f"{setting!r} is not JSON: {error}") from None
    except requests.ConnectionError:
        raise FaultError("no rehearsal answers; start one with `sdg rehearsal start`") from None
    if not answer.ok:
        raise FaultError(f"{name}: {answer.text}")
    return "faults: " + (", ".join(f"{fault} {json.dumps(value)}" for fault, value in switched_on.items()) or "none")
