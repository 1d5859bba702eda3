"""What fills the volume of a NIM that serves a model of Hugging Face: a Job that stays, so that what it did can be seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Final

from pulumi_kubernetes.batch.v1 import JobSpecArgsDict
from pulumi_kubernetes.core.v1 import ContainerArgsDict, EnvVarArgsDict, PodSpecArgsDict, TolerationArgsDict

from sdg.catalog.nims import HuggingFace
from sdg.catalog.versions import versions
from sdg.platform.layout import HF_KEY, HF_SECRET, nim_claim
from sdg.settings.mirror import Mirror

MODEL_STORE: Final = "/model-store"
CONTAINER: Final = "hf-download"
# further tries, 10 s after the first one and twice as long after each, so for ten minutes: Hugging Face counts requests by five minutes
TRIES: Final = 6


def download_spec(name: str, source: HuggingFace, mirror: Mirror, tolerations: Iterable[Mapping[str, str]]) -> JobSpecArgsDict:
    """Spec of the Job; without a time to live, since it is a resource of the stack.

    Args:
        name: of the NIM.
    """
    environment: list[EnvVarArgsDict] = [{"name": key, "value": value} for key, value in source.environment.items()]
    container: ContainerArgsDict = {
        "name": CONTAINER,
        "image": mirror.image(versions().images["hf-download"]),
        "command": ["bash", "-c", script(), CONTAINER, source.model, source.revision or "", *_packages()],
        "env": [
            *environment,
            {"name": HF_KEY, "value_from": {"secret_key_ref": {"name": HF_SECRET, "key": HF_KEY}}},
        ],
        "volume_mounts": [{"name": "model-store", "mount_path": MODEL_STORE}],
    }
    pod: PodSpecArgsDict = {
        "restart_policy": "OnFailure",
        "containers": [container],
        "volumes": [{"name": "model-store", "persistent_volume_claim": {"claim_name": nim_claim(name)}}],
    }
    tolerated: list[TolerationArgsDict] = [TolerationArgsDict(**each) for each in tolerations]  # type: ignore[typeddict-item]
    return {"backoff_limit": TRIES, "template": {"spec": {**pod, "tolerations": tolerated} if tolerated else pod}}


def digest(*contents: object) -> str:
    """What differs where plain contents do; 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()[:16]


@cache
def script() -> str:
    """What the Job runs."""
    return resources.files(__package__).joinpath("download.sh").read_text(encoding="utf-8")


def _packages() -> tuple[str, str]:
    pinned = versions().hf_download
    # with hyphens, which are the same to pip: a word that begins with hf_ is what Hugging Face's tokens look like
    return f"huggingface-hub[cli,hf-transfer]=={pinned.huggingface_hub}", f"hf-transfer=={pinned.hf_transfer}"
