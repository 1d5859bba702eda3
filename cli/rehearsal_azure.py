"""The simulated Azure of a rehearsal, around a stack: started, reached, and looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from cli.derived import NotRehearsable
from rehearsal.azure import login
from rehearsal.cluster import VirtualCluster
from rehearsal.services.arm.rest import doors
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.azure import caller
from sdg.settings.mirror import Mirror

PRICES: Final = "https://prices.azure.com"
COMES_UP: Final = 90.0  # seconds
POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is in the simulated Azure.

    Attributes:
        cluster: state of its AKS: `absent`, `starting`, `running`, or how it failed.
        resources: ids.
        gone: ids of what was deleted and keeps its name for a while.
    """

    cluster: str
    resources: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def start(state: StateDir, tools: Tools) -> None:
    """Starts the services, and the cluster again where ARM knows of one; makes the login to it.

    Raises:
        NotRehearsable: the cluster does not come up again.
    """
    VirtualCluster(state, tools).start_services()
    environment = doors.environment(state.service_urls()["arm"])
    login.install(state, environment["IDENTITY_ENDPOINT"], environment["IDENTITY_HEADER"])
    deadline = time.monotonic() + COMES_UP
    while (found := contents(state)).cluster not in {"absent", "running"}:
        if found.cluster.startswith("failed") or time.monotonic() > deadline:
            raise NotRehearsable(f"the cluster of the simulated Azure does not come up again: it is {found.cluster}; see {state.logs}")
        time.sleep(POLL)


def apis(urls: Mapping[str, str]) -> dict[str, str]:
    """Web APIs by their own addresses, and where a rehearsal answers for them."""
    prices = {PRICES: urls["prices"]} if "prices" in urls else {}
    return prices | (doors.apis(urls["arm"]) if "arm" in urls else {})


def address(apis: Mapping[str, str]) -> str:
    """The public address that the simulated Azure sees this host at; empty where it says none."""
    found = caller.look(Mirror(apis=apis).api)
    return str(found.address or "")


def contents(state: StateDir) -> Contents:
    """What there is now; nothing where no simulated Azure runs."""
    with requests.Session() as http:
        http.trust_env = False  # a proxy would not know 127.0.0.1
        try:
            answer = http.get(f"{state.service_urls()['control']}/azure", timeout=10)
            answer.raise_for_status()
        except (requests.RequestException, KeyError):
            return Contents("absent")
    found: dict[str, Any] = answer.json()
    return Contents(found["cluster"], tuple(found["resources"]), tuple(found["gone"]))
