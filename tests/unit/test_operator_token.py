import datetime as dt

import pytest

from components.osmo import token
from sdg.kube.api import KubernetesApi
from sdg.osmo.errors import OsmoUnavailableError
from sdg.osmo.model import Token

ENDPOINT = {"namespace": "osmo-minimal", "service": "osmo-gateway", "port": 80.0}


class Osmo:
    """A service that mints tokens and forgets them when its database goes."""

    def __init__(self):
        self.minted, self.error, self.accepted = [], None, set()

    def __call__(self, connection, **endpoint):
        return self

    def __enter__(self):
        if self.error:
            raise self.error
        return self

    def __exit__(self, *_):
        return None

    def ensure_user(self, user, roles):
        self.user = (user, tuple(roles))

    def mint_token(self, user, name, roles, valid_days):
        self.minted.append(valid_days)
        self.accepted = {f"token-{len(self.minted)}"}  # another one of the name is revoked
        return f"token-{len(self.minted)}"

    def tokens(self, user):
        return [Token(token.TOKEN_NAME, dt.date(2031, 1, 31))] if self.minted or self.accepted else []

    def accepts(self, value):
        return value in self.accepted


@pytest.fixture
def osmo(monkeypatch):
    service = Osmo()
    monkeypatch.setattr(token, "client", service)
    service.secret = None
    monkeypatch.setattr(token, "held", lambda api, holder: service.secret)
    monkeypatch.setattr(KubernetesApi, "connect", lambda connection: None)
    return service


def asked(**changed):
    return {"connection": {"kubeconfig": "one"}, "endpoint": ENDPOINT, "validDays": 90.0, **changed}


def created(**changed):
    return dict(token.OperatorTokenProvider().create(asked(**changed)).outs)


def test_the_token_belongs_to_a_user_with_the_operators_role(osmo):
    assert created()["value"] == "token-1"
    assert osmo.user == ("backend-operator", ("osmo-backend",))
    assert osmo.minted == [90]


def test_rotated_credentials_of_the_cluster_do_not_mint_again(osmo):
    old = created()
    rotated = asked(connection={"kubeconfig": "two"})
    provider = token.OperatorTokenProvider()
    assert provider.diff("id", old, rotated).changes
    outs = provider.update("id", old, rotated).outs
    assert (outs["value"], outs["connection"]) == ("token-1", {"kubeconfig": "two"})


def test_a_service_that_was_waited_for_again_is_asked_whether_it_still_knows_the_token(osmo):
    old = created(serviceAskedAt="09:00")
    waited_again = asked(serviceAskedAt="10:00")
    provider = token.OperatorTokenProvider()
    assert provider.diff("id", old, waited_again).changes
    assert provider.update("id", old, waited_again).outs["value"] == "token-1"
    osmo.accepted.clear()  # another database
    assert provider.update("id", old, waited_again).outs["value"] == "token-2"


def test_a_token_that_was_minted_and_never_saved_does_not_leave_the_revoked_one_in_use(osmo):
    old, waited_again = created(serviceAskedAt="09:00"), asked(serviceAskedAt="10:00")
    provider = token.OperatorTokenProvider()
    osmo.accepted.clear()
    provider.update("id", old, waited_again)  # killed before the engine had its answer
    assert provider.read("id", old).id == ""
    assert provider.update("id", old, waited_again).outs["value"] == "token-3"


def test_nothing_changes_while_the_token_lives(osmo):
    assert not token.OperatorTokenProvider().diff("id", created(), asked()).changes


def test_another_lifetime_mints_another_token(osmo):
    old = created()
    assert token.OperatorTokenProvider().update("id", old, asked(validDays=30.0)).outs["value"] == "token-2"


def test_a_token_that_is_about_to_expire_is_renewed(osmo):
    today = dt.datetime.now(dt.UTC).date()
    old = created() | {"expires": (today + dt.timedelta(days=3)).isoformat()}
    assert token.OperatorTokenProvider().diff("id", old, asked()).changes


def test_a_token_that_the_service_does_not_know_is_gone(osmo):
    old = created()
    osmo.accepted.clear()
    assert token.OperatorTokenProvider().read("id", old).id == ""


def test_a_service_that_does_not_answer_says_nothing_about_the_token(osmo):
    old = created()
    osmo.error = OsmoUnavailableError(503, "no healthy upstream")
    assert token.OperatorTokenProvider().read("id", old).id == "id"


def test_the_token_of_an_operator_that_runs_already_is_kept_with_its_own_end(osmo):
    osmo.secret = "in-use"
    osmo.accepted.add("in-use")
    outs = created()
    assert (outs["value"], outs["expires"], osmo.minted) == ("in-use", "2031-01-31", [])


@pytest.mark.parametrize("secret", [None, "placeholder", "of-another-database"])
def test_a_secret_without_a_token_that_the_service_accepts_is_none(osmo, secret):
    osmo.secret = secret
    assert created()["value"] == "token-1"


def test_another_rotation_mints_another_token(osmo):
    assert token.OperatorTokenProvider().update("id", created(rotation=0.0), asked(rotation=1.0)).outs["value"] == "token-2"


@pytest.mark.parametrize("days", [1, 10, 28])
def test_a_short_lived_token_is_not_renewed_right_after_it_was_made(osmo, days):
    old = created(validDays=float(days))
    assert not token.OperatorTokenProvider().diff("id", old, asked(validDays=float(days))).changes
