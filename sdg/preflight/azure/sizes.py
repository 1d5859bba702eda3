"""Which VM sizes a region has for a stack's pools, and whether its quotas are large enough. Pure: ARM's answers come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sdg.azure.quota import PoolNodes, Shortage, Usage, shortages
from sdg.catalog.gpu_driver import DriverOwner
from sdg.catalog.vm_sizes import vm_sizes
from sdg.preflight.azure.wanted import WantedPool, WantedStack
from sdg.preflight.model import Finding
from sdg.settings.azure_rules import size_problem

MACHINES: Final = "virtualMachines"
_REASONS: Final = {
    "NotAvailableForSubscription": "Azure keeps it from this subscription for want of capacity",
    "QuotaId": "this kind of subscription may not use it",
}
_ALTERNATIVES: Final = 3

Sku = Mapping[str, Any]


def sizes(wanted: WantedStack, skus: Iterable[Sku]) -> Iterator[Finding]:
    """Pools whose size the region doesn't have, or not in the zones that they want.

    Args:
        skus: the region's list of SKUs, of all kinds.
    """
    machines = _by_name(skus)
    for pool in wanted.pools:
        if problem := _problem(pool, machines.get(pool.pool.size.lower()), wanted.region):
            other = _alternatives(pool, machines, wanted.driver)
            instead = f"Sizes that can be had there: {', '.join(other)}. " if other else ""
            yield Finding("azure-sizes", problem, f"{instead}{_remedy(pool)}")


def quotas(wanted: WantedStack, skus: Iterable[Sku], usages: Iterable[Mapping[str, Any]], *, deployed: bool) -> Iterator[Finding]:
    """Quotas that are too small for every pool at its maximum. Sizes that the region doesn't have are left out.

    Args:
        skus: the region's list of SKUs.
        usages: the region's usages of vCPUs.
        deployed: whether the stack may have nodes already, which these usages would count too.
    """
    machines = _by_name(skus)
    pools = [_nodes(pool, machines[pool.pool.size.lower()]) for pool in wanted.pools if pool.pool.size.lower() in machines]
    for short in shortages(pools, map(Usage.of_arm, usages)):
        if not short.missing:
            yield _for_upgrades(short, wanted.region)
        else:
            # what is missing may be what the stack's own nodes use, unless it is missing even on an empty subscription
            yield (_in_use if deployed and not short.certain else _too_small)(short, wanted.region)


def _too_small(short: Shortage, region: str) -> Finding:
    upgrades = f" ({short.missing_for_upgrades} for upgrades too)" if short.need.surge else ""
    return Finding.of("azure-quota", f"{_numbers(short, region)}, so {short.missing} are missing{upgrades}.")


def _for_upgrades(short: Shortage, region: str) -> Finding:
    seen = f"{_numbers(short, region)}; {short.need.surge} more while they are upgraded, so {short.missing_for_upgrades} are missing then."
    return Finding.of("azure-quota-upgrade", seen)


def _in_use(short: Shortage, region: str) -> Finding:
    return Finding.of("azure-quota-in-use", f"{_numbers(short, region)}; those that this stack uses already are among the used ones.")


def _numbers(short: Shortage, region: str) -> str:
    usage, need = short.usage, short.need
    pools = f"the pool{'s' if len(need.pools) > 1 else ''} {' and '.join(need.pools)}"
    growth = f"{pools} need{'' if len(need.pools) > 1 else 's'} up to {need.vcpus}"
    return f"Quota {usage.name} in {region}: {usage.used} of {usage.limit} vCPUs are used, {usage.free} are left, and {growth}"


def _by_name(skus: Iterable[Sku]) -> dict[str, Sku]:
    return {str(sku["name"]).lower(): sku for sku in skus if sku.get("resourceType") == MACHINES}


def _nodes(pool: WantedPool, sku: Sku) -> PoolNodes:
    return PoolNodes(pool.name, str(sku["family"]), _vcpus(pool.pool.size, sku), pool.pool.max, pool.spot)


def _vcpus(name: str, sku: Sku) -> int:
    """Cores of a size: those of ARM, else those of the catalog.

    Raises:
        ValueError: nobody knows.
    """
    said = _capabilities(sku)
    if number := said.get("vCPUs"):
        return int(number)
    if known := vm_sizes().get(name):
        return known.vcpus
    raise ValueError(f"no number of vCPUs of {name}")


def _capabilities(sku: Sku) -> dict[str, str]:
    return {str(entry["name"]): str(entry["value"]) for entry in sku.get("capabilities") or ()}


def _problem(pool: WantedPool, sku: Sku | None, region: str) -> str | None:
    size, zones = pool.pool.size, pool.pool.zones
    asked = f"{pool.key}.size: {size}"
    if sku is None:
        return f"{asked} is not offered in {region}."
    if reason := _kept_back(sku):
        return f"{asked} cannot be had in {region}: {reason}."
    if pool.spot and not _spare(sku):
        return f"{asked} cannot be had as spot capacity in {region}, and {pool.key}.spot is true."
    offered = _zones(sku)
    missing = [zone for zone in zones if zone not in offered]
    if missing:
        can = f"can be had in {_listed('zone', offered)} alone" if offered else "can be had in no zone by its number"
        kept = [f"zone {zone}: {reason}" for zone, reason in _kept_back_zones(sku).items() if zone in missing]
        why = f" ({'; '.join(kept)})" if kept else ""
        return f"{asked} {can} in {region}{why}, and {pool.key}.zones says {', '.join(zones)}."
    return None


def _kept_back(sku: Sku) -> str | None:
    """Why nobody in this subscription gets a size anywhere in the region; None when they do."""
    reasons = [str(entry.get("reasonCode")) for entry in sku.get("restrictions") or () if entry.get("type") == "Location"]
    return _reason(reasons[0]) if reasons else None


def _kept_back_zones(sku: Sku) -> dict[str, str]:
    """Zones where nobody in this subscription gets a size, and why."""
    return {
        str(zone): _reason(str(entry.get("reasonCode")))
        for entry in sku.get("restrictions") or ()
        if entry.get("type") == "Zone"
        for zone in (entry.get("restrictionInfo") or {}).get("zones") or ()
    }


def _reason(code: str) -> str:
    return f"{code}, {_REASONS[code]}" if code in _REASONS else code


def _zones(sku: Sku) -> list[str]:
    kept_back = _kept_back_zones(sku)
    there = {str(zone) for place in sku.get("locationInfo") or () for zone in place.get("zones") or ()}
    return sorted(there - set(kept_back))


def _alternatives(pool: WantedPool, machines: Mapping[str, Sku], driver: DriverOwner | None) -> list[str]:
    """Sizes of the catalog that the region has and the settings' own rules allow there, nearest first; none that is in preview, or for
    which images of another architecture would have to be found."""
    wanted = vm_sizes().get(pool.pool.size)
    fit = [
        (abs(size.vcpus - (wanted.vcpus if wanted else size.vcpus)), name)
        for name, size in vm_sizes().items()
        if name != pool.pool.size
        and not size.preview
        and size.architecture == "amd64"
        and size_problem(pool.key, name, pool.kind, driver) is None
        and _fits(machines.get(name.lower()), pool)
    ]
    return [name for _distance, name in sorted(fit)[:_ALTERNATIVES]]


def _fits(sku: Sku | None, pool: WantedPool) -> bool:
    return sku is not None and _kept_back(sku) is None and set(pool.pool.zones) <= set(_zones(sku)) and (_spare(sku) or not pool.spot)


def _spare(sku: Sku) -> bool:
    """Whether spot pools may have it."""
    return _capabilities(sku).get("LowPriorityCapable", "True") == "True"


def _remedy(pool: WantedPool) -> str:
    zones = ", other zones" if pool.pool.zones else ""
    region = "another region (`sdg preflight --stack NAME --find-region`)"
    return f"Choose another size{zones} or {region}, or ask Azure's support to lift the restriction."


def _listed(what: str, values: Sequence[str]) -> str:
    return f"{what}{'s' if len(values) > 1 else ''} {', '.join(values)}"
