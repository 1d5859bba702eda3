"""What a gate answers, without a credential in what is said or kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdg.gates.checks import Verdict
from sdg.gates.redact import Redactor
from sdg.gates.waiting import Say, observed

Wait = Callable[[Mapping[str, Any], Say], Verdict]


def outputs_of(wait: Wait, inputs: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Asks, however long that takes; returns the outputs `status`, `checks` and `evidence`. Never raises.

    An answer may quote the connection that it came by: its credentials are hidden, and whatever looks like one.
    """
    redactor = Redactor.knowing(inputs.get("connection"))
    verdict = observed(lambda: wait(inputs, redactor.speaking(say)))
    outputs: dict[str, Any] = redactor.tree(verdict.as_outputs())
    return outputs
