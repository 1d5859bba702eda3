import os
import shutil
from pathlib import Path

import pytest

from cli import environment
from rehearsal.azure import login
from rehearsal.azure.account import SUBSCRIPTION
from rehearsal.services.internet.doors import KEYS
from rehearsal.state import StateDir


@pytest.fixture
def rehearsal(tmp_path, monkeypatch):
    state = tmp_path / "state"
    monkeypatch.setenv("SDG_REHEARSAL", str(state))
    monkeypatch.setenv("PATH", os.pathsep.join([str(state / "bin"), "/usr/bin"]))
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    return state


def test_a_rehearsal_has_backend_secrets_plugins_and_cluster_of_its_own(rehearsal):
    variables = environment.variables("rehearsal")
    own = {name: value for name, value in variables.items() if name not in ("PATH", "PULUMI_SKIP_UPDATE_CHECK")}
    assert set(own) == {*environment.REHEARSAL_ONLY, *KEYS}
    assert all(str(rehearsal) in value for name, value in own.items() if name not in KEYS)
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


@pytest.mark.parametrize("name", KEYS)
def test_no_key_of_the_users_reaches_a_rehearsal(rehearsal, monkeypatch, name):
    monkeypatch.setenv(name, "the user's")
    assert environment.process_environment("rehearsal")[name] == KEYS[name]
    assert f"export {name}={KEYS[name]}" in environment.as_shell("rehearsal").splitlines()
    assert environment.process_environment("lab")[name] == "the user's"


def test_a_rehearsals_own_keys_leave_with_it_and_the_users_stay(rehearsal, monkeypatch):
    for name, value in environment.variables("rehearsal").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_TOKEN", "hf_TheUsersOwn")
    lines = environment.as_shell("lab").splitlines()
    assert "unset NGC_API_KEY" in lines
    assert "unset HF_TOKEN" not in lines


def test_what_the_user_set_is_not_taken_back(rehearsal, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(Path.home() / ".kube" / "lab"))
    assert "unset KUBECONFIG" not in environment.as_shell("lab")


def test_a_passphrase_of_the_users_does_not_win_over_the_rehearsals(rehearsal, monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the user's")
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment.process_environment("rehearsal")
    assert "unset PULUMI_CONFIG_PASSPHRASE" in environment.as_shell("rehearsal").splitlines()
    assert "PULUMI_CONFIG_PASSPHRASE" in environment.process_environment("lab")


@pytest.fixture
def microk8s(rehearsal):
    """A rehearsal of the stack `microk8s`, with a virtual host."""
    rehearsal.mkdir()
    (rehearsal / "stack").write_text("microk8s\n")
    (rehearsal / "machine.json").write_text("{}")
    return rehearsal


def test_a_stack_means_itself_until_its_rehearsal_is_asked_for(rehearsal):
    assert not set(environment.variables("microk8s")) & set(environment.REHEARSAL_ONLY)
    assert "PULUMI_BACKEND_URL" in environment.as_shell("microk8s", rehearsed=True)


def test_in_a_shell_of_its_rehearsal_a_stack_means_that(microk8s):
    assert environment.variables("microk8s")["PULUMI_BACKEND_URL"] == f"file://{microk8s / 'backend'}"
    assert not set(environment.variables("lab")) & set(environment.REHEARSAL_ONLY)


def test_the_stack_itself_is_what_sdg_env_prints_in_a_shell_of_its_rehearsal(microk8s, monkeypatch):
    for name, value in environment.variables("microk8s").items():
        monkeypatch.setenv(name, value)
    assert {f"unset {name}" for name in environment.REHEARSAL_ONLY} <= set(environment.as_shell("microk8s").splitlines())


def test_another_stacks_rehearsal_is_not_taken(microk8s):
    assert environment.variables("rehearsal")["SDG_REHEARSAL"] != str(microk8s)


def test_a_program_on_a_virtual_host_meets_no_program_of_this_machine(microk8s):
    folders = environment.process_environment("microk8s")["PATH"].split(os.pathsep)
    assert folders[:2] == [str(microk8s / "bin"), str(microk8s / "host" / "bin")]
    assert "/usr/bin" not in folders


def test_a_shell_on_a_virtual_host_keeps_its_own_programs_behind_the_hosts(microk8s):
    folders = environment.variables("microk8s")["PATH"].split(os.pathsep)
    assert folders[:3] == [str(microk8s / "bin"), str(microk8s / "host" / "bin"), str(microk8s / "host" / "absent")]
    assert "/usr/bin" in folders


def test_the_users_kubeconfig_of_a_virtual_host_is_that_hosts_own(microk8s):
    assert environment.variables("microk8s")["KUBECONFIG"] == str(microk8s / "host" / "home" / ".kube" / "config")
    assert "HOME" not in environment.variables("microk8s")


def test_a_virtual_host_is_asked_about_in_continuous_integration_too(microk8s, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert "CI" not in environment.process_environment("microk8s")
    assert "CI" in environment.process_environment("lab")


@pytest.fixture
def azure(rehearsal):
    """A rehearsal of the stack `azure`, logged in to an Azure of its own."""
    state = StateDir(rehearsal)
    state.prepare()
    state.bin.mkdir()
    (rehearsal / "stack").write_text("azure\n")
    login.install(state, "http://127.0.0.1:1/identity", "header")
    return state


def test_a_rehearsal_on_azure_is_logged_in_to_its_own_and_finds_its_own_az_first(azure):
    found = environment.process_environment("azure")
    assert found["ARM_SUBSCRIPTION_ID"] == SUBSCRIPTION
    assert found["IDENTITY_ENDPOINT"] == "http://127.0.0.1:1/identity"
    assert found["AZURE_CONFIG_DIR"] == str(azure.azure)
    assert shutil.which("az", path=found["PATH"]) == str(azure.bin / "az")
    assert shutil.which("kubelogin", path=found["PATH"]) == str(azure.bin / "kubelogin")


@pytest.mark.parametrize("name", ["ARM_CLIENT_SECRET", "ARM_OIDC_TOKEN", "AZURE_CLIENT_ID", "MSI_ENDPOINT"])
def test_nothing_of_the_users_login_reaches_a_rehearsal_on_azure(azure, monkeypatch, name):
    monkeypatch.setenv(name, "the user's")
    assert name not in environment.process_environment("azure")
    assert f"unset {name}" in environment.as_shell("azure", rehearsed=True).splitlines()
    assert name in environment.process_environment("lab")


def test_a_shell_that_leaves_a_rehearsal_on_azure_leaves_its_login(azure, monkeypatch):
    for name, value in environment.variables("azure").items():
        monkeypatch.setenv(name, value)
    assert {f"unset {name}" for name in login.NAMES} <= set(environment.as_shell("lab").splitlines())
    assert str(azure.bin) not in environment.variables("lab")["PATH"].split(os.pathsep)


def test_the_users_own_login_is_not_taken_back(azure, monkeypatch):
    monkeypatch.setenv("AZURE_CONFIG_DIR", "/home/somebody/.azure")
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "theirs")
    lines = environment.as_shell("lab").splitlines()
    assert not [line for line in lines if "ARM_SUBSCRIPTION_ID" in line or "AZURE_CONFIG_DIR" in line]
