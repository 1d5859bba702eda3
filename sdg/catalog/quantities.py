"""Quantities as Kubernetes writes them, as numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_GIB: Final = Decimal(2**30)
_UNITS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000**power) for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{unit: Decimal(1024**power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,2})|([a-zA-Z]{0,2}))")


def number(quantity: str) -> Decimal:
    """What a quantity stands for: bytes, cores, devices.

    Raises:
        ValueError: it is none.
    """
    found = _QUANTITY.fullmatch(quantity)
    if not found or (found[3] or "") not in _UNITS:
        raise ValueError(f"{quantity} is no quantity such as 500m, 8 or 32Gi")
    return Decimal(found[1]) * (Decimal(10) ** int(found[2]) if found[2] else _UNITS[found[3]])


def gib(quantity: str) -> float:
    """A quantity of bytes, in GiB.

    Raises:
        ValueError: it is none.
    """
    return float(number(quantity) / _GIB)
