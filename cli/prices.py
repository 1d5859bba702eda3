"""`sdg prices refresh`: asks for today's prices of everything that a stack on Azure is billed for, and keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cli.environment import process_environment
from cli.project import ROOT
from cli.stack_file import settings_of
from sdg.azure import retail
from sdg.azure.kept_prices import Kept
from sdg.azure.prices import PUBLIC
from sdg.catalog.vm_sizes import LOCAL, vm_sizes
from sdg.settings.azure import Azure
from sdg.settings.model import StackSettings


class NotOnAzureError(RuntimeError):
    """The stack makes nothing that Azure bills."""


def refresh(stack: str, now: datetime | None = None) -> Iterator[str]:
    """Asks and keeps, and says what there is now.

    Raises:
        NotOnAzureError: the stack is not on Azure.
        PricesError: the prices cannot be had, or not be kept.
        StackFileError, SettingsError: the stack's file cannot be used.
    """
    settings = settings_of(stack)
    cluster = azure_of(stack, settings)
    kept = kept_prices(settings, process_environment(stack))
    found = retail.fetch(kept.source, cluster.location, settings.budget.currency, machines(cluster), now or datetime.now(UTC))
    path = kept.keep(found)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    yield f"{len(found.rows)} prices of {found.region} in {found.currency}, from {found.source}, kept in {shown}"


def azure_of(stack: str, settings: StackSettings) -> Azure:
    """The cluster of a stack on Azure.

    Raises:
        NotOnAzureError: it is elsewhere.
    """
    cluster = settings.cluster
    if not isinstance(cluster, Azure):
        raise NotOnAzureError(f"sdg:cluster.kind of {stack} is {cluster.kind}; only a cluster of kind azure has resources that are billed")
    return cluster


def kept_prices(settings: StackSettings, environ: Mapping[str, str], project: Path = ROOT) -> Kept:
    """Where a stack's prices lie."""
    return Kept.of_project(project, environ, settings.mirror.api(PUBLIC))


def machines(cluster: Azure) -> set[str]:
    """Sizes of virtual machines whose prices are asked for: the known ones, and those of the stack."""
    pools = [cluster.system_pool, *([cluster.cpu_pool] if cluster.cpu_pool else []), *cluster.gpu_pools]
    return {size for size in vm_sizes() if not size.startswith(LOCAL)} | {pool.size for pool in pools}
