"""What holds data is never made anew unless the stack says so, and says what would be lost."""

import pulumi
import pytest

from components.cluster.azure.data_lock import DataLockProvider, locks
from components.cluster.azure.stored import LOCK, Stored, of_outputs
from sdg.azure.made_of import KEPT, KINDS, UsedServices, broken, made_of, problems
from sdg.azure.names import Names
from sdg.settings.azure import Azure

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
VAULT = {"keyVault": {"enabled": True, "purgeProtection": True}}
SERVER = "azure-native:dbforpostgresql:Server"


def facts(wanted=None, **settings):
    chosen = Azure.model_validate({"kind": "azure", **settings})
    return made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), wanted or UsedServices())


def refused(kind, before, after, *, unlocked=False):
    return list(problems(kind, before[kind], after.get(kind), unlocked=unlocked))


@pytest.mark.parametrize(
    ("kind", "setting", "said", "lost"),
    [
        ("database", {"database": {"geoBackup": True}}, "sdg:cluster.database.geoBackup was off and is on now", "OSMO's database"),
        ("redis", {"redis": {"highAvailability": True}}, "sdg:cluster.redis.highAvailability was off and is on now", "OSMO's queues"),
        ("storage", {"storage": {"redundancy": "ZRS"}}, "sdg:cluster.storage.redundancy", "all data, logs and apps"),
        ("cluster", {"network": {"pods": "10.200.0.0/16"}}, "sdg:cluster.network.pods was 10.244.0.0/16", "everything in it"),
        ("cluster", {"systemPool": {"size": "Standard_D8ds_v5"}}, "systemPool.size was Standard_D16ds_v5", "everything in it"),
        ("database", {"database": {"zone": "2"}}, "sdg:cluster.database.zone was any and is 2 now", "OSMO's database"),
        ("key-vault", {"keyVault": {"enabled": True}, "prefix": "other"}, "its name (sdg:cluster.prefix", "copies of generated passwords"),
    ],
)
def test_one_sentence_says_what_changed_what_would_be_lost_and_how_to_have_it_all_the_same(kind, setting, said, lost):
    base = {"keyVault": {"enabled": True}} if kind == "key-vault" else {}
    (sentence,) = refused(kind, facts(**base), facts(**setting))
    assert said in sentence
    assert lost in sentence
    assert f"pulumi config set --path 'sdg:cluster.unlock[0]' {kind}" in sentence


@pytest.mark.parametrize("kind", KINDS)
def test_another_name_is_refused_for_every_kind_until_it_is_unlocked(kind):
    before, after = facts(**VAULT), facts(**VAULT, environment="prod")
    assert refused(kind, before, after)
    assert refused(kind, before, after, unlocked=True) == []
    assert locks(after, [kind], Stored({kind: before[kind]}))[kind].anew


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("database", {}, {"database": {"storageGib": 64}}),
        ("database", {}, {"database": {"size": "GP_Standard_D2s_v3", "highAvailability": "zone-redundant"}}),
        ("storage", {}, {"storage": {"redundancy": "GRS"}}),
        ("redis", {}, {"redis": {"size": "Balanced_B3"}}),
        ("cluster", {}, {"kubernetes": "1.36", "systemPool": {"max": 6}}),
        ("key-vault", {"keyVault": {"enabled": True}}, VAULT),
    ],
)
def test_what_azure_changes_in_place_is_let_through_and_remembered(kind, before, after):
    old, new = facts(**before), facts(**after)
    assert refused(kind, old, new) == []
    assert not locks(new, [kind], Stored({kind: old[kind]}))[kind].anew
    found = DataLockProvider().diff("id", {"madeOf": old[kind]}, {"madeOf": new[kind]})
    assert (found.changes, found.replaces) == (old[kind] != new[kind], None)


def test_what_has_grown_does_not_shrink():
    grown, asked = facts(database={"storageGib": 128}), facts(database={"storageGib": 32})
    assert broken("database", grown["database"], asked["database"]) == ["storageGib"]


@pytest.mark.parametrize(("before", "after"), [("16", "17"), ("17", "16")])
def test_a_database_is_upgraded_from_outside_and_never_by_an_update(before, after):
    (sentence,) = refused("database", facts(database={"version": before}), facts(database={"version": after}), unlocked=True)
    assert f"sdg:cluster.database.version was {before} and is {after} now" in sentence
    assert f"az postgres flexible-server upgrade --resource-group rg-sdg-dev --name {facts()['database']['name']} --version" in sentence


