"""Whether a pod's program may fetch its model: by the key or token that it has, as NGC or Hugging Face look at it.

Faults: `nim.download` for one NIM, `ngc.key` and `huggingface.http` for whoever asks.
"""

from __future__ import annotations

import base64

from rehearsal.api import SECRETS, Api, Object
from rehearsal.faults import Faults
from rehearsal.nims import pods
from rehearsal.nims.rendering import KEY, TOKEN
from rehearsal.services.internet import keys, tokens


class Access:
    """Looks at what pods show."""

    def __init__(self, api: Api, faults: Faults) -> None:
        self._api, self._faults = api, faults

    def refused(self, pod: Object, model: str) -> int | None:
        """The status with which a model is refused; None when it is given.

        Args:
            model: on Hugging Face; empty for one of NGC.
        """
        if model:
            return tokens.refusal(model, self.value(pod, TOKEN), self._faults)
        return keys.refusal(self.value(pod, KEY), self._faults)

    def value(self, pod: Object, name: str) -> str:
        """A variable of the pod's program: written there, or out of a Secret; empty without."""
        item = pods.container(pod)
        if plain := pods.variables(item).get(name):
            return plain
        named = pods.secret_key(item, name)
        whole = [(source["secretRef"]["name"], name) for source in item.get("envFrom") or [] if "secretRef" in source]
        for secret, key in [named] if named else whole:
            data = (self._api.get(SECRETS, secret, pod["metadata"]["namespace"]) or {}).get("data") or {}
            if key in data:
                return base64.b64decode(data[key]).decode(errors="replace")
        return ""
