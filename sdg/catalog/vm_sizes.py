"""Machine sizes (`vm_sizes.yaml`): what a node of each size has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import ConfigDict, Field, PositiveInt
from pydantic.alias_generators import to_camel

from sdg.catalog.documents import CatalogModel, read

LOCAL = "local-"  # prefix of workstations


class UnknownSize(LookupError):
    """A machine size that the table does not hold; names the nearest ones."""

    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        folded = {key.lower(): key for key in known}
        near = [folded[key] for key in difflib.get_close_matches(name.lower(), folded, n=3)]
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
        super().__init__(f"{name} is not a known VM size. {hint}")


def _camel(field: str) -> str:
    return to_camel(field).replace("Gib", "GiB")


class SizeModel(CatalogModel):
    """Base: keys are camelCase, GiB is written as such."""

    model_config = ConfigDict(alias_generator=_camel, validate_by_name=True)


class Gpu(SizeModel):
    """The GPUs of one machine.

    Attributes:
        product: value of the label `nvidia.com/gpu.product`.
        family: value of the label `nvidia.com/gpu.family`.
        count: devices, as `nvidia.com/gpu` counts them.
        memory_gib: memory of one device, in GiB.
        fraction: part of a GPU that the one device is; none for whole GPUs.
        driver: which of NVIDIA's drivers it works with.
    """

    product: str
    family: Literal["turing", "ampere", "ada-lovelace", "hopper", "blackwell"]
    count: PositiveInt
    memory_gib: PositiveInt
    fraction: Literal["1/6", "1/3", "1/2"] | None = None
    driver: Literal["datacenter", "grid"] = "datacenter"


class VmSize(SizeModel):
    """One machine size.

    Attributes:
        vcpus: hardware threads.
        memory_gib: memory of the machine, in GiB; what pods can get is less.
        temp_disk_gib: local disk, in GiB; 0 when none is worth naming.
        gpu: none for machines without GPUs.
        architecture: images must exist for it.
        preview: not generally available.
    """

    vcpus: PositiveInt
    memory_gib: PositiveInt
    temp_disk_gib: int = Field(0, ge=0)
    gpu: Gpu | None = None
    architecture: Literal["amd64", "arm64"] = "amd64"
    preview: bool = False


class VmSizes(SizeModel):
    """The whole table."""

    sizes: Mapping[str, VmSize]


@cache
def vm_sizes() -> Mapping[str, VmSize]:
    """Every known size by its name."""
    return read("vm_sizes.yaml", VmSizes).sizes


def vm_size(name: str) -> VmSize:
    """One size.

    Raises:
        UnknownSize: names the nearest known ones.
    """
    known = vm_sizes()
    if name not in known:
        raise UnknownSize(name, known)
    return known[name]
