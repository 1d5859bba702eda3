"""Checks a deployed stack's state: every secret of it lies encrypted, wherever it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cli.pulumi import Engine
from sdg.secrecy import findings, is_wrapped, unwrapped

# whose `value` is a secret and nothing else
HOLDERS: Final = ("dynamic/secret:Generated", "dynamic/osmo:OperatorToken")


class SecretInPlainError(RuntimeError):
    """A secret lies in the state in plain; the sentences name places, never values."""


def check_state(engine: Engine) -> int:
    """Looks for every known secret in the exported state; returns how many were looked for.

    Raises:
        SecretInPlainError: one was found, or there is none that could be looked for.
    """
    secrets = known_secrets(json.loads(engine.ask("stack", "export", "--show-secrets")))
    if not secrets:
        raise SecretInPlainError("the stack's state holds no secret that could be looked for; a deployed stack has several")
    found = findings(engine.state(), secrets)
    if found:
        raise SecretInPlainError("\n".join(finding.sentence() for finding in found))
    return len(secrets)


def known_secrets(revealed: Mapping[str, Any]) -> dict[str, str]:
    """The generated secrets of an export with secrets shown, by the name of the resource that holds them."""
    holders = [resource for resource in revealed["deployment"].get("resources", []) if resource["type"].endswith(HOLDERS)]
    return {resource["urn"].rpartition("::")[2]: _value(resource["outputs"]["value"]) for resource in holders}


def _value(wrapped: Mapping[str, str]) -> str:
    if not is_wrapped(wrapped):
        raise SecretInPlainError("the value of a generated secret is not marked as one")
    return str(unwrapped(wrapped))
