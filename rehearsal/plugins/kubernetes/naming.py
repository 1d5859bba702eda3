"""Names for objects whose program gives them none."""

from __future__ import annotations

import hashlib
import secrets

from rehearsal.plugins.kubernetes.checkpoint import annotated, name_of
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.provider import Autonaming, ProviderError

AUTONAMED = "pulumi.com/autonamed"
_RANDOM_LENGTH = 8


def named(inputs: Object, old_inputs: Object, logical_name: str, seed: bytes, autonaming: Autonaming) -> Object:
    """Return inputs with a name: the given one, else the one made earlier, else a new one that is marked as made by Pulumi.

    Raises:
        ProviderError: the project switched autonaming off and the program gives no name.
    """
    metadata = inputs.get("metadata") or {}
    if not isinstance(metadata, dict) or metadata.get("name") is not None or metadata.get("generateName"):
        return inputs
    if name_of(old_inputs) and annotated(old_inputs, AUTONAMED):
        return _with_name(inputs, metadata, name_of(old_inputs))
    if autonaming.disabled:
        raise ProviderError(f"autonaming is disabled, resource {logical_name!r} requires the .metadata.name field to be set")
    return _with_name(inputs, metadata, autonaming.proposed or unique(logical_name, seed))


def unique(prefix: str, seed: bytes = b"") -> str:
    """Return the prefix with eight hexadecimal digits; the same seed gives the same name, so preview and update agree."""
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(_RANDOM_LENGTH)
    return f"{prefix}-{digits[:_RANDOM_LENGTH]}"


def _with_name(inputs: Object, metadata: Object, name: str) -> Object:
    annotations = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": {**metadata, "annotations": annotations, "name": name}}
