"""What locks the data of an Azure cluster: every change that would make it anew, until it is unlocked."""

import itertools

import pulumi
import pytest

from components.cluster.azure.stored import Stored
from rehearsal.azure import differences, kinds
from sdg.azure.made_of import UsedServices, broken, made_of
from sdg.azure.names import Names
from sdg.settings.azure import Azure
from tests.graph.azure_data import SUBSCRIPTION, loop, make

__all__ = ["loop", "make"]  # the fixtures

# resources that must not be made anew, or be refused a change, unnoticed → the lock of each
LOCKED = {
    "aks": "cluster",
    "database-server": "database",
    "redis": "redis",
    "storage": "storage",
    "key-vault": "key-vault",
    "redis-database": "redis",
    "database": "database",
    "container-osmo-workflows": "storage",
}
BASE = {"keyVault": {"enabled": True}, "tier": "Standard", "systemPool": {"zones": ["1"]}}
# every field of the settings with another value; those of observability and GPU pools change nothing that holds data
OTHER = {
    "location": "westeurope",
    "prefix": "other",
    "environment": "prod",
    "suffix": "aaaaa",
    "kubernetes": "1.34",
    "tier": "Premium",
    "allowedRanges": ["198.51.100.7/32"],
    "tags": {"a": "b"},
    "apiServer": [{"access": "private"}, {"adminGroups": [SUBSCRIPTION]}],
    "network": [
        {"range": "10.64.0.0/16"},
        {"pods": "10.200.0.0/16"},
        {"services": "172.30.0.0/16"},
        {"egress": "load-balancer"},
        {"subnets": {"nodes": "10.0.128.0/20"}},
        {"subnets": {"gpuNodes": "10.0.128.0/20"}},
        {"subnets": {"database": "10.0.128.0/24"}},
        {"subnets": {"endpoints": "10.0.128.0/24"}},
    ],
    "systemPool": [{"size": "Standard_D8ds_v5"}, {"min": 2}, {"max": 6}, {"zones": ["2"]}, {"osDiskGib": 256}, {"maxPods": 60}],
    "upgrades": [{"channel": "patch"}, {"nodeOs": "NodeImage"}],
    "database": [
        {"requireTls": False},
        {"size": "GP_Standard_D2s_v3"},
        {"version": "17"},
        {"storageGib": 64},
        {"highAvailability": "same-zone", "size": "GP_Standard_D2s_v3"},
        {"zone": "2"},
        {"backupDays": 14},
        {"geoBackup": True},
    ],
    "redis": [{"size": "Balanced_B3"}, {"highAvailability": True}],
    "storage": [
        {"redundancy": "GRS"},
        {"auth": "key"},
        {"containers": ["datasets", "more"]},
        {"versioning": True},
        {"softDeleteDays": 30},
        {"coolAfterDays": 30},
        {"redundancy": "ZRS"},
    ],
    "keyVault": [{"purgeProtection": True}],
}
# sections that concern one resource each, so that one of each can change at a time
APART = ("systemPool", "database", "redis", "storage", "keyVault")


def together():
    """Changes, as many at a time as can be told apart afterwards."""
    for key, changes in OTHER.items():
        if key not in APART:
            yield from ({key: change} for change in (changes if key in ("apiServer", "network", "upgrades") else [changes]))
    for changes in itertools.zip_longest(*(OTHER[key] for key in APART)):
        yield {key: change for key, change in zip(APART, changes, strict=True) if change}


def changed(changes):
    of = {key: {**BASE.get(key, {}), **change} if isinstance(change, dict) and key != "tags" else change for key, change in changes.items()}
    return {**BASE, **of}


# one of each section at a time, and what moves everything
FEW = ({"location": "westeurope"}, {"prefix": "other"}, {"network": {"pods": "10.200.0.0/16"}}, {key: OTHER[key][-1] for key in APART})


@pytest.mark.parametrize("every", [pytest.param(FEW, id="few"), pytest.param(tuple(together()), id="all", marks=pytest.mark.full)])
def test_whatever_makes_data_anew_is_locked(make, every):
    """The provider's and ARM's own rules say which inputs do; every one of them that a setting reaches has its lock."""
    before = make(**BASE)
    reached = set()
    for changes in every:
        settings = changed(changes)
        after = make(**settings)
        locked = {kind for kind, found in _broken(settings).items() if found}
        for name, kind in LOCKED.items():
            if found := _anew(before, after, name):
                reached |= {(key, kind) for key in changes}
                assert kind in locked, f"{changes} change {found} of {name}, which is not locked"
    assert {(key, kind) for key in ("location", "prefix") for kind in LOCKED.values()} <= reached
    assert {("network", "cluster"), ("systemPool", "cluster")} <= reached


def _anew(before, after, name):
    """Inputs of a resource whose change replaces it, or is refused."""
    old, new = before.inputs[name], after.inputs[name]
    known, ignored = kinds.of_token(before.types[name]), before.requests[name].ignoreChanges
    replaced = [each.path for each in differences.changes(known, old, new) if each.replaces]
    return {path for path in [*replaced, differences.refused(known, old, new)] if path and path not in ignored}


def _broken(settings):
    def facts(given):
        chosen = Azure.model_validate({"kind": "azure", **given})
        return made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), UsedServices())

    before, after = facts(BASE), facts(settings)
    return {kind: broken(kind, before[kind], after[kind]) for kind in before}


# what holds data → what lies in it
INSIDE = {
    "aks": ("azure-kubernetes",),
    "database-server": ("database",),
    "redis": ("redis-database", "redis-endpoint"),
    "storage": ("blob-service", "container-osmo-workflows", "blob-endpoint"),
    "key-vault": ("key-vault-database-password", "vault-endpoint"),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_lock_closes_when_its_resource_is_made_and_before_anything_lies_in_it(make, name):
    made = make(**BASE)
    lock = f"{LOCKED[name]}-lock"
    assert name in made.before(lock)
    for inside in INSIDE[name]:
        assert lock in made.before(inside)
    assert made.requests[name].deleteBeforeReplace
    assert not made.requests[name].replaceOnChanges


def state(**settings):
    chosen = Azure.model_validate({"kind": "azure", **settings})
    return Stored(made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), UsedServices()))


def test_only_what_is_unlocked_and_changed_is_made_anew(make):
    made = make(**BASE, before=state(**BASE), redis={"highAvailability": True}, unlock=["redis", "storage"])
    assert {name for name in INSIDE if made.requests[name].replaceOnChanges} == {"redis"}
    assert made.requests["database-server"].ignoreChanges == ["availabilityZone"]


def test_a_database_that_is_made_anew_begins_in_the_zone_that_it_is_told(make):
    made = make(**BASE, before=state(**BASE), database={"zone": "2"}, unlock=["database"])
    assert made.requests["database-server"].replaceOnChanges == ["*"]
    assert not made.requests["database-server"].ignoreChanges


def test_a_change_that_loses_data_stops_the_program_before_anything_is_registered(make):
    with pytest.raises(pulumi.RunError, match=r"redis\.highAvailability was off and is on now(.|\n)*storage\.redundancy") as refused:
        make(**BASE, before=state(**BASE), redis={"highAvailability": True}, storage={"redundancy": "ZRS"})
    assert str(refused.value).count("\n") == 1, "one sentence each, all at once"


def test_what_azure_never_finished_is_made_anew(make):
    made = make(**BASE, before=Stored(unfinished=frozenset({"cluster"})))
    assert {name for name in INSIDE if made.requests[name].replaceOnChanges} == {"aks"}
