"""Kubernetes quantities as exact numbers.

`kubernetes.utils` can read them, too, but would load all of that package into the daemon.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_UNITS = {
    **{prefix: Decimal(10) ** power for prefix, power in (("n", -9), ("u", -6), ("m", -3), ("k", 3))},
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("KMGTPE", start=1)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", start=1)},
}
"""Suffix → factor. `K` is no suffix of Kubernetes, but one of the service's."""


def parse(value: object) -> Decimal:
    """`100m`, `1Gi`, `4`, 0.5 …

    Raises:
        ValueError: for what is no quantity.
    """
    if isinstance(value, int | float | Decimal):
        return Decimal(value)
    text = str(value)
    suffix = next((end for end in (text[-2:], text[-1:]) if end in _UNITS), "")
    try:
        return Decimal(text.removesuffix(suffix)) * _UNITS.get(suffix, 1)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no quantity") from None
