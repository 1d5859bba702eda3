"""The secrets of a stack: keys of their own, never inside an object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

SecretName = Literal[
    "ngcApiKey",
    "nvcfApiKey",
    "hfToken",
    "externalApiKey",
    "databasePassword",
    "redisPassword",
    "objectStorePassword",
    "storageAccessKeyId",
    "storageAccessKey",
    "storageAccountKey",
    "sshPrivateKey",
]


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One secret.

    Attributes:
        key: key below `sdg:`.
        variable: environment variable that is read when the stack holds no value, also from `.env`.
        description: what it is for, and what happens without it.
        fallback: secret that stands in for a missing one.
    """

    key: SecretName
    variable: str
    description: str
    fallback: SecretName | None = None


# what was initialised with a password knows no other one
_FIRST_COUNTS: Final = "the first update fixes it, and generates it when unset. Setting, changing or removing it later changes nothing."

SECRET_KEYS: Final[Mapping[str, SecretKey]] = MappingProxyType(
    {
        secret.key: secret
        for secret in (
            SecretKey(
                "ngcApiKey",
                "NGC_API_KEY",
                "NGC key of the organisation: NIMs are pulled and served with it, and OSMO's images where `sdg:osmo.images.credentials` is "
                "`ngc`. Charts are fetched without it.",
            ),
            SecretKey(
                "nvcfApiKey",
                "NVCF_API_KEY",
                "Key of the organisation for NVIDIA Cloud Functions; the NGC key when unset.",
                "ngcApiKey",
            ),
            SecretKey("hfToken", "HF_TOKEN", "Hugging Face token that models are downloaded with; NIMs that serve such models need it."),
            SecretKey("externalApiKey", "EXTERNAL_API_KEY", "Key of endpoints outside the stack that say so (`sdg:inference.endpoints`)."),
            SecretKey(
                "databasePassword",
                "POSTGRES_PASSWORD",
                f"Password of OSMO's database. In the cluster: {_FIRST_COUNTS} An external database needs it, and follows it.",
            ),
            SecretKey("redisPassword", "REDIS_PASSWORD", "Password of an external Redis, which needs it."),
            SecretKey("objectStorePassword", "MINIO_ROOT_PASSWORD", f"Password of the object store's root user; {_FIRST_COUNTS}"),
            SecretKey("storageAccessKeyId", "STORAGE_ACCESS_KEY_ID", "Access key id of an S3 store, which needs it."),
            SecretKey("storageAccessKey", "STORAGE_ACCESS_KEY", "Secret access key of an S3 store, which needs it."),
            SecretKey("storageAccountKey", "STORAGE_KEY", "Key of an Azure storage account, where Blob storage logs in with one."),
            SecretKey(
                "sshPrivateKey", "SDG_SSH_PRIVATE_KEY", "Private key for `sdg:cluster.host`, in PEM form; the SSH agent's keys when unset."
            ),
        )
    }
)

# the OSMO chart writes the password unquoted into YAML, where it must not read as a number, a boolean or nothing
_READS_AS_TEXT = re.compile(r"(?i)^(?!(?:true|false|yes|no|on|off|null)$)(?=.*[a-z])(?![0-9.+-]*[exo]?[0-9a-f_.+-]*$)[a-z0-9_-]+$")
# the object store's client gets the password inside a URL, where every other character would have to be escaped (RFC 3986, unreserved)
_STANDS_IN_A_URL = re.compile(r"^[A-Za-z0-9._~-]+$")
SHORTEST_PASSWORD: Final = 8


def found(secret: SecretKey, *sources: Mapping[str, str]) -> str | None:
    """The secret's value from the first source that has one; the sources are the stack's config, the environment, `.env`."""
    config, *environments = sources
    for value in (config.get(secret.key), *(environment.get(secret.variable) for environment in environments)):
        if value:
            return value
    return None


def problem(secret: SecretKey, value: str) -> str | None:
    """What is wrong with a value, without showing it; None when it can be used."""
    if secret.key == "sshPrivateKey":
        return None if "PRIVATE KEY-----" in value else f"sdg:{secret.key} (or {secret.variable}) is no private key in PEM form."
    if value.strip() != value or any(character.isspace() for character in value):
        return f"sdg:{secret.key} (or {secret.variable}) holds white space; a key has none."
    if secret.key == "objectStorePassword" and not _STANDS_IN_A_URL.match(value):
        return (
            f"sdg:{secret.key} (or {secret.variable}) must hold letters, digits, - . _ and ~ only: "
            "the object store's client gets it inside a URL."
        )
    return _too_short(secret, value) if secret.key == "objectStorePassword" else None


def chart_password_problem(value: str) -> str | None:
    """What is wrong with a password of the database that OSMO's chart brings, without showing it. Another server has rules of its own."""
    secret = SECRET_KEYS["databasePassword"]
    if not _READS_AS_TEXT.match(value):
        return (
            f"sdg:{secret.key} (or {secret.variable}) must hold a letter beyond f, must not read as a number or as "
            "true, false or null, and may hold letters, digits, - and _ only: OSMO's chart writes it unquoted."
        )
    return _too_short(secret, value)


def _too_short(secret: SecretKey, value: str) -> str | None:
    if len(value) >= SHORTEST_PASSWORD:
        return None
    return f"sdg:{secret.key} (or {secret.variable}) must have at least {SHORTEST_PASSWORD} characters."
