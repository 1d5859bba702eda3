"""OSMO on a PostgreSQL and Redis outside the cluster: the database is made, and one with data is not given another key."""

from __future__ import annotations

from dataclasses import replace

import pytest

MINIMAL = "osmo-minimal"
PASSWORDS = {"POSTGRES_PASSWORD": "planted-database-password-x", "REDIS_PASSWORD": "planted-redis-password-x"}
OUTSIDE = {
    "database": {"kind": "external", "host": "db.example.com", "port": 6432, "user": "admin"},
    "redis": {"kind": "external", "host": "redis.example.com"},
}


@pytest.fixture(scope="module")
def outside(stack):
    """The stack with both stores outside of the cluster; nothing is deployed yet."""
    stack.configure(osmo=OUTSIDE)
    return replace(stack, environment={**stack.environment, **PASSWORDS})


def names(stack, kind):
    return {name.partition("/")[2] for name in stack.kubectl("--namespace", MINIMAL, "get", kind, "--output", "name").split()}


def clients(stack):
    return [name for name in names(stack, "pods") if name.startswith("osmo-db-ops")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, 'password authentication failed for user "admin"'),
        ({"message": "could not translate host name: Name or service not known"}, "could not translate host name"),
    ],
)
def test_a_database_that_lets_nobody_in_stops_the_update_in_its_own_words_before_anything_is_installed(outside, fields, words):
    outside.fault("database.refuses", **fields)
    try:
        up = outside.up()
    finally:
        outside.clear_faults()
    assert not up
    assert "database osmo on db.example.com:6432 cannot be used by admin" in up.output
    assert words in up.output
    assert "sdg:databasePassword" in up.output
    assert clients(outside) == []
    assert "osmo-service" not in names(outside, "deployments")


def test_tables_without_the_key_that_they_were_written_with_stop_the_update_with_the_ways_out(outside):
    outside.fault("database.tables", count=26)
    try:
        up = outside.up()
    finally:
        outside.clear_faults()
    assert not up
    assert "database osmo on db.example.com:6432 holds 26 tables." in up.output
    for command in ("sdg restore keys", "dropdb --host db.example.com --port 6432 --username admin osmo", "RESET_MEK=true pulumi up"):
        assert command in up.output
    assert clients(outside) == []


def test_the_loss_is_accepted_for_one_update_and_the_stack_comes_up_without_stores_of_its_own(outside):
    accepted = replace(outside, environment={**outside.environment, "RESET_MEK": "true"})
    up = accepted.up(timeout=280)
    assert up, up.output
    assert not {"postgres", "redis"} & names(outside, "deployments")
    assert names(outside, "persistentvolumeclaims") == set()
    preview = outside.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output
    exported = outside.run("pulumi", "stack", "export", "--stack", "rehearsal").output
    assert not [password for password in PASSWORDS.values() if password in exported]
