"""Secrets that are generated once and then live, encrypted, in the stack's state.

Create-only: an update never makes a new value, so what a database was initialised with stays valid, and an object of the cluster that
vanishes is restored with the same content. A value that the user chose counts at creation only, for the same reason. The provider's
dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from sdg.gates.waiting import say

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
    """Takes the chosen value, or draws one, when the resource is created; another form is another secret."""

    serialize_as_secret_always = False

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        value = props.get("chosen") or GENERATORS[props["form"]]()
        return CreateResult(id_=secrets.token_hex(8), outs={**props, "value": value})

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        if news.get("chosen") and news["chosen"] != olds.get("value"):
            say(_kept(news))
        changed = olds.get("form") != news.get("form")
        return DiffResult(changes=changed, replaces=["form"] if changed else [])


def _kept(props: Mapping[str, Any]) -> str:
    return (
        f"warning: {props.get('name')}: the value that is chosen now is not the one that this stack was made with, which stays in use. "
        f"To change it for good, first change it by hand where it is used, then run `{props.get('renewal')}`."
    )


class GeneratedSecret(Resource, module="secret", name="Generated"):
    """A secret value that is fixed when it is created.

    Args:
        chosen: the value to start with; drawn when None. Choosing another one later changes nothing, and is said.

    Attributes:
        value: the value; always a secret.
    """

    value: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        form: Form,
        opts: pulumi.ResourceOptions | None = None,
        *,
        chosen: pulumi.Output[str] | None = None,
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["chosen", "value"])
        asked: dict[str, pulumi.Input[str] | None] = {
            "form": form,
            "chosen": None if chosen is None else pulumi.Output.secret(chosen),
            "name": name,
            "renewal": f"pulumi up --stack {pulumi.get_stack()} --replace '**::{name}'",
            "value": None,
        }
        super().__init__(GeneratedSecretProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
