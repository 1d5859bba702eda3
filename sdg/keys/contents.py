"""The keys of a stack by the objects that hold them: `{"Secret/osmo-minimal/db-secret": {"db-password": …}}`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from sdg.kube.objects import Ref, api_version
from sdg.platform.layout import OURS

Contents = Mapping[str, Mapping[str, str]]

_PURPOSE: Final = b"sdg keys backup 1"


def fingerprint(contents: Contents) -> str:
    """Says whether two sets of keys are the same, without a way back to any of them.

    The keys are the key of the fingerprint: among them are two drawn at random, so a weak password cannot be guessed from it.
    """
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"))
    return hmac.new(canonical.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def manifest(ref: Ref, data: Mapping[str, str]) -> dict[str, Any]:
    """The object that holds some keys, as the API server takes it."""
    metadata = {"name": ref.name, "namespace": ref.namespace, "labels": dict(OURS)}
    field = "stringData" if ref.kind == "Secret" else "data"
    return {"apiVersion": api_version(ref.kind), "kind": ref.kind, "metadata": metadata, field: dict(data)}


def data_of(ref: Ref, found: Mapping[str, Any]) -> dict[str, str]:
    """What an object of the cluster holds, decoded."""
    data = found.get("data") or {}
    if ref.kind != "Secret":
        return dict(data)
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
