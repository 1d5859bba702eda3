"""Pools of an Azure cluster and who installs their GPU driver: what cannot be is refused in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sdg.catalog.vm_sizes import vm_sizes
from tests.unit.azure_settings import KEY, problems


@pytest.mark.parametrize(
    ("pools", "sentence"),
    [
        ({"gpuPools": [{"size": "Standard_NC40ads_H100_v4"}]}, f"{KEY}.gpuPools[0].size: Standard_NC40ads_H100_v4 is not a known VM size."),
        ({"gpuPools": [{"size": "Standard_D16ds_v5"}]}, f"{KEY}.gpuPools[0].size must be one with GPUs; Standard_D16ds_v5 has none."),
        ({"cpuPool": {"size": "Standard_NC4as_T4_v3"}}, f"{KEY}.cpuPool.size must be one without GPUs"),
        ({"systemPool": {"size": "Standard_NC16as_T4_v3"}}, f"{KEY}.systemPool.size must be one without GPUs"),
        ({"systemPool": {"size": "Standard_D8ds_v5"}}, f"{KEY}.systemPool.size must have 16 vCPUs or more"),
        ({"systemPool": {"min": 0}}, f"{KEY}.systemPool.min must be at least 1; it is 0."),
        ({"systemPool": {"min": 4, "max": 3}}, f"{KEY}.systemPool.min must be at most its max, which is 3; it is 4."),
        ({"cpuPool": {"min": 5}}, f"{KEY}.cpuPool.min must be at most its max, which is 4; it is 5."),
        ({"cpuPool": {"max": 0}}, f"{KEY}.cpuPool.max must be at least 1; it is 0"),
        ({"gpuPools": [{"max": 0}]}, f"{KEY}.gpuPools[0].max must be at least 1; it is 0"),
        (
            {"gpuPools": [{"name": "system"}]},
            f'{KEY}.gpuPools[0].name must be another; "system" is the name of a pool that there is anyway.',
        ),
        ({"gpuPools": [{"name": "cpu"}]}, f"{KEY}.gpuPools[0].name must be another"),
        ({"gpuPools": [{}, {}]}, f'{KEY}.gpuPools[1].name must be another; "gpu" is the name of {KEY}.gpuPools[0].'),
        ({"gpuPools": [{"name": "GPU"}]}, f'{KEY}.gpuPools[0].name must look like "gpu"; it is "GPU".'),
        ({"gpuPools": [{"name": "thirteenchars"}]}, f'{KEY}.gpuPools[0].name must look like "gpu"'),
    ],
)
def test_a_pool_that_cannot_be_is_refused(pools: Mapping[str, Any], sentence: str) -> None:
    (found,) = problems(pools)
    assert sentence in found


def large_enough() -> list[str]:
    return [name for name, size in vm_sizes().items() if name.startswith("Standard_") and not size.gpu and size.vcpus >= 16]


@pytest.mark.parametrize("size", large_enough())
def test_a_system_pool_may_be_of_every_size_that_is_large_enough(size: str) -> None:
    assert problems({"systemPool": {"size": size}, "cpuPool": {"size": size}}) == []


@pytest.mark.parametrize("series", ["ds_v5", "s_v5", "as_v5", "ads_v5", "ds_v6", "s_v6", "as_v6"])
def test_there_is_a_choice_of_families_where_a_region_is_short_of_one(series: str) -> None:
    assert {f"Standard_D16{series}", f"Standard_D32{series}"} <= set(large_enough())


def test_a_spot_pool_may_name_zones_and_pools_may_differ() -> None:
    assert problems({"gpuPools": [{"spot": True, "zones": ["1", "2"]}, {"name": "t4", "size": "Standard_NC4as_T4_v3"}]}) == []


@pytest.mark.parametrize(
    ("cluster", "operator", "sentence"),
    [
        ({}, {"driver": "host"}, "sdg:platform.gpuOperator.driver must be 'operator' or 'azure' on Azure"),
        ({"gpuPools": []}, {"install": True}, "sdg:platform.gpuOperator.install: true needs GPUs, and sdg:cluster.gpuPools has none"),
        ({"gpuPools": []}, {"driver": "azure"}, 'sdg:platform.gpuOperator.driver: "azure" says who installs the GPU driver'),
        ({}, {"install": False}, "sdg:platform.gpuOperator.driver is required where sdg:platform.gpuOperator.install is false"),
        ({"gpuPools": [{"size": "Standard_NV6ads_A10_v5"}]}, {}, "Standard_NV6ads_A10_v5 needs NVIDIA's GRID driver"),
        ({"gpuPools": [{"size": "Standard_NV36ads_A10_v5"}]}, {"driver": "operator"}, "set sdg:platform.gpuOperator.driver to 'azure'"),
    ],
)
def test_a_gpu_driver_without_an_owner_that_can_install_it_is_refused(
    cluster: Mapping[str, Any], operator: Mapping[str, Any], sentence: str
) -> None:
    (found,) = problems(cluster, platform={"gpuOperator": operator})
    assert sentence in found


@pytest.mark.parametrize(
    ("size", "operator"),
    [
        ("Standard_NV36ads_A10_v5", {"driver": "azure"}),
        ("Standard_NC40ads_H100_v5", {"driver": "azure"}),
        ("Standard_NC40ads_H100_v5", {"driver": "operator"}),
        ("Standard_NC40ads_H100_v5", {"install": False, "driver": "azure"}),
        ("Standard_NC40ads_H100_v5", {"install": False, "driver": "operator"}),
    ],
)
def test_a_gpu_driver_with_an_owner_is_fine(size: str, operator: Mapping[str, Any]) -> None:
    assert problems({"gpuPools": [{"size": size}]}, platform={"gpuOperator": operator}) == []


def test_every_size_of_a_fraction_of_a_gpu_needs_another_driver_than_the_operators() -> None:
    fractions = {name for name, size in vm_sizes().items() if size.gpu and size.gpu.fraction}
    assert fractions
    assert all(problems({"gpuPools": [{"size": name}]}) for name in fractions)


def test_a_smoke_test_with_gpus_needs_some() -> None:
    (found,) = problems({"gpuPools": []}, smoke={"gpu": "always"})
    assert 'sdg:smoke.gpu: "always" needs GPUs, and sdg:cluster.gpuPools has none' in found
    assert problems(smoke={"gpu": "always"}) == []
