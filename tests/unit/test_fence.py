"""A rehearsal never runs a plugin that could touch something real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal import fence
from rehearsal.plugins import in_use
from rehearsal.plugins.resolution import MARK, official, resolve

FENCED = ("azure-native", "command")


def _executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A directory with the rehearsal's own plugins."""
    for name in FENCED:
        _executable(tmp_path / "ours" / f"pulumi-resource-{name}", f"#!/bin/sh\n{MARK}\nexit 1\n")
    return tmp_path / "ours"


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str, str], Path]:
    """Puts a plugin that looks official into a directory."""

    def put(directory: str, name: str) -> Path:
        return _executable(tmp_path / directory / f"pulumi-resource-{name}", "#!/bin/sh\nexec real-cloud\n")

    return put


@pytest.fixture
def env(tmp_path: Path, ours: Path) -> dict[str, str]:
    return {"PATH": f"{ours}:/usr/bin", "HOME": str(tmp_path / "home"), "PULUMI_HOME": str(tmp_path / "pulumi")}


def test_our_own_plugins_pass(env: dict[str, str]) -> None:
    fence.check(env)


@pytest.mark.parametrize("name", FENCED)
def test_an_official_plugin_before_ours_on_path_is_refused(
    env: dict[str, str], tmp_path: Path, fake: Callable[[str, str], Path], name: str
) -> None:
    official_one = fake("official", name)
    env["PATH"] = f"{tmp_path / 'official'}:{env['PATH']}"
    with pytest.raises(fence.FenceError, match=f"{name}: .* would be {official_one}"):
        fence.check(env)


def test_an_official_plugin_behind_ours_on_path_does_no_harm(env: dict[str, str], tmp_path: Path, fake: Callable[[str, str], Path]) -> None:
    fake("official", "command")
    fence.check({**env, "PATH": f"{env['PATH']}:{tmp_path / 'official'}"})


def test_an_official_plugin_in_the_cache_does_no_harm_while_ours_is_on_path(env: dict[str, str], fake: Callable[[str, str], Path]) -> None:
    fake("pulumi/plugins/resource-command-v1.2.1", "command")
    fence.check(env)


def test_an_official_plugin_in_the_cache_is_refused_when_path_is_ignored(env: dict[str, str], fake: Callable[[str, str], Path]) -> None:
    cached = fake("pulumi/plugins/resource-command-v1.2.1", "command")
    with pytest.raises(fence.FenceError, match=f"would be {cached}.*unset PULUMI_IGNORE_AMBIENT_PLUGINS"):
        fence.check({**env, "PULUMI_IGNORE_AMBIENT_PLUGINS": "true"})


def test_an_official_plugin_in_the_cache_is_refused_when_ours_is_not_on_path(env: dict[str, str], fake: Callable[[str, str], Path]) -> None:
    cached = fake("pulumi/plugins/resource-azure-native-v3.29.0", "azure-native")
    with pytest.raises(fence.FenceError, match=f"would be {cached}"):
        fence.check({**env, "PATH": "/usr/bin"})


def test_a_plugin_that_would_be_downloaded_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(fence.FenceError, match="would download the official one"):
        fence.check({**env, "PATH": "/usr/bin"})


def test_a_relative_entry_of_path_that_offers_one_hides_ours(
    env: dict[str, str], tmp_path: Path, fake: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("relative", "command")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fence.FenceError, match="command"):
        fence.check({**env, "PATH": f"relative:{env['PATH']}"})


def test_a_provider_that_the_engine_would_attach_to_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(fence.FenceError, match="azure-native: PULUMI_DEBUG_PROVIDERS"):
        fence.check({**env, "PULUMI_DEBUG_PROVIDERS": "aws:1,azure-native:1234"})


def test_a_plugin_named_in_the_project_file_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nplugins:\n  providers:\n    - name: command\n      path: /opt/real\n", encoding="utf-8")
    with pytest.raises(fence.FenceError, match=r"command: Pulumi\.yaml names the plugin /opt/real"):
        fence.check(env, tmp_path)


def test_everything_that_is_wrong_is_said_at_once(env: dict[str, str]) -> None:
    with pytest.raises(fence.FenceError) as refused:
        fence.check({**env, "PATH": ""})
    assert all(name in str(refused.value) for name in FENCED)


def test_which_plugins_are_in_use_is_said_one_by_one(env: dict[str, str], tmp_path: Path) -> None:
    kubernetes = _executable(tmp_path / "official" / "pulumi-resource-kubernetes", "#!/bin/sh\n")
    said = in_use({**env, "PATH": f"{env['PATH']}:{tmp_path / 'official'}"})
    assert said == [
        "Python language host: none",
        f"Kubernetes provider: the official one, {kubernetes}",
        "azure-native provider: the rehearsal's stand-in",
        "Command provider: the rehearsal's stand-in",
    ]


def test_the_official_language_host_beside_the_engine_is_found(env: dict[str, str], tmp_path: Path) -> None:
    engine = _executable(tmp_path / "engine" / "pulumi", "#!/bin/sh\n")
    host = _executable(tmp_path / "engine" / "pulumi-language-python", "#!/bin/sh\n")
    assert official("pulumi-language-python", env, engine) == host
    assert resolve("pulumi-resource-kubernetes", env, engine) is None
