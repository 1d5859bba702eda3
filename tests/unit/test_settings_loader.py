from __future__ import annotations

import asyncio
import json
import string
from pathlib import Path

import pytest
import yaml

from sdg.preflight.model import Finding
from sdg.settings.errors import SettingsError
from sdg.settings.loader import Sources, Stack, read
from sdg.settings.loader import load as stack_settings
from sdg.settings.secrets import SECRET_KEYS, problem

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "lab",
    "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:6443"}}],
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
    "users": [{"name": "me", "user": {"token": "planted-token"}}],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG))
    return tmp_path


def config(**more: str) -> dict[str, str]:
    return {"cluster": json.dumps({"kind": "existing", "name": "lab-1", "kubeconfig": "kubeconfig"}), **more}


def load(project: Path, secret: frozenset[str] = frozenset(), environ: dict[str, str] | None = None, **more: str) -> Stack:
    return read(Sources(config(**more), secret, environ or {}, project))


def problems(sources: Sources) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(sources)
    return caught.value.problems


def test_a_loaded_stack_has_settings_and_a_secret_connection_to_its_cluster(project: Path) -> None:
    async def kubeconfig() -> tuple[str | None, bool]:
        stack = load(project)
        assert stack.connection is not None
        assert stack.connection.context == "lab"
        assert stack.connection.server == "https://127.0.0.1:6443"
        return await stack.connection.kubeconfig.future(), await stack.connection.kubeconfig.is_secret()

    text, secret = asyncio.run(kubeconfig())
    assert secret
    assert text is not None
    assert "planted-token" in text


@pytest.mark.parametrize(
    ("stack_value", "environment", "dotenv", "expected"),
    [
        ("from-stack", "from-environment", "from-dotenv", "from-stack"),
        (None, "from-environment", "from-dotenv", "from-environment"),
        (None, None, "from-dotenv", "from-dotenv"),
        (None, None, None, None),
    ],
)
def test_a_secret_comes_from_the_stack_then_the_environment_then_dotenv(
    project: Path, stack_value: str | None, environment: str | None, dotenv: str | None, expected: str | None
) -> None:
    if dotenv:
        (project / ".env").write_text(f"NGC_API_KEY={dotenv}\n")

    async def loaded() -> tuple[str | None, bool]:
        more = {"ngcApiKey": stack_value} if stack_value else {}
        stack = load(project, frozenset(more), {"NGC_API_KEY": environment} if environment else {}, **more)
        output = stack.secrets.ngc_api_key
        return (await output.future(), await output.is_secret()) if output else (None, True)

    assert asyncio.run(loaded()) == (expected, True)


def test_the_ngc_key_stands_in_for_the_cloud_functions_key(project: Path) -> None:
    async def loaded() -> str | None:
        output = load(project, environ={"NGC_API_KEY": "the-ngc-key"}).secrets.nvcf_api_key
        return await output.future() if output else None

    assert asyncio.run(loaded()) == "the-ngc-key"


def test_a_secret_in_plain_config_is_refused_with_the_command_that_stores_it(project: Path) -> None:
    (sentence,) = problems(Sources(config(hfToken="hf_planted0123456789"), frozenset(), {}, project))
    assert "pulumi config set --secret sdg:hfToken" in sentence
    assert "planted" not in sentence


@pytest.mark.parametrize("password", ["12345678", "1e10", "TRUE", "Null", "0x1f", "abc#defgh", "short"])
def test_a_database_password_that_the_chart_would_break_is_refused_without_being_shown(project: Path, password: str) -> None:
    (sentence,) = problems(Sources(config(databasePassword=password), {"databasePassword"}, {}, project))
    assert sentence.startswith("sdg:databasePassword (or POSTGRES_PASSWORD) must")
    assert password not in sentence


@pytest.mark.parametrize("password", ["12345678", "abc#defgh", "p@ss:w/rd!", "short"])
def test_the_password_of_a_database_outside_is_whatever_its_server_says(project: Path, password: str) -> None:
    outside = json.dumps({"database": {"kind": "external", "host": "db.example.com", "user": "osmo"}})

    async def loaded() -> str | None:
        stack = load(project, environ={"POSTGRES_PASSWORD": password}, osmo=outside)
        return await stack.secrets.database_password.future() if stack.secrets.database_password else None

    assert asyncio.run(loaded()) == password


@pytest.mark.parametrize("character", [*sorted(set(string.punctuation) - set("-._~")), "ä"])
def test_an_object_store_password_that_would_break_the_clients_url_is_refused_without_being_shown(project: Path, character: str) -> None:
    password = f"passw0rd{character}"
    (sentence,) = problems(Sources(config(), frozenset(), {"MINIO_ROOT_PASSWORD": password}, project))
    assert sentence.startswith("sdg:objectStorePassword (or MINIO_ROOT_PASSWORD) must hold letters, digits, - . _ and ~ only: ")
    assert password not in sentence


def test_an_object_store_password_may_hold_everything_that_stands_in_a_url_as_it_is() -> None:
    assert problem(SECRET_KEYS["objectStorePassword"], "Passw0rd-._~") is None


def test_a_key_with_white_space_is_refused(project: Path) -> None:
    (sentence,) = problems(Sources(config(), frozenset(), {"NGC_API_KEY": "nvapi-x y"}, project))
    assert sentence == "sdg:ngcApiKey (or NGC_API_KEY) holds white space; a key has none."


def test_a_missing_kubeconfig_is_one_sentence_with_its_path(project: Path) -> None:
    (project / "kubeconfig").unlink()
    assert problems(Sources(config(), frozenset(), {}, project)) == (
        f"sdg:cluster.kubeconfig: there is no kubeconfig at {project / 'kubeconfig'}.",
    )


def test_a_missing_kubeconfig_is_reported_beside_every_other_problem(project: Path) -> None:
    (project / "kubeconfig").unlink()
    found = problems(Sources(config(osmo='{"profil": "6.3"}', ngcApiKey="x"), frozenset(), {}, project))
    assert len(found) == 3


def test_no_cluster_at_all_is_one_sentence(project: Path) -> None:
    assert problems(Sources({}, frozenset(), {}, project)) == ("sdg:cluster is required: where everything runs.",)


def test_the_running_programs_config_is_read_by_namespace(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {f"sdg:{key}": value for key, value in config(forward='{"port": 9100}').items()} | {"azure:location": "eastus2"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(everything))
    monkeypatch.chdir(project)

    async def port() -> int:
        return stack_settings().settings.forward.port

    assert asyncio.run(port()) == 9100


def test_an_unknown_key_of_the_running_programs_config_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"sdg:clutser": "{}", "sgd:cluster": "{}"}))
    monkeypatch.chdir(project)
    with pytest.raises(SettingsError) as caught:
        stack_settings()
    assert caught.value.problems == (
        "sdg:clutser is not a key here. Did you mean 'cluster'?",
        "sdg:cluster is required: where everything runs.",
    )


def test_the_preflight_is_told_where_the_cluster_answers_and_through_which_proxy(project: Path) -> None:
    cluster = {"server": "https://127.0.0.1:6443", "proxy-url": "http://127.0.0.1:3128"}
    (project / "kubeconfig").write_text(yaml.safe_dump({**KUBECONFIG, "clusters": [{"name": "lab", "cluster": cluster}]}))
    with pytest.raises(SettingsError, match=r"asked https:.*:6443 through http:.*:3128"):
        read(
            Sources(config(), frozenset(), {}, project),
            lambda subject: [Finding("api-server", f"asked {subject.server.url} through {subject.server.proxy}")] if subject.server else [],
        )
