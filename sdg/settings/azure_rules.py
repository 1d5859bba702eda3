"""What an Azure cluster's settings ask of each other and of the other sections. Asks nobody: what a subscription or a region has to say is
the preflight's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from sdg.azure import names, network
from sdg.catalog.gpu_driver import DriverOwner
from sdg.catalog.versions import versions
from sdg.catalog.vm_sizes import UnknownSize, vm_size, vm_sizes
from sdg.settings.azure import CPU_POOL, SYSTEM_POOL, TAGS, Azure, Pool, PostgreSql
from sdg.settings.azure_access import access_problems, access_warnings
from sdg.settings.azure_versions import version_problems, version_warnings
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.platform import BUCKET, GpuOperator, Platform
from sdg.settings.smoke import Smoke

PoolKind = Literal["system", "cpu", "gpu"]
# first letters of the sizes that a tier of PostgreSQL has
_TIERS: Final = {"B": "B", "GP": "D", "MO": "E"}
_TAG_KEY: Final = 128  # characters; a storage account takes fewer than the rest, which take 512
_TAG_VALUE: Final = 256
# other characters, and a digit to begin with, are refused by DNS zones or left out in silence
_TAG_KEYS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_BEFORE_TAG_KEY: Final = ("microsoft", "azure", "windows")


def azure_problems(cluster: Azure, platform: Platform | None, smoke: Smoke | None) -> Iterator[str]:
    """Everything that cannot be, a sentence or two each."""
    operator = platform.gpu_operator if platform else GpuOperator()
    yield from names.problems(cluster)
    yield from network.problems(cluster)
    yield from access_problems(cluster)
    yield from version_problems(cluster, platform)
    yield from _pools(cluster, driver_owner(cluster, operator))
    yield from _driver(cluster, operator)
    yield from _database(cluster.database)
    yield from _storage(cluster)
    yield from _watching(cluster)
    yield from _tags(cluster)
    if smoke and smoke.gpu == "always" and not cluster.gpus:
        yield "sdg:smoke.gpu: \"always\" needs GPUs, and sdg:cluster.gpuPools has none; add a pool, or use 'auto' or 'never'."


def azure_warnings(cluster: Azure) -> Iterator[str]:
    """What can be and is worth a thought, a sentence each."""
    yield from access_warnings(cluster)
    yield from version_warnings(cluster)
    for index, pool in enumerate(cluster.gpu_pools):
        key = f"sdg:cluster.gpuPools[{index}].size"
        size = vm_sizes().get(pool.size)
        if size and size.preview:
            yield f"{key}: {pool.size} is not generally available; the subscription needs access to its preview."
        if size and size.architecture != "amd64":
            yield f"{key}: nodes of {pool.size} are {size.architecture}, and every image that runs there must be too."


def size_problem(key: str, name: str, kind: PoolKind, driver: DriverOwner | None) -> str | None:
    """Why nodes of a pool cannot have a size, in a sentence; None when they can.

    Args:
        key: of the pool's size.
        name: of the size.
        driver: who installs the GPU driver; None where that is not known, or nobody does.
    """
    try:
        size = vm_size(name)
    except UnknownSize as error:
        return f"{key}: {error}"
    least = versions().aks.system_vcpus
    if kind == "gpu" and not size.gpu:
        return f"{key} must be one with GPUs; {name} has none."
    if kind != "gpu" and size.gpu:
        return f"{key} must be one without GPUs, which belong into sdg:cluster.gpuPools; it is {name}."
    if kind == "system" and size.vcpus < least:
        return f"{key} must have {least} vCPUs or more, for Kubernetes and OSMO themselves; {name} has {size.vcpus}."
    if driver == "operator" and size.gpu and size.gpu.driver == "grid":
        return (
            f"{key}: {name} needs NVIDIA's GRID driver, which the GPU operator doesn't install; set sdg:platform.gpuOperator.driver to "
            "'azure', or take another size."
        )
    return None


def driver_owner(cluster: Azure, operator: GpuOperator) -> DriverOwner | None:
    """Who installs the GPU driver; None where there is nothing to install, or the stack has to say who does."""
    if not cluster.gpu_pools or (operator.install is False and operator.driver is None):
        return None
    return gpu_operator_plan(operator, cluster=cluster.kind, gpus=cluster.gpus).driver


def _pools(cluster: Azure, driver: DriverOwner | None) -> Iterator[str]:
    named: list[tuple[PoolKind, Pool]] = [("system", cluster.system_pool)]
    named += [("cpu", cluster.cpu_pool)] if cluster.cpu_pool else []
    for kind, pool in named:
        key = f"sdg:cluster.{kind}Pool"
        yield from _bounds(key, pool, least=1 if kind == "system" else 0)
        if problem := size_problem(f"{key}.size", pool.size, kind, driver):
            yield problem
    taken = dict.fromkeys((SYSTEM_POOL, CPU_POOL), "the name of a pool that there is anyway")
    for index, gpu_pool in enumerate(cluster.gpu_pools):
        key = f"sdg:cluster.gpuPools[{index}]"
        if gpu_pool.name in taken:
            yield f'{key}.name must be another; "{gpu_pool.name}" is {taken[gpu_pool.name]}.'
        taken.setdefault(gpu_pool.name, f"the name of {key}")
        yield from _bounds(key, gpu_pool, least=0)
        if problem := size_problem(f"{key}.size", gpu_pool.size, "gpu", driver):
            yield problem


def _bounds(key: str, pool: Pool, *, least: int) -> Iterator[str]:
    if pool.min < least:
        yield f"{key}.min must be at least {least}; it is {pool.min}."
    if pool.max < 1:
        yield f"{key}.max must be at least 1; it is {pool.max}: a pool that may have no node is left out."
    elif pool.min > pool.max:
        yield f"{key}.min must be at most its max, which is {pool.max}; it is {pool.min}."


def _driver(cluster: Azure, operator: GpuOperator) -> Iterator[str]:
    key = "sdg:platform.gpuOperator"
    if operator.driver == "host":
        yield f"{key}.driver must be 'operator' or 'azure' on Azure, whose nodes have no driver of their own; it is \"host\"."
    if not cluster.gpu_pools:
        if operator.install:
            yield f"{key}.install: true needs GPUs, and sdg:cluster.gpuPools has none; add a pool, or leave it unset."
        if operator.driver:
            yield f'{key}.driver: "{operator.driver}" says who installs the GPU driver, and sdg:cluster.gpuPools has none; leave it unset.'
        return
    if operator.install is False and operator.driver is None:
        yield (
            f"{key}.driver is required where {key}.install is false: 'azure', so that AKS installs the GPU driver, or 'operator', "
            "so that a GPU operator of your own does."
        )


def _database(database: PostgreSql) -> Iterator[str]:
    tier, _, size = database.size.partition("_Standard_")
    if not size.startswith(_TIERS[tier]):
        right = next((f"{known}_Standard_{size}" for known, letter in _TIERS.items() if size.startswith(letter)), None)
        remedy = f"write {right}" if right else f"sizes of tier {tier}_ begin with {tier}_Standard_{_TIERS[tier]}"
        yield f'sdg:cluster.database.size must have the prefix of its tier; it is "{database.size}": {remedy}.'
    elif tier == "B" and database.high_availability != "none":
        yield (
            f'sdg:cluster.database.highAvailability must be "none" with the burstable size {database.size}; it is '
            f'"{database.high_availability}": take a GP_ or MO_ size.'
        )


def _storage(cluster: Azure) -> Iterator[str]:
    storage = cluster.storage
    known = {BUCKET}
    for index, name in enumerate(storage.containers):
        if name in known:
            yield f'sdg:cluster.storage.containers[{index}] must be another name; there is a "{name}" already.'
        known.add(name)
    if storage.cool_after_days and storage.delete_after_days and storage.delete_after_days <= storage.cool_after_days:
        yield (
            f"sdg:cluster.storage.deleteAfterDays must be more than coolAfterDays, which is {storage.cool_after_days}; it is "
            f"{storage.delete_after_days}."
        )
    if cluster.key_vault.purge_protection and not cluster.key_vault.enabled:
        yield "sdg:cluster.keyVault.purgeProtection: true needs a vault, and sdg:cluster.keyVault.enabled is false."


def _watching(cluster: Azure) -> Iterator[str]:
    if cluster.observability.grafana and not cluster.observability.metrics:
        yield "sdg:cluster.observability.grafana: true needs metrics to show, and sdg:cluster.observability.metrics is false."


def _tags(cluster: Azure) -> Iterator[str]:
    if len(cluster.tags) > TAGS:
        yield f"sdg:cluster.tags must have at most {TAGS} entries, which is what private DNS zones take; it has {len(cluster.tags)}."
    for key, value in cluster.tags.items():
        if len(key) > _TAG_KEY or not _TAG_KEYS.fullmatch(key) or key.lower().startswith(_NOT_BEFORE_TAG_KEY):
            yield (
                f"sdg:cluster.tags: keys have 1 to {_TAG_KEY} letters, digits, _, . and -, of which private DNS zones take no others, and "
                f'don\'t begin with a digit, {", ".join(_NOT_BEFORE_TAG_KEY)}; one is "{key[:40]}".'
            )
        if len(value) > _TAG_VALUE:
            yield f'sdg:cluster.tags: values have at most {_TAG_VALUE} characters; that of "{key[:40]}" has {len(value)}.'
    folded = [key.lower() for key in cluster.tags]
    for key in sorted({key for key in folded if folded.count(key) > 1}):
        yield f'sdg:cluster.tags: keys differ by more than letter case, which Azure doesn\'t see; "{key}" is there more than once.'
