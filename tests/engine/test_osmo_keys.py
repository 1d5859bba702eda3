"""OSMO's keys on the real engine: one that vanishes is shown and comes back as it was, and no data is left without its key."""

from __future__ import annotations

import json

import pytest

MINIMAL, OPERATOR = "osmo-minimal", "osmo-operator"
MEK = ("configmap", MINIMAL, "mek-config")
KEYS = [
    MEK,
    ("secret", MINIMAL, "db-secret"),
    ("secret", MINIMAL, "redis-secret"),
    ("secret", MINIMAL, "default-admin-secret"),
    ("secret", MINIMAL, "osmo-workflow-data-cred"),
    ("secret", OPERATOR, "osmo-operator-token"),
]
SHARED_TOKEN = ("secret", MINIMAL, "osmo-operator-token")
RESOURCES = {  # what a refresh calls them
    MEK: "osmo-mek-config",
    ("secret", MINIMAL, "db-secret"): "osmo-database",
    ("secret", MINIMAL, "redis-secret"): "osmo-redis",
    ("secret", MINIMAL, "default-admin-secret"): "osmo-admin",
    ("secret", MINIMAL, "osmo-workflow-data-cred"): "osmo-osmo-workflow-data-cred",
    ("secret", OPERATOR, "osmo-operator-token"): "osmo-operator-token-secret",
    SHARED_TOKEN: "osmo-token",
}


def content(stack, key):
    kind, namespace, name = key
    return json.loads(stack.kubectl("--namespace", namespace, "get", kind, name, "--output", "json"))["data"]


def delete(stack, *keys):
    for kind, namespace, name in keys:
        stack.kubectl("--namespace", namespace, "delete", kind, name)


def up(stack, *arguments):
    done = stack.up(*arguments, timeout=280)
    assert done, done.ending
    return done.output


def refreshed(stack):
    done = stack.pulumi("refresh", "--yes", "--skip-preview")
    assert done, done.ending
    return done.output


@pytest.fixture(scope="module", params=["6.3", "6.4"])
def profile(request, stack):
    """The stack, up with a profile; the second one is an upgrade of the first."""
    stack.configure(osmo={"profile": request.param, "migrate": True})
    up(stack)
    return request.param


def test_keys_that_were_deleted_by_hand_are_shown_and_come_back_as_they_were(stack, profile):
    keys = [*KEYS, *([SHARED_TOKEN] if profile == "6.4" else [])]
    before = {key: content(stack, key) for key in keys}
    delete(stack, *keys)
    shown = refreshed(stack)
    for key in keys:
        assert f"{RESOURCES[key]} deleted" in shown
    up(stack)
    assert {key: content(stack, key) for key in keys} == before
    preview = stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output


def test_a_rotation_keeps_the_last_token_beside_the_new_one_in_both_namespaces(stack, profile):
    if profile == "6.3":
        pytest.skip("its token is minted, and there is one at a time")
    before = content(stack, SHARED_TOKEN)
    stack.configure(osmo={"profile": profile, "migrate": True, "token": {"rotation": 1}})
    up(stack)
    after = content(stack, SHARED_TOKEN)
    assert after["previous-token"] == before["token"]
    assert after["token"] != before["token"]
    assert content(stack, ("secret", OPERATOR, "osmo-operator-token")) == after
    preview = stack.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output


def test_a_state_that_lost_its_keys_takes_them_from_the_cluster_and_makes_none_for_data_that_needs_the_lost_one(stack, profile, tmp_path):
    before, settings = {key: content(stack, key) for key in KEYS}, stack.config("osmo")
    lost = [r["urn"] for r in stack.resources() if r["type"].endswith("secret:Generated") and "fingerprint" not in r["urn"]]
    for urn in lost:  # and with them the releases
        gone = stack.pulumi("state", "delete", urn, "--force", "--target-dependents", "--yes")
        assert gone, gone.output
    stack.configure(osmo={**settings, "adopt": True})
    kept = tmp_path / "mek-config.json"
    kept.write_text(stack.kubectl("--namespace", MINIMAL, "get", "configmap", "mek-config", "--output", "json"))
    delete(stack, MEK)

    refused = stack.up()
    assert not refused
    assert "Volume claim postgres-volume of namespace osmo-minimal holds a database." in refused.output
    for command in (
        "sdg restore keys --stack rehearsal --in FILE",
        "kubectl --namespace osmo-minimal delete persistentvolumeclaim postgres-volume",
        "RESET_MEK=true pulumi up --stack rehearsal",
    ):
        assert command in refused.output

    stack.kubectl("create", "--filename", str(kept))
    said = up(stack)
    assert "osmo-mek: the value is taken from ConfigMap mek-config of namespace osmo-minimal" in said
    assert {key: content(stack, key) for key in KEYS} == before
    stack.configure(osmo=settings)
    up(stack)
