"""docs/azure.md says of presets, networks and drivers what the settings do."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdg.azure import credential
from sdg.azure.names import longest_pair
from sdg.azure.network import Layout
from sdg.catalog.azure_names import name_rules
from sdg.catalog.azure_presets import presets
from sdg.catalog.gpu_driver import AKS_RUNTIME, agent_pool_driver, driver_values
from sdg.catalog.vm_sizes import vm_sizes
from sdg.settings.azure import Azure

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading, without its first two lines."""
    below = PAGE.partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.group().splitlines()[2:]]


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """A model's plain values by path, as a stack writes them."""
    match value:
        case Mapping():
            return {key: found for name, inner in value.items() for key, found in flat(inner, f"{path}.{name}".lstrip(".")).items()}
        case list() | tuple() if value and isinstance(value[0], Mapping):
            return {key: found for index, inner in enumerate(value) for key, found in flat(inner, f"{path}[{index}]").items()}
        case _:
            return {path: value}


def shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None | ():
            return "none"
        case Sequence() if not isinstance(value, str):
            return ", ".join(map(str, value))
        case _:
            return str(value)


def values(preset: str) -> dict[str, Any]:
    return flat(Azure.model_validate({"kind": "azure", "preset": preset}).model_dump(by_alias=True))


def test_the_table_of_logins_names_every_variable_that_chooses_one() -> None:
    code = inspect.getsource(credential)
    read = set(re.findall(r'"(ARM_[A-Z_]+)"', code)) | {f"ARM_{name}" for name in re.findall(r'_named\(environ, "([A-Z_]+)"\)', code)}
    said = re.findall(r"`(ARM_[A-Z_]+)", " ".join(row[1] for row in rows("Login")))
    assert "ARM_CLIENT_CERTIFICATE_PASSWORD" in read
    assert set(said) == read


def test_the_table_of_presets_says_what_each_stands_for() -> None:
    said = {row[0].strip("`"): row[1:] for row in rows("Presets")}
    for key, cells in said.items():
        expected = [shown(found[key]) if key in (found := values(preset)) else "no pool" for preset in presets()]
        assert cells == expected, key


def test_the_table_of_presets_leaves_out_nothing_that_they_change() -> None:
    said = {row[0].strip("`") for row in rows("Presets")}
    chosen = {key for preset in presets().values() for key in flat(preset)}
    assert chosen <= said


def test_the_default_ranges_are_those_of_the_settings() -> None:
    layout = Layout.of(Azure(kind="azure").network)
    said = {row[0].strip("`"): row[1] for row in rows("Network")}
    assert said["range"] == str(layout.network)
    assert said["subnets.nodes`, `subnets.gpuNodes"] == f"{layout.nodes}, {layout.gpu_nodes}"
    assert (said["subnets.database"], said["subnets.endpoints"]) == (str(layout.database), str(layout.endpoints))
    assert (said["pods"], said["services"]) == (str(layout.pods), str(layout.services))


def test_the_limits_of_names_are_those_of_the_catalog() -> None:
    assert f"leave prefix and environment {longest_pair()} characters together" in PAGE
    assert all(f"`{word}`" in PAGE for word in name_rules().reserved)


@pytest.mark.parametrize(("column", "owner"), [(1, "operator"), (2, "azure")])
def test_the_values_of_each_drivers_owner_are_those_that_are_set(column: int, owner: Any) -> None:
    table = rows("GPU pools, and who owns the driver")
    assert table[0][column] == f"`gpuProfile.driver: {agent_pool_driver(owner)}`"
    by_operator = driver_values(owner)["driver"]["enabled"]
    assert table[1][column].startswith("driver and container toolkit on" if by_operator else "both off")
    assert (AKS_RUNTIME in table[1][column]) is not by_operator


def test_the_sizes_that_need_another_driver_are_the_named_ones() -> None:
    grid = {name for name, size in vm_sizes().items() if size.gpu and size.gpu.driver == "grid"}
    assert grid == {name for name in vm_sizes() if "_A10_" in name or "RTXPRO6000" in name}


def test_the_example_of_pools_is_one_that_can_be() -> None:
    text = re.search(r"\n((?:    .*\n)*?    sdg:cluster:\n(?:    .*\n)+)", PAGE)
    assert text
    example = yaml.safe_load(text.group(1))["sdg:cluster"]
    assert len(Azure.model_validate({"kind": "azure", **example}).gpu_pools) == 2
