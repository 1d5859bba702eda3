"""The backend operator's token in Secrets: one for both sides, taken where the cluster holds it, the last one accepted beside it."""

import base64

import pytest

from components.osmo.backend_token import BackendTokenProvider
from sdg.kube.api import KubernetesApi
from sdg.kube.errors import ObjectNotFoundError

PATHS = {namespace: f"/api/v1/namespaces/{namespace}/secrets/osmo-operator-token" for namespace in ("osmo-minimal", "osmo-operator")}
ONE, OTHER = "A" * 43, "B" * 43


@pytest.fixture
def created(monkeypatch):
    """Creates a token on a cluster with the given Secrets, by namespace."""

    def on(**secrets):
        found = {PATHS[name.replace("_", "-")]: secret for name, secret in secrets.items()}

        class Api:
            def get(self, path, query=None):
                if path not in found:
                    raise ObjectNotFoundError(path)
                return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in found[path].items()}}

        monkeypatch.setattr(KubernetesApi, "connect", lambda connection: Api())
        asked = {"connection": {"kubeconfig": "planted-credential"}, "rotation": 0.0, "name": "token"}
        return dict(BackendTokenProvider().create(asked).outs)

    return on


def test_a_token_has_a_length_that_osmo_accepts_and_no_two_are_alike(created):
    one, other = created(), created()
    assert len(one["value"]) == len(other["value"]) == 43
    assert one["value"] != other["value"]
    assert one["previous"] == ""


@pytest.mark.parametrize("namespaces", [["osmo_minimal"], ["osmo_operator"], ["osmo_minimal", "osmo_operator"]])
def test_a_token_that_the_cluster_holds_anywhere_is_taken(created, namespaces):
    assert created(**{namespace: {"token": f"{ONE}\n", "previous-token": OTHER} for namespace in namespaces})["value"] == ONE


def test_the_token_before_it_stays_accepted(created):
    assert created(osmo_minimal={"token": ONE, "previous-token": OTHER})["previous"] == OTHER


def test_two_different_tokens_stop_the_update_without_being_shown(created):
    with pytest.raises(RuntimeError, match=r"different values under token.*delete secret osmo-operator-token") as raised:
        created(osmo_minimal={"token": ONE}, osmo_operator={"token": OTHER})
    assert ONE not in str(raised.value)


def test_what_osmo_would_not_accept_is_not_taken(created):
    assert len(created(osmo_operator={"token": "placeholder"})["value"]) == 43


def test_another_rotation_makes_another_token_and_keeps_the_last_one(created):
    provider, old = BackendTokenProvider(), created()
    assert not provider.diff("id", old, {"rotation": 0.0, "connection": {"kubeconfig": "another"}}).changes
    assert provider.diff("id", old, {"rotation": 1.0}).changes
    new = provider.update("id", old, {"rotation": 1.0}).outs
    assert new["previous"] == old["value"]
    assert new["value"] != old["value"]


def test_credentials_of_the_cluster_are_not_kept(created):
    assert "planted-credential" not in str(created())
