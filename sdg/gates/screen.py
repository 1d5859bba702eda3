"""The error text of a red gate: what was checked, seen, expected, and what to do next; one screen at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdg.gates.checks import Status
from sdg.osmo.upgrade import way_back

_SHOWN = 5  # failed checks in full
_NAMED = 8  # further ones by name
_TEXT = 1200  # characters of one text
_LINES = 8  # lines of one text
_HISTORY = "`pulumi stack history` shows those of every update"


def red_screen(props: Mapping[str, Any]) -> str:
    """The text for the properties of a red record."""
    red = [check for check in props.get("checks") or [] if check["status"] != Status.PASSED]
    evidence = props.get("evidence") or {}
    why = f" ({evidence['ended']})" if evidence.get("ended") else ""
    lines = [f"gate {props['gate']} is red{why}:"]
    for check in red[:_SHOWN]:
        lines += _block(check)
    rest = [f"{check['name']} on {check['subject']}" for check in red[_SHOWN:]]
    if rest:
        lines.append(f"  … and {len(rest)} more: {', '.join(rest[:_NAMED])}")
    if not red:
        lines.append("  nothing was checked")
    return "\n".join([*lines, *_way_back(props)])


def _block(check: Mapping[str, str]) -> list[str]:
    block = [
        f"  {check['name']} on {check['subject']}",
        f"    seen:     {_short(check['observed'])}",
        f"    expected: {_short(check['expected'])}",
    ]
    return [*block, f"    next:     {_short(check['remedy'])}"] if check.get("remedy") else block


def _way_back(props: Mapping[str, Any]) -> list[str]:
    """What was green before this change, what changed since, and how to return; nothing when nothing changed."""
    green, now = props.get("lastGreen") or {}, props.get("triggers") or {}
    if not green or green == now:
        return []
    changed = [
        f"{key} {green.get(key, 'unset')}, now {now.get(key, 'unset')}" for key in sorted({*green, *now}) if green.get(key) != now.get(key)
    ]
    step = way_back(green, now) or f"to return to it, put the settings back to what they were then: {_HISTORY}, then run `pulumi up` again"
    return [f"  last green with: {'; '.join(changed)}", f"    next:     {step}"]


def _short(text: str) -> str:
    lines = text[:_TEXT].splitlines() or [""]
    cut = len(text) > _TEXT or len(lines) > _LINES
    return "\n              ".join(lines[:_LINES]) + (" …" if cut else "")
