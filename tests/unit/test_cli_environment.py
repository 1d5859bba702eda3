import os
from pathlib import Path

import pytest

from cli import environment


@pytest.fixture
def rehearsal(tmp_path, monkeypatch):
    state = tmp_path / "state"
    monkeypatch.setenv("SDG_REHEARSAL", str(state))
    monkeypatch.setenv("PATH", os.pathsep.join([str(state / "bin"), "/usr/bin"]))
    return state


def test_a_rehearsal_has_backend_secrets_plugins_and_cluster_of_its_own(rehearsal):
    variables = environment.variables("rehearsal")
    own = {name: value for name, value in variables.items() if name not in ("PATH", "PULUMI_SKIP_UPDATE_CHECK")}
    assert set(own) == set(environment.REHEARSAL_ONLY)
    assert all(str(rehearsal) in value for value in own.values())
    assert variables["PATH"].split(os.pathsep)[0] == str(rehearsal / "bin")


def test_another_stack_never_meets_a_rehearsals_plugins(rehearsal):
    assert str(rehearsal / "bin") not in environment.variables("lab")["PATH"].split(os.pathsep)


def test_another_stack_keeps_the_users_backend_and_cluster(rehearsal):
    assert not set(environment.variables("lab")) & set(environment.REHEARSAL_ONLY)


def test_a_shell_that_changes_stacks_takes_the_rehearsal_back(rehearsal, monkeypatch):
    for name, value in environment.variables("rehearsal").items():
        monkeypatch.setenv(name, value)
    lines = environment.as_shell("lab").splitlines()
    assert {f"unset {name}" for name in environment.REHEARSAL_ONLY} <= set(lines)


def test_what_the_user_set_is_not_taken_back(rehearsal, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(Path.home() / ".kube" / "lab"))
    assert "unset KUBECONFIG" not in environment.as_shell("lab")


def test_a_passphrase_of_the_users_does_not_win_over_the_rehearsals(rehearsal, monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the user's")
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment.process_environment("rehearsal")
    assert "unset PULUMI_CONFIG_PASSPHRASE" in environment.as_shell("rehearsal").splitlines()
    assert "PULUMI_CONFIG_PASSPHRASE" in environment.process_environment("lab")
