"""Durations as a workflow spec and the configuration write them."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_ONE = re.compile(r"(\d+)(us|ms|d|h|m|s)")
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def parse_duration(value: str | float) -> timedelta:
    """One number with its unit, such as `90m`, ISO 8601, or seconds as a number.

    Raises:
        ValueError: with the service's sentence.
    """
    if isinstance(value, int | float):
        return timedelta(seconds=value)
    text = value.strip()
    one = _ONE.fullmatch(text)
    if one:
        return timedelta(**{_UNITS[one[2]]: int(one[1])})
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    raise ValueError(f"Cannot recognize duration: {value}. Only support ISO 8601 (e.g. PT10S) or xd, xh, xm, xs, xms, xus")
