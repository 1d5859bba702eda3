"""`sdg init azure`: extends a stack's config and overwrites nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.init import InitError
from cli.init import azure as init
from cli.pulumi import Engine, PulumiError
from rehearsal.azure.account import SUBSCRIPTION
from sdg.azure.caller import SETTING
from tests.unit.azure.conftest import Simulated

HERE = "198.51.100.7/32"


class Written(Engine):
    """An engine that keeps a stack's config in memory, as `pulumi config set --path` would change it."""

    def __init__(self, environ: dict[str, str], config: dict[str, Any] | None) -> None:
        super().__init__("azure", environ)
        object.__setattr__(self, "said", config)

    said: dict[str, Any] | None

    def config(self) -> dict[str, str]:
        if self.said is None:
            raise PulumiError("no stack named 'azure' found")
        return {key: json.dumps(value) for key, value in self.said.items()}

    def ask(self, *arguments: str) -> str:
        assert self.said is not None
        *command, path, value = arguments
        assert command == ["config", "set", "--path"]
        section, _, key = path.removeprefix("sdg:").partition(".")
        inside = self.said.setdefault(section, {})
        if item := re.fullmatch(r"(\w+)\[(\d+)\]", key):
            entries = inside.setdefault(item[1], [])
            assert int(item[2]) == len(entries)
            entries.append(value)
        else:
            inside[key] = value
        return ""


@pytest.fixture
def written(azure: Simulated, tmp_path: Path) -> Any:
    """A stack's engine whose mirror leads to the simulated Azure."""

    def make(cluster: dict[str, Any] | None = None, **environ: str) -> Written:
        mirror = {"apis": {url: azure.api(url) for url in ("https://checkip.amazonaws.com", "https://api.ipify.org")}}
        config = {"mirror": mirror, **({"cluster": cluster} if cluster is not None else {})}
        return Written({**azure.environ, "HOME": str(tmp_path), **environ}, config)

    return make


def test_an_empty_stack_gets_kind_region_and_this_hosts_address(written: Any) -> None:
    engine = written()
    lines = list(init(engine, None))
    assert engine.said["cluster"] == {"kind": "azure", "location": "eastus2", "allowedRanges": [HERE]}
    assert lines == [
        "sdg:cluster.kind = azure",
        "sdg:cluster.location = eastus2",
        f"{SETTING}[0] = {HERE}",
        f"It will be made in the subscription {SUBSCRIPTION}, which ARM_SUBSCRIPTION_ID names.",
        "Next: sdg preflight --stack azure",
    ]


def test_what_a_stack_says_stays(written: Any) -> None:
    engine = written({"kind": "azure", "preset": "team", "location": "westus3", "allowedRanges": ["203.0.113.9/32"]})
    list(init(engine, None))
    assert engine.said["cluster"] == {
        "kind": "azure",
        "preset": "team",
        "location": "westus3",
        "allowedRanges": ["203.0.113.9/32", HERE],
    }


def test_a_second_run_writes_nothing(written: Any) -> None:
    engine = written()
    list(init(engine, "Sweden Central"))
    before = json.dumps(engine.said)
    lines = list(init(engine, "swedencentral"))
    assert json.dumps(engine.said) == before
    assert lines[0] == f"{SETTING} lets this host in already, whose public address is 198.51.100.7."


@pytest.mark.parametrize(
    ("cluster", "location", "words"),
    [
        ({"kind": "microk8s"}, None, "kind of the stack azure is 'microk8s', which is not overwritten"),
        ({"kind": "azure", "location": "eastus2"}, "westus3", "location is 'eastus2' already, which is not overwritten.*config set --path"),
        ({"kind": "azure"}, "east_us; rm", "is no region of Azure"),
        ([1], None, "is no object, which is not overwritten"),
    ],
)
def test_another_choice_is_never_overwritten(written: Any, cluster: Any, location: str | None, words: str) -> None:
    engine = written(cluster)
    before = json.dumps(engine.said)
    with pytest.raises(InitError, match=words):
        list(init(engine, location))
    assert json.dumps(engine.said) == before


def test_an_address_that_nobody_knows_is_not_written(written: Any, azure: Simulated) -> None:
    azure.faults.set("azure.address", {"addresses": ["198.51.100.7", "203.0.113.9"]})
    engine = written()
    lines = list(init(engine, None))
    assert "allowedRanges" not in engine.said["cluster"]
    assert any("is not known: it leaves from more than one address" in line for line in lines)


def test_the_region_is_azs_own_where_az_has_one(written: Any, tmp_path: Path) -> None:
    engine = written({}, AZURE_DEFAULTS_LOCATION="uksouth")
    list(init(engine, None))
    assert engine.said["cluster"]["location"] == "uksouth"
    (tmp_path / ".azure").mkdir()
    (tmp_path / ".azure" / "config").write_text("[defaults]\nlocation = North Europe\n")
    engine = written({})
    list(init(engine, None))
    assert engine.said["cluster"]["location"] == "northeurope"


def test_a_missing_subscription_is_said_and_stops_nothing(written: Any) -> None:
    engine = written(None, ARM_SUBSCRIPTION_ID="")
    lines = list(init(engine, None))
    assert any(line.startswith("Still missing: sdg:cluster.subscription is unset") for line in lines)
    assert engine.said["cluster"]["allowedRanges"] == [HERE]


def test_a_stack_that_is_not_there_is_named(azure: Simulated) -> None:
    with pytest.raises(InitError, match="make it with: pulumi stack init azure"):
        list(init(Written(azure.environ, None), None))
