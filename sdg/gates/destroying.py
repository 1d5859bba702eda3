"""What the resources that work while a stack is destroyed have in common: their cluster may be down, or gone for good."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from sdg.gates.interrupt import Interruption
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import UnreachableError

FORGET: Final = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Environment variable by which the Kubernetes provider drops objects of an unreachable cluster from the state; heeded here too."""

UNTOUCHED: Final = "so nothing was removed"
"""The outcome of whoever refuses before anything is taken away."""

PATIENCE: Final = 8.0  # seconds that a cluster may be silent, as an API server that restarts is


class DestroyRefused(RuntimeError):
    """Destroy cannot go on; the sentence says why, what became of things, and what to do."""


def answering(props: Mapping[str, Any], outcome: str, interruption: Interruption | None = None) -> KubernetesApi | None:
    """The API of a resource's cluster, once it answers; None when it doesn't and the user asked to forget what was there.

    Args:
        props: with `connection` and `stack`.
        outcome: what a silent cluster means, as the middle of a sentence ("so nothing was removed").

    Raises:
        DestroyRefused: nothing answers.
        ConnectionInvalidError: the stored kubeconfig cannot be used.
    """
    connection = Connection.of(props["connection"])
    api, interruption = KubernetesApi.connect(connection), interruption or Interruption.of_engine()
    end = time.monotonic() + (0 if forgets() else PATIENCE)
    while True:
        try:
            api.get("/version")
        except UnreachableError as error:
            if forgets():
                return None
            if time.monotonic() > end or interruption.sleep(1.0):
                raise DestroyRefused(_silent(connection.server, error, outcome, str(props["stack"]))) from None
        else:
            return api


def forgets() -> bool:
    """Whether the user said that an unreachable cluster is gone for good."""
    return os.environ.get(FORGET, "").lower() == "true"


def _silent(server: str, error: UnreachableError, outcome: str, stack: str) -> str:
    reason = re.sub(r"^\[Errno \d+\] ", "", str(error)).lower()
    return (
        f"the cluster at {server} does not answer ({reason}), {outcome}. Start it, then destroy again. "
        f"If it is gone for good, forget what was in it: `{FORGET}=true pulumi destroy --stack {stack}`."
    )
