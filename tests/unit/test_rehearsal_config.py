"""The rehearsal's stack config, which is derived anew at every start."""

from __future__ import annotations

import pytest
import yaml

from cli import rehearsal
from cli.derived import Changes
from cli.environment import stack_config
from rehearsal.state import StateDir


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_REHEARSAL", str(tmp_path / "state"))
    made = StateDir(tmp_path / "state")
    made.prepare()
    made.services.write_text('{"charts": "http://127.0.0.1:1"}')
    project = made.root / "project"
    project.mkdir()
    (project / "Pulumi.rehearsal.yaml").write_text("encryptionsalt: v1:salt\n")
    return made


def derive(state, **sections):
    rehearsal._create_stack(state, None, Changes(sections))
    return yaml.safe_load(stack_config(state, "rehearsal").read_text())


def test_the_config_is_the_shipped_one_bound_to_this_cluster(state):
    derived = derive(state)
    assert derived["encryptionsalt"] == "v1:salt"
    assert derived["config"]["sdg:cluster"]["kubeconfig"] == str(state.kubeconfig)
    mirror = derived["config"]["sdg:mirror"]
    assert mirror == {
        "charts": {"https://helm.ngc.nvidia.com": "http://127.0.0.1:1"},
        "downloads": {"https://github.com": "http://127.0.0.1:1"},
    }


def test_what_the_user_set_survives_another_start(state):
    derived = derive(state)
    derived["config"]["sdg:ngcApiKey"] = {"secure": "v1:ciphertext"}
    derived["config"]["sdg:forward"] = {"port": 9123}
    stack_config(state, "rehearsal").write_text(yaml.safe_dump(derived))
    for _ in range(2):
        again = derive(state)["config"]
        assert again["sdg:ngcApiKey"] == {"secure": "v1:ciphertext"}
        assert again["sdg:forward"] == {"port": 9123}


def test_sections_of_one_start_do_not_stay_for_the_next(state):
    assert derive(state, forward={"enabled": False})["config"]["sdg:forward"] == {"enabled": False}
    assert "sdg:forward" not in derive(state)["config"]


def test_who_encrypts_the_stacks_secrets_is_not_asked(state, tmp_path, monkeypatch):
    theirs = {"secretsprovider": "azurekeyvault://vault", "encryptedkey": "theirs", "encryptionsalt": "v1:theirs"}
    cluster = {"kind": "existing", "name": "lab"}
    config = {"sdg:cluster": cluster, "sdg:ngcApiKey": {"secure": "v1:ciphertext"}}
    (tmp_path / "Pulumi.rehearsal.yaml").write_text(yaml.safe_dump({**theirs, "config": config}))
    monkeypatch.setattr(rehearsal, "ROOT", tmp_path)
    derived = derive(state)
    assert set(derived) == {"config", "encryptionsalt"}
    assert derived["encryptionsalt"] == "v1:salt"
    assert set(derived["config"]) == {"sdg:cluster", "sdg:mirror"}
