"""The rules of the pack. Constructing the pack starts its server, so that alone is left to `__main__`."""

from __future__ import annotations

from typing import Final

from pulumi_policy import Policy

from policy.rules.azure_api_server_is_fenced import AZURE_API_SERVER_IS_FENCED
from policy.rules.azure_data_is_private import AZURE_DATA_IS_PRIVATE
from policy.rules.azure_key_vault_is_protected import AZURE_KEY_VAULT_IS_PROTECTED
from policy.rules.azure_ranges_are_narrow import AZURE_RANGES_ARE_NARROW
from policy.rules.azure_roles_are_narrow import AZURE_ROLES_ARE_NARROW
from policy.rules.azure_storage_is_closed import AZURE_STORAGE_IS_CLOSED
from policy.rules.azure_tls_is_recent import AZURE_TLS_IS_RECENT
from policy.rules.cluster_fits_inference import CLUSTER_FITS_INFERENCE, PROVIDERS_COMBINE
from policy.rules.foundry_model_serves import FOUNDRY_MODEL_SERVES
from policy.rules.gpu_driver_has_one_owner import GPU_DRIVER_HAS_ONE_OWNER, GPU_POOLS_AGREE_WITH_OPERATOR
from policy.rules.inference_fits_nodes import INFERENCE_FITS_NODES, INFERENCE_KEEPS_ITS_PLACES
from policy.rules.no_key_in_plain_path import NO_KEY_IN_PLAIN_PATH

NAME: Final = "sdg"
POLICIES: Final[tuple[Policy, ...]] = (
    CLUSTER_FITS_INFERENCE,
    PROVIDERS_COMBINE,
    INFERENCE_FITS_NODES,
    INFERENCE_KEEPS_ITS_PLACES,
    FOUNDRY_MODEL_SERVES,
    GPU_DRIVER_HAS_ONE_OWNER,
    GPU_POOLS_AGREE_WITH_OPERATOR,
    NO_KEY_IN_PLAIN_PATH,
    AZURE_API_SERVER_IS_FENCED,
    AZURE_DATA_IS_PRIVATE,
    AZURE_KEY_VAULT_IS_PROTECTED,
    AZURE_RANGES_ARE_NARROW,
    AZURE_ROLES_ARE_NARROW,
    AZURE_STORAGE_IS_CLOSED,
    AZURE_TLS_IS_RECENT,
)
"""One module per subject; importing one starts nothing."""
