"""Steps from one release set to another: what is refused, what is said, and how the way back is told."""

import base64
import gzip
import json

import pytest

from components.osmo import release_line
from components.osmo.adopted import AdoptedProvider
from components.osmo.release_line import ReleaseLineProvider
from sdg.gates.screen import red_screen
from sdg.kube.api import KubernetesApi
from sdg.kube.errors import ObjectNotFoundError, UnreachableError
from sdg.kube.helm_records import revisions
from sdg.osmo.upgrade import Line, plan, refusal

OLD = Line("6.3", "1.3.1", "6.3.1", migrate=False)
NEW = Line("6.4", "1.4.0", "6.4.0", migrate=True)
CONNECTION = {"kubeconfig": "planted-credential"}


def test_a_downgrade_is_refused_with_what_to_keep():
    assert 'Keep `sdg:osmo.profile: "6.4"`' in refusal(NEW, OLD, "lab")


def test_an_upgrade_has_to_be_allowed_to_change_the_database():
    shy = Line("6.4", "1.4.0", "6.4.0", migrate=False)
    assert "`pulumi config set --stack lab --path sdg:osmo.migrate true`" in refusal(OLD, shy, "lab")
    assert refusal(OLD, NEW, "lab") == ""


@pytest.mark.parametrize("line", [OLD, NEW])
def test_a_set_that_stays_is_neither_refused_nor_told_about(line):
    assert refusal(line, line, "lab") == plan(line, line, ["postgres"]) == ""


def test_the_plan_names_what_restarts_and_what_stays():
    told = plan(OLD, NEW, ["postgres"])
    assert "OSMO 6.3.1 (charts 1.3.1) -> OSMO 6.4.0 (charts 1.4.0), in place" in told
    assert "migration" in told
    restarts, stays = told.partition("stays:")[::2]
    assert "osmo-service" in restarts
    assert "osmo-operator-osmo-backend-worker" in restarts
    assert "postgres" in stays
    assert "postgres" not in restarts


