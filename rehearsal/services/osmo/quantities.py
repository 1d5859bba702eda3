"""Kubernetes quantities as exact numbers."""

from __future__ import annotations

from decimal import Decimal

from kubernetes.utils import quantity


def parse(value: object) -> Decimal:
    """`100m`, `1Gi`, `4`, 0.5 …

    Raises:
        ValueError: for what is no quantity.
    """
    number: Decimal = quantity.parse_quantity(value)  # type: ignore[no-untyped-call]
    return number
