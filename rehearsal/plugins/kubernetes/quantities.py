"""Kubernetes quantities in the one form that the API server stores: 0.5 is 500m, 1024Mi is 1Gi.

Source: `k8s.io/apimachinery/pkg/api/resource/quantity.go`, "canonical form".
"""

from __future__ import annotations

import re
from fractions import Fraction

_BINARY = {suffix: Fraction(1024**power) for power, suffix in enumerate(["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])}
_DECIMAL = {suffix: Fraction(1000) ** power for power, suffix in enumerate(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"], start=-3)}
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?$")


def canonical(text: str) -> str:
    """Return the canonical form; text that is no quantity comes back as it is, for the API server to refuse."""
    match = _QUANTITY.match(text)
    if not match:
        return text
    number, binary, decimal, exponent = match.groups()
    amount = Fraction(number)
    if exponent is not None:
        return _with_exponent(amount * Fraction(10) ** int(exponent))
    if binary:
        whole = amount * _BINARY[binary]
        return _largest(whole, _BINARY) if whole.denominator == 1 else _largest(whole, _DECIMAL)
    return _largest(amount * _DECIMAL[decimal or ""], _DECIMAL)


def _largest(amount: Fraction, units: dict[str, Fraction]) -> str:
    """Write with the largest unit that leaves a whole number; what is finer than the finest unit is rounded up."""
    if amount == 0:
        return "0"
    for suffix, unit in sorted(units.items(), key=lambda item: item[1], reverse=True):
        if (amount / unit).denominator == 1:
            return f"{amount / unit}{suffix}"
    suffix, unit = min(units.items(), key=lambda item: item[1])
    return f"{-(-amount // unit)}{suffix}"


def _with_exponent(amount: Fraction) -> str:
    if amount == 0:
        return "0"
    for power in range(18, -10, -3):
        scaled = amount / Fraction(10) ** power
        if scaled.denominator == 1:
            return f"{scaled}e{power}" if power else str(scaled)
    return _largest(amount, _DECIMAL)