def secret(revision, version, status="deployed", chart="service", **values):
    record = {
        "version": revision,
        "info": {"status": status},
        "chart": {"metadata": {"name": chart, "version": version}},
        "config": values,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return {"data": {"release": base64.b64encode(packed).decode()}}


class Cluster:
    """Helm's records by namespace, and Secrets by path."""

    def __init__(self, secrets=None, **records):
        self.secrets, self.records, self.error = secrets or {}, records, None

    def get(self, path, query=None):
        if self.error:
            raise self.error
        if query:
            return {"items": self.records.get(path.split("/")[4].replace("-", "_"), [])}
        if path not in self.secrets:
            raise ObjectNotFoundError(path)
        return self.secrets[path]


@pytest.fixture
def on(monkeypatch):
    def cluster(found):
        monkeypatch.setattr(KubernetesApi, "connect", lambda connection: found)
        return found

    return cluster


def asked(line, **changed):
    return {
        **line.as_input(),
        "connection": CONNECTION,
        "stores": ["postgres"],
        "stack": "lab",
        "adopt": False,
        "previewing": True,
        **changed,
    }


def problems(old, new, **changed):
    olds = asked(old) if old else {}
    return [failure.reason for failure in ReleaseLineProvider().check(olds, asked(new, **changed)).failures]


def test_helms_records_are_read_oldest_first():
    found = revisions(Cluster(osmo_minimal=[secret(10, "1.4.0"), secret(9, "1.3.1", "superseded", a=1)]), "osmo-minimal", "osmo-minimal")
    assert [(one.number, one.version, one.status) for one in found] == [(9, "1.3.1", "superseded"), (10, "1.4.0", "deployed")]
    assert found[0].values == {"a": 1}


def test_a_preview_tells_the_plan_and_the_update_does_not_repeat_it(on, capsys):
    on(Cluster())
    assert problems(OLD, NEW) == []
    assert "restarts:" in capsys.readouterr().err
    assert problems(OLD, NEW, previewing=False) == []
    assert capsys.readouterr().err == ""


def test_a_downgrade_is_refused_once_the_newer_chart_was_given_to_the_cluster(on):
    on(Cluster(osmo_minimal=[secret(1, "1.3.1"), secret(2, "1.4.0", "failed")]))
    assert problems(NEW, OLD)


def test_a_step_that_never_got_as_far_as_the_cluster_may_be_taken_back(on):
    on(Cluster(osmo_minimal=[secret(1, "1.3.1")]))
    assert problems(NEW, OLD) == []


def test_a_cluster_that_does_not_say_is_no_reason_to_risk_the_database(on):
    on(Cluster()).error = UnreachableError("no route")
    assert problems(NEW, OLD)


def test_an_installation_by_hand_is_not_overwritten_but_offered_for_adoption(on):
    on(Cluster(osmo_operator=[secret(1, "1.3.1", chart="backend-operator")]))
    (problem,) = problems(None, OLD)
    assert "Helm release osmo-operator of namespace osmo-operator is there already (chart backend-operator 1.3.1, deployed)" in problem
    assert "--path sdg:osmo.adopt true" in problem
    assert problems(None, OLD, adopt=True) == []
    with pytest.raises(RuntimeError, match="is there already"):
        ReleaseLineProvider().create(asked(OLD))


def test_an_empty_cluster_or_one_that_is_not_known_yet_stops_nothing(on):
    on(Cluster())
    assert problems(None, OLD) == problems(None, OLD, connection="unknown") == []


def test_only_another_set_is_a_change_and_credentials_are_not_kept(on):
    on(Cluster())
    provider = ReleaseLineProvider()
    outs = provider.create(asked(OLD)).outs
    assert "planted-credential" not in str(outs)
    assert not provider.diff("id", outs, asked(OLD, connection={"kubeconfig": "another"}, stores=[], previewing=False)).changes
    assert provider.diff("id", outs, asked(NEW)).changes
    assert set(release_line.RELEASES) == {"osmo-minimal", "osmo-operator"}


BOTH = {"osmo_minimal": [secret(3, "1.3.1", a=1)], "osmo_operator": [secret(1, "1.3.1", chart="backend-operator", b=2)]}


def adopt(chart="1.3.1"):
    return AdoptedProvider().create({"connection": CONNECTION, "chart": chart, "name": "osmo"}).outs


def test_adoption_takes_the_values_of_both_releases_and_the_secrets_that_are_there(on):
    path = "/api/v1/namespaces/osmo-minimal/secrets/osmo-workflow-data-cred"
    on(Cluster({path: {"data": {"region": base64.b64encode(b"here").decode()}}}, **BOTH))
    outs = adopt()
    assert outs["values"] == {"osmo-minimal": {"a": 1}, "osmo-operator": {"b": 2}}
    assert outs["contents"] == {"osmo-minimal/osmo-workflow-data-cred": {"region": "here"}}
    assert "planted-credential" not in str(outs)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({}, "There is no Helm release osmo-minimal.*sdg:osmo.adopt to false"),
        ({"osmo_minimal": [secret(1, "1.4.0")]}, "is chart service 1.4.0, and the stack's is 1.3.1.*sdg:osmo.profile"),
        ({"osmo_minimal": [secret(1, "1.3.1", "pending-upgrade")]}, "is pending-upgrade"),
    ],
)
def test_what_cannot_be_adopted_as_it_is_is_left_alone_with_a_word_why(on, records, words):
    on(Cluster(**records))
    with pytest.raises(RuntimeError, match=words):
        adopt()


def red(green, now):
    return red_screen({"gate": "osmo-service-gate", "checks": [], "lastGreen": green, "triggers": now})


TRIGGERS = {"profile": "6.3", "tag": "6.3.1", "chart": "1.3.1", "revision": "3", "values": "aaaa"}


def test_a_red_gate_after_other_settings_says_what_changed_and_where_the_old_ones_are():
    text = red(TRIGGERS, TRIGGERS | {"revision": "4", "values": "bbbb"})
    assert "last green with: revision 3, now 4; values aaaa, now bbbb" in text
    assert "`pulumi stack history`" in text


def test_a_red_gate_after_another_release_of_the_generation_names_the_lines_to_set_back():
    text = red(TRIGGERS, TRIGGERS | {"tag": "6.3.2", "chart": "1.3.2", "revision": "4"})
    assert "pulumi config set --path sdg:osmo.profile 6.3 && pulumi config set --path sdg:osmo.chartVersion 1.3.1 && pulumi up" in text


def test_a_red_gate_after_a_migration_says_that_only_a_backup_leads_back():
    text = red(TRIGGERS, TRIGGERS | {"profile": "6.4", "tag": "6.4.0", "chart": "1.4.0", "revision": "4"})
    assert "restore the database from a backup of before" in text
    assert "config set" not in text
