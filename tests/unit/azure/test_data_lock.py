"""What holds data is never made anew unless the stack says so, and says what would be lost."""

import pytest

from components.cluster.azure.data_lock import DataLockProvider
from sdg.azure.made_of import KEPT, KINDS, UsedServices, broken, made_of, problems
from sdg.azure.names import Names
from sdg.settings.azure import Azure

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
VAULT = {"keyVault": {"enabled": True, "purgeProtection": True}}


def facts(wanted=None, **settings):
    chosen = Azure.model_validate({"kind": "azure", **settings})
    return made_of(chosen, Names.of(chosen, "sdg/test", SUBSCRIPTION), wanted or UsedServices())


def asked(kind, made, *, unlocked=False):
    return {"kind": kind, "madeOf": dict(made[kind]), "unlocked": unlocked}


def refused(kind, before, after, *, unlocked=False):
    found = DataLockProvider().check(asked(kind, before), asked(kind, after, unlocked=unlocked))
    return [failure.reason for failure in found.failures]


@pytest.mark.parametrize(
    ("kind", "setting", "said", "lost"),
    [
        ("database", {"database": {"geoBackup": True}}, "sdg:cluster.database.geoBackup was off and is on now", "OSMO's database"),
        ("redis", {"redis": {"highAvailability": True}}, "sdg:cluster.redis.highAvailability was off and is on now", "OSMO's queues"),
        ("storage", {"storage": {"redundancy": "ZRS"}}, "sdg:cluster.storage.redundancy", "all data, logs and apps"),
        ("cluster", {"network": {"pods": "10.200.0.0/16"}}, "sdg:cluster.network.pods was 10.244.0.0/16", "everything in it"),
        ("cluster", {"systemPool": {"size": "Standard_D8ds_v5"}}, "Standard_D16ds_v5", "everything in it"),
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
    changed = DataLockProvider().diff("id", asked(kind, before), asked(kind, after))
    assert (changed.changes, changed.replaces) == (True, ["madeOf"])


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("database", {}, {"database": {"storageGib": 64}}),
        ("database", {}, {"database": {"version": "17"}}),
        ("database", {}, {"database": {"size": "GP_Standard_D2s_v3", "highAvailability": "zone-redundant"}}),
        ("storage", {}, {"storage": {"redundancy": "GRS"}}),
        ("redis", {}, {"redis": {"size": "Balanced_B3"}}),
        ("cluster", {}, {"kubernetes": "1.36", "systemPool": {"max": 6}}),
        ("key-vault", {}, {"keyVault": {"enabled": True}}),
        ("key-vault", {"keyVault": {"enabled": True}}, VAULT),
    ],
)
def test_what_azure_changes_in_place_is_let_through_and_remembered(kind, before, after):
    old, new = facts(**before), facts(**after)
    assert refused(kind, old, new) == []
    found = DataLockProvider().diff("id", asked(kind, old), asked(kind, new))
    assert (found.changes, found.replaces) == (old[kind] != new[kind], [])


@pytest.mark.parametrize(("setting", "value"), [("storageGib", 32), ("version", "15")])
def test_what_has_grown_does_not_shrink(setting, value):
    grown = facts(database={"storageGib": 128, "version": "17"})
    assert broken("database", grown["database"], facts(database={"storageGib": 128, "version": "17", setting: value})["database"]) == [
        setting
    ]


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("key-vault", {"keyVault": {"enabled": True}}),
        ("cluster", {**VAULT, "location": "westeurope"}),
        ("database", {**VAULT, "network": {"subnets": {"database": "10.0.128.0/24"}}}),
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
    # whatever changed of what is not there any more, it may come back
    assert refused(kind, after, facts(**VAULT, environment="prod")) == []


def test_the_first_update_asks_nothing_and_an_unlock_is_nothing_to_remember():
    made = facts()
    found = DataLockProvider().check({}, asked("database", made))
    assert not found.failures
    created = DataLockProvider().create(found.inputs)
    assert not DataLockProvider().diff(created.id, created.outs, asked("database", made, unlocked=True)).changes


def test_an_unlock_that_was_left_behind_is_told(capsys):
    refused("redis", facts(), facts(), unlocked=True)
    assert "sdg:cluster.unlock still names redis" in capsys.readouterr().err


def test_a_fact_that_only_one_version_of_the_program_knows_changes_nothing():
    made = facts()["database"]
    older = {key: value for key, value in made.items() if key != "geoBackup"}
    assert broken("database", older, made) == broken("database", made, older) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_is_told_of_in_words(kind):
    assert set(facts()[kind]) == set(KEPT[kind].facts)
    assert list(problems(kind, facts()[kind], facts()[kind], unlocked=False)) == []