def test_a_refresh_finds_the_upgrade():
    made = {**facts()["database"], "version": "16"}
    lock = {"type": LOCK, "outputs": {"kind": "database", "madeOf": made}}
    found = of_outputs({"urn::lock": lock, "urn::server": {"type": SERVER, "outputs": {"version": "17", "state": "Ready"}}})
    assert refused("database", found.made_of, facts(database={"version": "17"})) == []


def test_a_changed_field_of_the_system_pool_is_told_alone_and_with_the_way_that_loses_nothing():
    (sentence,) = refused("cluster", facts(), facts(systemPool={"maxPods": 60}))
    assert "sdg:cluster.systemPool.maxPods was 110 and is 60 now:" in sentence
    assert "systemPool.size" not in sentence
    assert "sdg:cluster.cpuPool" in sentence


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("key-vault", {"keyVault": {"enabled": True}}),
        ("cluster", {**VAULT, "location": "westeurope"}),
        ("database", {**VAULT, "network": {"subnets": {"database": "10.0.128.0/24"}}}),
        ("cluster", {**VAULT, "network": {"subnets": {"gpuNodes": "10.0.128.0/20"}}}),
        ("cluster", {**VAULT, "network": {"subnets": {"endpoints": "10.0.128.0/24"}}}),
    ],
)
def test_what_no_new_resource_would_help_is_refused_even_unlocked(kind, after):
    (sentence,) = refused(kind, facts(**VAULT), facts(**after), unlocked=True)
    assert "sdg:cluster.unlock" not in sentence
    assert "Set it back" in sentence


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("key-vault", facts()),
        ("database", facts(UsedServices(database=False), **VAULT)),
        ("storage", facts(UsedServices(store=False), **VAULT)),
    ],
)
def test_giving_one_up_is_refused_until_it_is_unlocked(kind, after):
    before = facts(**VAULT)
    (sentence,) = refused(kind, before, after)
    assert sentence.startswith("The stack would give up")
    assert KEPT[kind].lost in sentence
    assert refused(kind, before, after, unlocked=True) == []
    # what is not there any more may come back, as whatever
    assert not locks(facts(**VAULT, environment="prod"), [], Stored())[kind].anew


def test_what_an_update_asks_for_is_recorded_by_nobody_before_it_is_made():
    """The first evening on Azure: what failed may be asked for in another way."""
    cluster = {"type": "azure-native:containerservice:ManagedCluster", "outputs": {"provisioningState": "Failed"}}
    nothing = of_outputs({"urn::aks": cluster})
    assert nothing == Stored(unfinished=frozenset({"cluster"}))
    found = locks(facts(environment="prod", location="westeurope"), [], nothing)
    assert {kind for kind, lock in found.items() if lock.anew} == {"cluster"}


def test_what_no_lock_speaks_of_may_hold_data_and_is_made_anew_by_hand_alone(capsys):
    imported = of_outputs({"urn::server": {"type": SERVER, "outputs": {"version": "16"}}})
    assert not locks(facts(environment="prod"), [], imported)["database"].anew
    assert "`pulumi up --replace 'urn::server'` makes it anew" in capsys.readouterr().err


def test_a_resource_that_works_and_whose_last_change_failed_is_not_unfinished():
    made = facts()["database"]
    lock = {"type": LOCK, "outputs": {"kind": "database", "madeOf": made}}
    found = of_outputs({"urn::server": {"type": SERVER, "outputs": {"provisioningState": "Failed"}}, "urn::lock": lock})
    assert found == Stored({"database": made})


def test_all_problems_are_told_at_once():
    with pytest.raises(pulumi.RunError) as refusal:
        locks(facts(location="westeurope"), [], Stored(facts()))
    assert len(str(refusal.value).splitlines()) == len(facts())


def test_an_unlock_that_was_left_behind_is_told(capsys):
    locks(facts(), ["redis"], Stored(facts()))
    assert "sdg:cluster.unlock still names redis" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "after"),
    [("redis", facts(redis={"highAvailability": True})), ("database", facts(UsedServices(database=False)))],
)
def test_an_unlock_that_is_needed_is_not(kind, after, capsys):
    locks(after, [kind], Stored(facts()))
    assert "still names" not in capsys.readouterr().err


def test_a_fact_that_only_one_version_of_the_program_knows_changes_nothing():
    made = facts()["database"]
    older = {key: value for key, value in made.items() if key != "geoBackup"}
    assert broken("database", older, made) == broken("database", made, older) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_is_told_of_in_words(kind):
    made = facts(**VAULT)[kind]
    assert set(made) == set(KEPT[kind].facts)
    assert list(problems(kind, made, made, unlocked=False)) == []
