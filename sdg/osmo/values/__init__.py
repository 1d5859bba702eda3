"""Helm values of OSMO's two charts for every profile and every choice of a stack, as pure functions.

Lists replace a chart's list as a whole, maps are merged into the chart's, and a null deletes a chart's default: so a list here is
complete, and what a choice leaves out is absent, never null. Secret values pass through as they are given (a Pulumi output stays one).
"""

from sdg.osmo.values.base import GATEWAY_URL, Images, Values
from sdg.osmo.values.operator import operator_values
from sdg.osmo.values.pools import OPTIX_PATH, GpuPlan, gets_optix, gpu_plan
from sdg.osmo.values.registry import credential_fields, docker_config, image_registry
from sdg.osmo.values.service import service_values
from sdg.osmo.values.storage import StaticKeys, StorageChoice, WorkloadIdentity, storage_choice

__all__ = [
    "GATEWAY_URL",
    "OPTIX_PATH",
    "GpuPlan",
    "Images",
    "StaticKeys",
    "StorageChoice",
    "Values",
    "WorkloadIdentity",
    "credential_fields",
    "docker_config",
    "gets_optix",
    "gpu_plan",
    "image_registry",
    "operator_values",
    "service_values",
    "storage_choice",
]
