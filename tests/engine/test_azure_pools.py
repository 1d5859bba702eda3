"""Node pools of a deployed stack: what AKS' autoscaler and its lists do to the state changes nothing, and bounds can be moved."""

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

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

STACK = "azure"


class Deployed:
    """The stack, deployed and kept."""

    def __init__(self, state: StateDir, environment: dict[str, str]) -> None:
        self.state, self.environment = state, environment

    def pulumi(self, *arguments: str, **cluster: object) -> str:
        """Runs the engine, which has to succeed, with other settings of `sdg:cluster`."""
        document = yaml.safe_load(stack_config(self.state, STACK).read_text())
        document["config"]["sdg:cluster"] |= copy.deepcopy(cluster)
        changed = self.state.root / "changed.yaml"
        changed.write_text(yaml.safe_dump(document))
        done = subprocess.run(
            [str(Tools.locate().path("pulumi")), *arguments, "--stack", STACK, "--non-interactive"],
            cwd=ROOT,
            env=self.environment | {"PULUMI_OPTION_CONFIG_FILE": str(changed)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def planned(self, **cluster: object) -> dict[str, str]:
        """What an update would do to resources of Azure."""
        steps = json.loads(self.pulumi("preview", "--json", **cluster))["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if "azure-native:" in step["urn"] and step["op"] != "same"}

    def pools(self) -> dict[str, tuple[int, int, int]]:
        """Nodes and bounds of the pools, as the state has them."""
        resources = json.loads(self.pulumi("stack", "export"))["deployment"]["resources"]
        found = {one["urn"].rpartition("::")[2]: one["outputs"] for one in resources if one["type"].endswith(":AgentPool")}
        return {name: (pool["count"], pool["minCount"], pool["maxCount"]) for name, pool in found.items()}


@pytest.fixture
def deployed(tmp_path):
    found = command(tmp_path, STACK)
    kept = found.rehearse("--keep")
    try:
        assert kept.returncode == 0, kept.stdout
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - found.environment.keys():
                patch.delenv(name)
            for name, value in found.environment.items():
                patch.setenv(name, value)
            environment = process_environment(STACK, rehearsed=True)
        yield Deployed(StateDir(found.state), environment)
    finally:
        found.stop()


def test_pools_grow_are_refreshed_and_have_their_bounds_moved(deployed):
    # the smoke test has had the GPU pool grow, and a refresh sees that, and every pool in the cluster's list
    deployed.pulumi("refresh", "--yes", "--skip-preview")
    assert deployed.planned() == {}

    # bounds that the number of nodes from the day of creation is not in
    wider = {"gpuPools": [{"min": 2, "max": 3}]}
    assert deployed.planned(**wider).keys() <= {"aks", "pool-gpu"}
    deployed.pulumi("up", "--yes", "--skip-preview", **wider)
    assert deployed.pools()["pool-gpu"] == (2, 2, 3)
    assert deployed.planned(**wider) == {}

    # a change of the cluster brings nothing back of what pools were
    deployed.pulumi("refresh", "--yes", "--skip-preview", **wider)
    ranges = yaml.safe_load(stack_config(deployed.state, STACK).read_text())["config"]["sdg:cluster"]["allowedRanges"]
    more = {**wider, "allowedRanges": [*ranges, "198.51.100.77/32"]}
    assert deployed.planned(**more)["aks"] == "update"
    deployed.pulumi("up", "--yes", "--skip-preview", **more)
    deployed.pulumi("refresh", "--yes", "--skip-preview", **more)
    assert deployed.pools()["pool-gpu"][1:] == (2, 3)
    assert deployed.planned(**more) == {}
