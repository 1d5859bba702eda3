"""The file that keys are backed up to: encrypted with a passphrase, and of no use without it.

AES-256-GCM under a key that scrypt derives (RFC 7914). What stands around the ciphertext is readable and authenticated with it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sdg.keys.contents import Contents

FORMAT: Final = "sdg-keys"
VERSION: Final = 1
SHORTEST_PASSPHRASE: Final = 12  # characters
# about 0.3 s and 128 MiB for every guess
_COST: Final[Mapping[str, int]] = {"n": 2**17, "r": 8, "p": 1}
_LARGEST_N: Final = 2**20  # a file must not make its reader run out of memory
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12


class VaultError(ValueError):
    """The file cannot be read, or must not be written; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a file holds.

    Attributes:
        stack: name of the stack that the keys are of.
        made: when, ISO in UTC.
        lasting: the keys that data depends on.
        passing: those that are made again, such as the operator's token.
    """

    stack: str
    made: str
    lasting: Contents = field(repr=False)
    passing: Contents = field(repr=False)


def write(path: Path, backup: Backup, passphrase: str) -> None:
    """Writes a new file that only its user can read.

    Raises:
        VaultError: there is a file already, or the folder cannot be written to.
    """
    text = json.dumps(sealed(backup, passphrase), indent=2) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError(f"{path} exists, and a backup never replaces another file; choose another name") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())  # destroy trusts it from now on


def read(path: Path, passphrase: str) -> Backup:
    """Reads a file.

    Raises:
        VaultError: it is no backup of keys, of a later format, damaged, or the passphrase is another one.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise VaultError(f"{path} is no backup of keys") from None
    return opened(document, passphrase, str(path))


def sealed(backup: Backup, passphrase: str) -> dict[str, Any]:
    """The file's document."""
    nonce = os.urandom(_NONCE_BYTES)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "stack": backup.stack,
        "made": backup.made,
        "scrypt": {**_COST, "salt": _text(os.urandom(_SALT_BYTES))},
        "nonce": _text(nonce),
    }
    plain = json.dumps({"lasting": backup.lasting, "passing": backup.passing}).encode()
    ciphertext = AESGCM(_key(head, passphrase)).encrypt(nonce, plain, _canonical(head))
    return {**head, "ciphertext": _text(ciphertext)}


def opened(document: object, passphrase: str, name: str) -> Backup:
    """What a file's document holds; raises VaultError as `read` does."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise VaultError(f"{name} is no backup of keys")
    if document.get("version") != VERSION:
        raise VaultError(f"{name} is of format {document.get('version')}, and this program reads format {VERSION}; use a newer one")
    head = {key: value for key, value in document.items() if key != "ciphertext"}
    try:
        nonce, ciphertext = base64.b64decode(head["nonce"]), base64.b64decode(document["ciphertext"])
        plain = json.loads(AESGCM(_key(head, passphrase)).decrypt(nonce, ciphertext, _canonical(head)))
        return Backup(str(head["stack"]), str(head["made"]), plain["lasting"], plain["passing"])
    except InvalidTag:
        raise VaultError(f"{name} does not open: the passphrase is another one, or the file was changed") from None
    except (KeyError, TypeError, ValueError):
        raise VaultError(f"{name} is damaged") from None


def passphrase_problem(passphrase: str) -> str:
    """What is wrong with a passphrase for a new file; empty when it will do."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        return f"the passphrase must have at least {SHORTEST_PASSPHRASE} characters"
    return ""


def _key(head: Mapping[str, Any], passphrase: str) -> bytes:
    cost = head["scrypt"]
    n, r, p = int(cost["n"]), int(cost["r"]), int(cost["p"])
    if n > _LARGEST_N or r * p > _COST["r"] * _COST["p"] * 4:
        raise ValueError("costs too much")
    return Scrypt(salt=base64.b64decode(cost["salt"]), length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _canonical(head: Mapping[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
