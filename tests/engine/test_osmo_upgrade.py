"""OSMO from 6.3 to 6.4, to settings that don't work, and back: what each step says, and what it leaves alone."""

from __future__ import annotations

import json

import pytest

MINIMAL, OPERATOR = "osmo-minimal", "osmo-operator"
OLD, NEW = {"profile": "6.3"}, {"profile": "6.4", "migrate": True}
# what an upgrade must leave alone
UNTOUCHED = ("postgres", "redis")
BROKEN = "registry.example.com:port/nvidia/osmo"  # no runtime can parse it


def uids(stack, kind, namespace):
    listed = json.loads(stack.kubectl("--namespace", namespace, "get", kind, "--output", "json"))["items"]
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed}


def stores(stack):
    return {name: uid for name, uid in uids(stack, "pods", MINIMAL).items() if name.startswith(UNTOUCHED)}


def kept(stack):
    key = stack.kubectl("--namespace", MINIMAL, "get", "configmap", "mek-config", "--output", "jsonpath={.data}")
    token = stack.kubectl("--namespace", OPERATOR, "get", "secret", "osmo-operator-token", "--output", "jsonpath={.data.token}")
    return key, token, uids(stack, "persistentvolumeclaims", MINIMAL), stores(stack)


def images(stack):
    found = stack.kubectl("--namespace", MINIMAL, "get", "deployment", "osmo-service", "--output", "jsonpath={..image}")
    return set(found.split())


def settled(stack):
    preview = stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output


@pytest.fixture(scope="module")
def upgraded(stack):
    """The stack on 6.3, and what it kept there."""
    stack.configure(osmo=OLD)
    up = stack.up(timeout=280)
    assert up, up.output
    return stack


def test_an_upgrade_that_nobody_allowed_to_change_the_database_is_refused_at_preview(upgraded):
    upgraded.configure(osmo={"profile": "6.4"})
    for refused in (upgraded.pulumi("preview"), upgraded.up()):
        assert not refused
        assert "`pulumi config set --stack rehearsal --path sdg:osmo.migrate true`" in refused.output
    assert images(upgraded) == {"nvcr.io/nvidia/osmo/service:6.3.1"}


def test_a_set_of_mixed_releases_is_refused_with_what_belongs_together(upgraded):
    upgraded.configure(osmo={"profile": "6.4", "chartVersion": "1.3.1"})
    refused = upgraded.pulumi("preview")
    assert not refused
    assert "a chart version that OSMO profile 6.4 is known to work with, '1.4.0'; it is" in refused.output


def test_the_preview_of_an_upgrade_is_a_plan_that_lists_what_restarts_and_replaces_nothing(upgraded):
    upgraded.configure(osmo=NEW)
    preview = upgraded.pulumi("preview")
    assert preview, preview.output
    assert "OSMO 6.3.1 (charts 1.3.1) -> OSMO 6.4.0 (charts 1.4.0), in place; nothing is replaced." in preview.output
    assert "restarts: in osmo-minimal: osmo-service, osmo-router" in preview.output
    assert "stays:    postgres, redis, volumes, keys, and everything in osmo-workflows" in preview.output
    assert "to replace" not in preview.output
    assert "Release osmo-service-release update" in preview.output


def test_the_upgrade_happens_in_place_and_keeps_data_keys_and_the_operators_token(upgraded):
    before = kept(upgraded)
    upgraded.configure(osmo=NEW)
    up = upgraded.up(timeout=280)
    assert up, up.output
    assert kept(upgraded) == before
    assert images(upgraded) == {"nvcr.io/nvidia/osmo/service:6.4.0"}
    assert upgraded.record("osmo-service-gate")["lastGreen"]["tag"] == "6.4.0"
    settled(upgraded)


def test_a_downgrade_that_the_database_would_not_survive_is_refused_at_preview(upgraded):
    upgraded.configure(osmo=OLD)
    refused = upgraded.pulumi("preview")
    assert not refused
    assert 'Keep `sdg:osmo.profile: "6.4"`' in refused.output
    assert images(upgraded) == {"nvcr.io/nvidia/osmo/service:6.4.0"}


def test_settings_that_do_not_work_are_red_with_the_way_back_and_the_old_ones_are_green_again(upgraded):
    before = kept(upgraded)
    upgraded.configure(osmo={**NEW, "registry": BROKEN})
    up = upgraded.up()
    assert not up
    red = up.output[up.output.index("gate osmo-service-gate is red") :]
    assert "(time cannot cure this)" in red
    assert f'couldn\'t parse image name "{BROKEN}/service:6.4.0"' in red
    assert "last green with: revision 2, now 3; values " in red
    assert "`pulumi stack history` shows those of every update" in red

    upgraded.configure(osmo=NEW)
    back = upgraded.up(timeout=280)
    assert back, back.output
    assert kept(upgraded) == before
    assert images(upgraded) == {"nvcr.io/nvidia/osmo/service:6.4.0"}
    settled(upgraded)
