"""The service's own JWTs: RS256, five minutes."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFETIME = 300  # seconds


class JwtIssuer:
    """Issues tokens with a key of its own, made when it is first needed."""

    def __init__(self) -> None:
        self._key_id = str(uuid.uuid4())

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def keys(self) -> dict[str, Any]:
        """The public key as a JWKS."""
        numbers = self._key.public_key().public_numbers()
        return {"keys": [{"kty": "RSA", "kid": self._key_id, "e": _integer(numbers.e), "n": _integer(numbers.n)}]}

    def issue(self, user: str, token_name: str, roles: Sequence[str]) -> dict[str, Any]:
        """The answer to a token exchange: the JWT and when it expires, in Unix seconds."""
        issued = int(time.time())
        claims = {
            "iss": "osmo",
            "aud": "osmo",
            "iat": issued,
            "nbf": issued,
            "exp": issued + LIFETIME,
            "unique_name": user,
            "roles": list(roles),
            "osmo_token_name": token_name,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key_id}
        signed = f"{_json(header)}.{_json(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"token": f"{signed}.{_encode(signature)}", "expires_at": issued + LIFETIME}


def _json(content: dict[str, Any]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _integer(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
