"""Tokens: the endpoint that App Service gives its applications (`IDENTITY_ENDPOINT`), and ARM's look at what it is sent.

A token has the claims of a real one and is signed by nobody but this rehearsal: it opens nothing anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from rehearsal.azure.account import CLIENT, OBJECT, TENANT
from rehearsal.azure.errors import ArmError
from rehearsal.faults import Faults

HEADER: Final = "rehearsal"
"""Value of `IDENTITY_HEADER`: it keeps nobody out, for whoever is on this machine may ask."""
API_VERSION: Final = "2019-08-01"
LIFETIME: Final = 86_400  # seconds, as managed identities' tokens live
_KEY: Final = b"rehearsal"
_AUDIENCES: Final = {"https://management.azure.com", "https://management.core.windows.net"}
_OTHER_TENANT: Final = "5d600000-0000-4000-8000-0000000000ff"

NONE, EXPIRED, OTHER_TENANT = "none", "expired", "otherTenant"
"""States of the switch `azure.login`."""


def token(resource: str, now: float) -> str:
    """A bearer token for a resource, such as `https://management.azure.com`."""
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + LIFETIME,
        "appid": CLIENT,
        "idtyp": "app",
        "oid": OBJECT,
        "sub": OBJECT,
        "tid": TENANT,
        "ver": "1.0",
    }
    signed = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
    return f"{signed}.{_signature(signed)}"


def granted(query: Mapping[str, str], header: str, faults: Faults) -> dict[str, str]:
    """The answer of the identity endpoint.

    Raises:
        ArmError: nobody may have a token, or the question is wrong.
    """
    if (faults.get("azure.login") or {}).get("state") == NONE:
        raise ArmError(HTTPStatus.BAD_REQUEST, "invalid_request", "No managed identity was found for the client id")
    if header != HEADER:
        raise ArmError(HTTPStatus.UNAUTHORIZED, "unauthorized", "The X-IDENTITY-HEADER is not the one of this application")
    resource = query.get("resource", "").rstrip("/")
    if query.get("api-version") != API_VERSION or not resource:
        raise ArmError(HTTPStatus.BAD_REQUEST, "invalid_request", f"api-version {API_VERSION} and a resource are required")
    now = time.time()
    expires = str(int(now) + LIFETIME)
    return {"access_token": token(resource, now), "expires_on": expires, "resource": resource, "token_type": "Bearer", "client_id": CLIENT}


def check(authorization: str, faults: Faults) -> None:
    """ARM's look at who asks.

    Raises:
        ArmError: status 401, as ARM says it.
    """
    scheme, _, sent = authorization.partition(" ")
    if scheme.lower() != "bearer" or not sent:
        raise _refused("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    claims = _claims(sent)
    if claims is None or str(claims.get("aud", "")).rstrip("/") not in _AUDIENCES:
        raise _refused("InvalidAuthenticationToken", "The access token is invalid.")
    state = (faults.get("azure.login") or {}).get("state")
    if claims["exp"] <= time.time() or state == EXPIRED:
        raise _refused("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
    if state == OTHER_TENANT:
        raise _refused(
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer 'https://sts.windows.net/{TENANT}/'. It must match the tenant "
            f"'https://sts.windows.net/{_OTHER_TENANT}/' associated with this subscription.",
        )


def _refused(code: str, message: str) -> ArmError:
    return ArmError(HTTPStatus.UNAUTHORIZED, code, message)


def _part(content: Mapping[str, Any]) -> str:
    return _text(json.dumps(content).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _signature(signed: str) -> str:
    return _text(hmac.digest(_KEY, signed.encode(), hashlib.sha256))


def _claims(sent: str) -> dict[str, Any] | None:
    """What a token of ours says; None for any other."""
    signed, _, signature = sent.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(signed).encode()):
        return None
    payload = signed.partition(".")[2]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
