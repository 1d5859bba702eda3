"""The pack through the real engine, with a program that has no settings loader in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.plugins import install
from rehearsal.tools import Tools

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).parent / "programs" / "plain"
STACK = "fixture"
FOUNDRY_ON_MICROK8S = {"models": ["sdg:inference:Foundry", {"cluster": "microk8s", "provider": "foundry"}]}


@dataclass(frozen=True)
class Engine:
    """A stack of the fixture program on a backend of its own."""

    pulumi: Path
    program: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, resources: Mapping[str, object] | None = None) -> subprocess.CompletedProcess[str]:
        config = ["--config", f"fixture:resources={json.dumps(resources)}"] if resources is not None else []
        command = [str(self.pulumi), *arguments, *config, "--stack", STACK, "--non-interactive", "--cwd", str(self.program)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def judged(self, operation: str, resources: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
        """Runs `preview` or `up` with the pack."""
        sure = ["--yes", "--skip-preview"] if operation == "up" else []
        return self.run(operation, *sure, "--policy-pack", str(PROJECT / "policy"), resources=resources)

    def created(self) -> list[str]:
        """Types of what the stack holds."""
        exported = self.run("stack", "export")
        deployment = json.loads(exported.stdout)["deployment"]
        return [resource["type"] for resource in deployment.get("resources") or []]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    tmp_path = tmp_path_factory.mktemp("engine")
    tools = Tools.locate()
    if "pulumi" not in tools.paths:
        pytest.skip("no pulumi yet: `python -m rehearsal.tools` builds it")
    install(tmp_path / "bin", tools)
    (tmp_path / "backend").mkdir()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": (tmp_path / "backend").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "of a stack that holds nothing",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    # the engine writes a stack file beside the program
    engine = Engine(tools.path("pulumi"), Path(shutil.copytree(PROGRAM, tmp_path / "program")), environment)
    made = engine.run("stack", "init")
    assert made.returncode == 0, made.stderr
    return engine


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_foundry_on_microk8s_is_stopped_with_nothing_created(engine: Engine, operation: str) -> None:
    ended = engine.judged(operation, FOUNDRY_ON_MICROK8S)
    assert ended.returncode != 0
    assert "cluster-fits-inference" in ended.stdout
    assert "foundry cannot be used on microk8s: Azure AI Foundry needs the identities of an Azure cluster." in ended.stdout
    assert "On microk8s: none, nim-operator, nvcf, external; foundry runs on: azure." in ended.stdout
    assert "sdg:inference:Foundry" not in engine.created()


def test_an_update_that_previews_first_is_stopped_there_with_nothing_at_all_created(engine: Engine) -> None:
    before = engine.created()
    ended = engine.run("up", "--yes", "--policy-pack", str(PROJECT / "policy"), resources=FOUNDRY_ON_MICROK8S)
    assert ended.returncode != 0
    assert "Previewing update" in ended.stdout
    assert "Updating" not in ended.stdout
    assert engine.created() == before


def test_a_key_in_a_plain_path_is_stopped_without_being_shown(engine: Engine) -> None:
    ended = engine.judged("preview", {"platform": ["sdg:test:Platform", {"note": "nvapi-planted0123456789"}]})
    assert ended.returncode != 0
    assert "no-key-in-plain-path" in ended.stdout
    assert "note holds what looks like a credential (NVIDIA API key)" in ended.stdout


def test_a_stack_that_breaks_no_rule_is_updated_with_the_pack(engine: Engine) -> None:
    ended = engine.judged("up", {"models": ["sdg:inference:Nvcf", {"cluster": "existing", "provider": "nvcf"}]})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "sdg:inference:Nvcf" in engine.created()
