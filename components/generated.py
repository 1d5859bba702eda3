"""Secrets that are generated once and then live, encrypted, in the stack's state.

Create-only: an update never makes a new value, so what a database was initialised with stays valid, and an object of the cluster that
vanishes is restored with the same content. Where the cluster already holds the value when the resource is created, that one is taken:
an installation that was made by hand, data that a destroy left, or an update that was killed before it could note what it had made.
A value that the user chose counts at creation only, for the same reason. The provider's dotted path is stored in the state of every
stack: do not move it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource

from components.cluster.base import ConnectionOutput
from components.provider import ClusterProvider
from sdg.gates.waiting import say
from sdg.kube.api import KubernetesApi, KubernetesReader
from sdg.kube.connection import Connection
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.held import Holder, held

Form = Literal["password", "strong-password", "token", "mek"]
Properties = Mapping[str, Any]

PASSWORD_HEX_BYTES: Final = 16
STRONG_LENGTH: Final = 32
STRONG_CHARACTERS: Final = string.ascii_letters + string.digits
TOKEN_BYTES: Final = 32  # 43 characters in base64url without padding, the one length that OSMO accepts for its default admin
MEK_KEY_ID: Final = "key1"


def password() -> str:
    """33 characters that no YAML parser takes for a number: OSMO's chart leaves the database password unquoted."""
    return "p" + secrets.token_hex(PASSWORD_HEX_BYTES)


def strong_password() -> str:
    """32 letters and digits, with all of them in it that Azure asks of an administrator's password: of both cases, and digits."""
    while True:
        drawn = secrets.choice(string.ascii_letters) + "".join(secrets.choice(STRONG_CHARACTERS) for _ in range(STRONG_LENGTH - 1))
        if all(set(drawn) & set(kind) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)):
            return drawn


def token() -> str:
    """43 characters of base64url, the form of an OSMO access token."""
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def master_encryption_key() -> str:
    """The text of `mek.yaml`: a JSON web key, encoded once more as a whole, under its id."""
    key = {"k": base64.b64encode(secrets.token_bytes(32)).decode(), "kid": MEK_KEY_ID, "kty": "oct"}
    encoded = base64.b64encode(json.dumps(key).encode()).decode()
    return f"currentMek: {MEK_KEY_ID}\nmeks:\n  {MEK_KEY_ID}: {encoded}\n"


GENERATORS: Final[Mapping[str, Callable[[], str]]] = {
    "password": password,
    "strong-password": strong_password,
    "token": token,
    "mek": master_encryption_key,
}


class GeneratedSecretProvider(ClusterProvider):
    """Takes the value that the cluster holds, else the chosen one, or draws one, when the resource is created; another form is another
    secret."""

    def create(self, props: Properties) -> CreateResult:
        api = KubernetesApi.connect(Connection.of(props["connection"])) if props.get("connection") else None
        found = _found(props, api)
        if found is None:
            _refuse_to_lose_data(props, api)
        value = found or props.get("chosen") or GENERATORS[props["form"]]()
        # how the cluster was reached is of no use later, and rotates
        outs = {key: given for key, given in props.items() if key != "connection"}
        return CreateResult(id_=secrets.token_hex(8), outs={**outs, "value": value})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        if news.get("chosen") and news["chosen"] != olds.get("value"):
            say(_kept(news))
        changed = olds.get("form") != news.get("form")
        return DiffResult(changes=changed, replaces=["form"] if changed else [])


def _found(props: Properties, api: KubernetesReader | None) -> str | None:
    """The value that the cluster holds."""
    if api is None or not props.get("holder"):
        return None
    holder = Holder.of(props["holder"])
    value = held(api, holder)
    if value is not None:
        say(f"{props.get('name')}: the value is taken from {holder}, where the cluster holds it")
        if props.get("chosen") and props["chosen"] != value:
            say(_kept(props))
    return value


def _refuse_to_lose_data(props: Properties, api: KubernetesReader | None) -> None:
    """Raises when there is data that only a value which nobody has any more can read, unless the user accepts that for this update."""
    guard = props.get("guard") or {}
    accept = str(guard.get("accept") or "")
    if not guard or (accept and os.environ.get(accept) == "true"):
        return
    seen = str(guard.get("seen") or "") or _existing(guard.get("claim") or {}, api)
    if seen:
        raise RuntimeError(f"{seen}\n{guard['remedy']}")


def _existing(claim: Properties, api: KubernetesReader | None) -> str:
    if not claim or api is None:
        return ""
    try:
        api.get(f"/api/v1/namespaces/{claim['namespace']}/persistentvolumeclaims/{claim['name']}")
    except ObjectNotFoundError:
        return ""
    return f"Volume claim {claim['name']} of namespace {claim['namespace']} holds a database."


def _kept(props: Properties) -> str:
    where = f", in {Holder.of(props['holder'])} too" if props.get("holder") else ""
    return (
        f"warning: {props.get('name')}: the value that is chosen now is not the one that this stack was made with, which stays in use. "
        f"To change it for good, first change it by hand where it is used{where}, then run `{props.get('renewal')}`."
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """Data that only the value in question can read: where it is there and the value is not, none is made.

    Attributes:
        claim: namespace and name of the volume claim that holds the data; None when it lies elsewhere.
        seen: what was seen of data elsewhere, as a sentence; empty when there is none.
        remedy: what to do.
        accept: environment variable that accepts the loss when it is "true"; empty where that would not help.
    """

    remedy: pulumi.Input[str]
    accept: str = ""
    claim: tuple[str, str] | None = None
    seen: pulumi.Input[str] = ""

    def as_input(self) -> dict[str, Any]:
        claim = dict(zip(("namespace", "name"), self.claim, strict=True)) if self.claim else None
        return {"claim": claim, "seen": self.seen, "remedy": self.remedy, "accept": self.accept}


class GeneratedSecret(Resource, module="secret", name="Generated"):
    """A secret value that is fixed when it is created.

    Args:
        chosen: the value to start with; drawn when None. Choosing another one later changes nothing, and is said.
        connection: how to reach the cluster that may hold the value already; needed for a holder and a guard.
        holder: where the cluster holds it.
        guard: data that must not be there without the value.

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
        connection: ConnectionOutput | None = None,
        holder: Holder | None = None,
        guard: Guard | None = None,
    ) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["chosen", "value"])
        asked: dict[str, Any] = {
            "form": form,
            "chosen": None if chosen is None else pulumi.Output.secret(chosen),
            "connection": None if connection is None else pulumi.Output.secret(connection),
            "holder": holder.as_input() if holder else None,
            "guard": guard.as_input() if guard else None,
            "name": name,
            "renewal": f"pulumi up --stack {pulumi.get_stack()} --replace '**::{name}'",
            "value": None,
        }
        super().__init__(GeneratedSecretProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
