"""Secrets that are generated once and then live, encrypted, in the stack's state.

Create-only: an update never makes a new value, so what a database was initialised with stays valid, and an object of the cluster that
vanishes is restored with the same content. The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

Form = Literal["password", "token", "mek"]

PASSWORD_HEX_BYTES: Final = 16
TOKEN_BYTES: Final = 32  # 43 characters in base64url without padding, the one length that OSMO accepts for its default admin
MEK_KEY_ID: Final = "key1"


def password() -> str:
    """33 characters that no YAML parser takes for a number: OSMO's chart leaves the database password unquoted."""
    return "p" + secrets.token_hex(PASSWORD_HEX_BYTES)


def token() -> str:
    """43 characters of base64url, the form of an OSMO access token."""
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def master_encryption_key() -> str:
    """The text of `mek.yaml`: a JSON web key, encoded once more as a whole, under its id."""
    key = {"k": base64.b64encode(secrets.token_bytes(32)).decode(), "kid": MEK_KEY_ID, "kty": "oct"}
    encoded = base64.b64encode(json.dumps(key).encode()).decode()
    return f"currentMek: {MEK_KEY_ID}\nmeks:\n  {MEK_KEY_ID}: {encoded}\n"


GENERATORS: Final[Mapping[str, Callable[[], str]]] = {"password": password, "token": token, "mek": master_encryption_key}


class GeneratedSecretProvider(ResourceProvider):
    """Draws a value when the resource is created; another form is another secret."""

    serialize_as_secret_always = False

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        return CreateResult(id_=secrets.token_hex(8), outs={**props, "value": GENERATORS[props["form"]]()})

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        changed = olds.get("form") != news.get("form")
        return DiffResult(changes=changed, replaces=["form"] if changed else [])


class GeneratedSecret(Resource, module="secret", name="Generated"):
    """A secret value that is drawn once.

    Attributes:
        value: the value; always a secret.
    """

    value: pulumi.Output[str]

    def __init__(self, name: str, form: Form, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(GeneratedSecretProvider(), name, {"form": form, "value": None}, pulumi.ResourceOptions.merge(secret, opts))
