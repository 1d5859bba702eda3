"""What changes of a deployed stack on Azure preview as: an update or a replacement, as ARM would do them, or a refusal."""

from __future__ import annotations

import copy
import json
import os
import subprocess

import pytest
import yaml

from cli.environment import process_environment, stack_config
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from tests.engine.rehearsing import ROOT, command

pytestmark = pytest.mark.timeout(600)

STACK = "azure"
DONE = {"update": "update", "replace": "replace", "delete-replaced": "replace", "create-replacement": "replace"}
A100 = {"gpuPools": [{"size": "Standard_NC24ads_A100_v4"}]}
PREVIEWED = {
    "gpu-size": (A100, {"pool-gpu": "replace"}),
    "node-count": ({"gpuPools": [{"max": 2}], "systemPool": {"max": 5}}, {"aks": "update", "pool-gpu": "update"}),
    "database-size": ({"database": {"size": "GP_Standard_D2s_v3"}}, {"database-server": "update"}),
    "kubernetes": ({"kubernetes": "1.36"}, {"aks": "update", "pool-gpu": "update"}),
}
REFUSED = {
    "database-lost": ({"database": {"geoBackup": True, "size": "GP_Standard_D2s_v3"}}, "unlock", "database"),
    "storage-lost": ({"prefix": "other"}, "unlock", "storage"),
    "cluster-lost": ({"systemPool": {"size": "Standard_D32ds_v5"}}, "unlock", "cluster"),
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The stack, deployed and kept: a function that previews a change of `sdg:cluster`."""
    found = command(tmp_path_factory.mktemp("changes"), STACK)
    kept = found.rehearse("--keep")
    try:
        assert kept.returncode == 0, kept.stdout
        before = dict(os.environ)
        os.environ.update(found.environment)
        environment = process_environment(STACK, rehearsed=True)
        os.environ.clear()
        os.environ.update(before)
        yield lambda changes: preview(StateDir(found.state), environment, changes)
    finally:
        found.stop()


def preview(state: StateDir, environment: dict[str, str], changes: dict) -> subprocess.CompletedProcess[str]:
    """Previews the stack as it would be with other settings of its cluster; its own file stays as it is."""
    document = yaml.safe_load(stack_config(state, STACK).read_text())
    merge(document["config"]["sdg:cluster"], copy.deepcopy(changes))
    changed = state.root / "changed.yaml"
    changed.write_text(yaml.safe_dump(document))
    return subprocess.run(
        [str(Tools.locate().path("pulumi")), "preview", "--json", "--stack", STACK, "--non-interactive"],
        cwd=ROOT,
        env=environment | {"PULUMI_OPTION_CONFIG_FILE": str(changed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def merge(section: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            merge(section.setdefault(key, {}), value)
        else:
            section[key] = value


def in_azure(output: str) -> dict[str, str]:
    """What would be done to resources of Azure, by name."""
    steps = [step for step in json.loads(output)["steps"] if "azure-native:" in step["urn"] and step["op"] != "same"]
    return {step["urn"].rpartition("::")[2]: DONE.get(step["op"], step["op"]) for step in steps}


@pytest.mark.parametrize("change", PREVIEWED)
def test_a_change_previews_as_arm_would_make_it(deployed, change):
    asked, expected = PREVIEWED[change]
    found = deployed(asked)
    assert found.returncode == 0, found.stdout + found.stderr
    assert in_azure(found.stdout) == expected


@pytest.mark.parametrize("change", REFUSED)
def test_a_change_that_loses_data_is_refused_with_what_unlocks_it(deployed, change):
    asked, *words = REFUSED[change]
    found = deployed(asked)
    assert found.returncode != 0
    said = found.stdout + found.stderr
    assert all(word in said for word in words)
    assert "sdg:cluster.unlock" in said


def test_the_stacks_own_settings_change_nothing(deployed):
    found = deployed({})
    assert found.returncode == 0, found.stdout + found.stderr
    assert in_azure(found.stdout) == {}
