"""The rules of the pack. Constructing the pack starts its server, so that alone is left to `__main__`."""

from __future__ import annotations

from typing import Final

from pulumi_policy import Policy

from policy.rules.cluster_fits_inference import CLUSTER_FITS_INFERENCE
from policy.rules.gpu_driver_has_one_owner import GPU_DRIVER_HAS_ONE_OWNER
from policy.rules.no_key_in_plain_path import NO_KEY_IN_PLAIN_PATH

NAME: Final = "sdg"
POLICIES: Final[tuple[Policy, ...]] = (CLUSTER_FITS_INFERENCE, GPU_DRIVER_HAS_ONE_OWNER, NO_KEY_IN_PLAIN_PATH)
