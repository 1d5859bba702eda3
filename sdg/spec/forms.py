"""The forms of single values in a spec: what is wrong with a value, what is legal instead, and the broken rule's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Step = str | int
MOST_LABELS: Final = 16
LONGEST_NAME: Final = 64
_HIGHEST_EXIT: Final = 255


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value, or with something inside it.

    Attributes:
        message: without its full stop.
        inside: path below the value.
        value: the wrong one; the whole value when None.
    """

    message: str
    legal: str
    rule: str = "type"
    inside: tuple[Step, ...] = ()
    value: Any = None
    severity: Literal["error", "warning"] = "error"


Form = Callable[[Any], Iterator[Fault]]

NAME: Final = re.compile(r"[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?")
_DURATION: Final = re.compile(r"\d+(d|h|m|s|ms|us)")
_ISO: Final = re.compile(r"P(?=.*\d)(\d+D)?(T(?=.*\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_PART: Final = r"[^/,;*]+"
_URLS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "s3": (re.compile(rf"s3://{_PART}(/{_PART})*/*"), "s3://bucket/path"),
    "gs": (re.compile(rf"gs://{_PART}(/{_PART})*/*"), "gs://bucket/path"),
    "azure": (re.compile(rf"azure://{_PART}(/{_PART})+/*"), "azure://account/container/path"),
    "tos": (re.compile(rf"tos://{_PART}(/{_PART})+/*"), "tos://host/bucket/path"),
    "swift": (re.compile(rf"swift://{_PART}(/{_PART}){{2,}}/*"), "swift://endpoint/account/container"),
}
_LABEL: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?")
_LABEL_KEY: Final = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?")
_CODES: Final = re.compile(r"\s*\d{1,9}(\s*-\s*\d{1,9})?\s*")
TRUE: Final = frozenset({"true", "yes", "on", "t", "y", "1"})
_TRUTH: Final = TRUE | {"false", "no", "off", "f", "n", "0"}


def text(value: Any) -> Iterator[Fault]:  # noqa: ANN401 - whatever stands in a spec
    """Text; a number is read as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        yield Fault("is no text", "text, in quotes where it looks like something else")


def name(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """A name of a workflow, group or task."""
    if isinstance(value, str) and NAME.fullmatch(value) and len(value) <= LONGEST_NAME:
        return
    legal = f"letters, digits, `-` and `_`, a letter first and no sign last, at most {LONGEST_NAME} characters"
    yield Fault("is no name", legal, "name")


def image(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """An image's reference, as far as it can be told by its look."""
    if not isinstance(value, str) or not value.strip() or re.search(r"[\s!]", value):
        yield Fault("is no image reference", "such as nvcr.io/nvidia/base/ubuntu:22.04, without spaces", "image")


def texts(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """A list of texts."""
    if not isinstance(value, list):
        yield Fault("is no list", "a list of texts")
        return
    for index, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            yield Fault("is no text", "text, in quotes where it looks like something else", inside=(index,), value=item)


def command(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """The program that a task runs."""
    if value == []:
        yield Fault("is empty", "a list with the program first")
    else:
        yield from texts(value)


def environment(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Variables of a task."""
    if not isinstance(value, dict):
        yield Fault("is no map", "a map of names to texts")
        return
    for key, item in value.items():
        if not isinstance(item, str | int | float | bool):
            yield Fault(
                "has a value that is no text, number, true or false", "text; quotes for an empty one", inside=(str(key),), value=item
            )


def credentials(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Credentials by name: a folder to mount them at, or variables with the key of the payload that each takes."""
    if not isinstance(value, dict):
        yield Fault("is no map", "a map of credential names")
        return
    legal = "a folder such as /tmp/keys, or a map such as {HF_TOKEN: token}"
    for key, item in value.items():
        if isinstance(item, dict):
            for variable, payload in item.items():
                if not isinstance(payload, str | int | float | bool):
                    yield Fault("names no key of the credential", "its key, as text", "credential", (str(key), str(variable)), payload)
        elif not isinstance(item, str | int | float | bool) or item == "":
            yield Fault("says not how the task gets it", legal, "credential", (str(key),), item)


def boolean(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """True or false, also in words."""
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return
    if not (isinstance(value, str) and value.lower() in _TRUTH):
        yield Fault("is neither true nor false", "true or false")


def integer(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """A whole number, also in quotes."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, str):
        whole = re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", value) is not None
    if isinstance(value, bool) or not whole:
        yield Fault("is no whole number", "a whole number")
    elif float(value) < 0:
        yield Fault("is less than 0", "a whole number from 0")


def quantity(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """An amount of memory or storage; the platform reads `G` as `Gi`."""
    legal = "a number with Gi or Mi, such as 32Gi"
    found = None if isinstance(value, bool) or not isinstance(value, str | int | float) else _QUANTITY.fullmatch(str(value).strip())
    if found is None:
        yield Fault("is no amount", legal, "unit")
    elif found[2] in ("Gi", "Mi"):
        return
    elif found[2] in ("Ki", "Ti", "B"):
        yield Fault("has a unit that is taken, but not documented for specs", legal, "unit", severity="warning")
    elif found[2] in ("K", "M", "G", "T"):
        yield Fault(f"has a decimal unit, which the platform reads as {found[2]}i", legal, "unit", severity="warning")
    elif found[2] == "":
        yield Fault("has no unit", legal, "unit", severity="warning")
    else:
        yield Fault(f"has the unit {found[2]!r}, which the platform does not know", legal, "unit")


def duration(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """A time span: one number with a unit, ISO 8601, or seconds as a number."""
    legal = "one number with d, h, m, s, ms or us (90m, not 1h30m), ISO 8601 (PT1H30M), or seconds as a number"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < 10**9:  # thirty years
            yield Fault("is no time span", legal, "duration")
    elif not isinstance(value, str) or not (_DURATION.fullmatch(value) or _ISO.fullmatch(value)):
        yield Fault("is no time span", legal, "duration")


def version(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """The schema's version."""
    if isinstance(value, bool) or str(value).removesuffix(".0") != "2":
        yield Fault("is no version of the spec's schema", "2", "version")


def regex(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """A regular expression of Python's."""
    if not isinstance(value, str):
        yield Fault("is no text", "a regular expression, in quotes")
        return
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        yield Fault(f"is no regular expression: {error}", "one of Python's", "regex")


def url(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """The address of data."""
    legal = ", ".join(form for _, form in _URLS.values())
    if not isinstance(value, str) or not value:
        yield Fault("is empty" if value == "" else "is no text", legal, "url")
        return
    scheme = value.partition("://")[0]
    if scheme not in _URLS:
        yield Fault("has no scheme that the platform stores data with", legal, "url")
    elif not _URLS[scheme][0].fullmatch(value):
        yield Fault("is no complete address", _URLS[scheme][1], "url")


def path(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Where a file is put in the container."""
    parts = [part for part in value.split("/") if part] if isinstance(value, str) else []
    if not parts or (parts[0] == "osmo" and not str(value).startswith("/osmo/data/output/")):
        yield Fault("is no place for a file", "a path that is not below /osmo", "path")


def volume_mounts(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Folders of the node."""
    faults = list(texts(value))
    yield from faults
    for index, item in enumerate(() if faults else value):
        source, colon, target = str(item).partition(":")
        if not source or (colon and not target) or ":" in target:
            yield Fault("is no mount", "source or source:target", "mount", (index,), item)


def labels(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Labels of a workflow, as Kubernetes has them."""
    if not isinstance(value, dict):
        yield Fault("is no map", "a map of names to values")
        return
    if len(value) > MOST_LABELS:
        yield Fault(f"has {len(value)} labels", f"at most {MOST_LABELS}", "labels")
    for key, item in value.items():
        if not _LABEL_KEY.fullmatch(str(key)) or not _LABEL.fullmatch(str(item)):
            yield Fault("is no label of Kubernetes", "name: value, of letters, digits, `-`, `_` and `.`", "labels", (str(key),), item)


def exit_actions(value: Any) -> Iterator[Fault]:  # noqa: ANN401
    """What each exit code leads to."""
    if not isinstance(value, dict):
        yield Fault("is no map", "a map of COMPLETE, FAIL and RESCHEDULE to exit codes", "exit-codes")
        return
    taken: dict[int, str] = {}
    for action, codes in value.items():
        if str(action).upper() not in ("COMPLETE", "FAIL", "RESCHEDULE"):
            yield Fault("is no action", "COMPLETE, FAIL, RESCHEDULE", "exit-codes", (str(action),), action)
        else:
            yield from _codes(str(action), codes, taken)


def _codes(action: str, codes: Any, taken: dict[int, str]) -> Iterator[Fault]:  # noqa: ANN401
    legal = f"codes from 0 to {_HIGHEST_EXIT}, as in 1,3-5"
    parts = str(codes).split(",") if isinstance(codes, str | int) and not isinstance(codes, bool) else [""]
    if len(parts) > _HIGHEST_EXIT + 1 or not all(_CODES.fullmatch(part) for part in parts):
        yield Fault("is no list of exit codes", legal, "exit-codes", (action,), codes)
        return
    for part in parts:
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if low > high or high > _HIGHEST_EXIT:
            yield Fault("is no range of exit codes", legal, "exit-codes", (action,), codes)
            return
        others = sorted({taken[code] for code in range(low, high + 1) if taken.get(code, action) != action})
        if others:
            yield Fault(f"overlaps with {', '.join(others)}", "each code in one action", "exit-codes", (action,), codes)
        taken.update(dict.fromkeys(range(low, high + 1), action))


FORMS: Final[Mapping[str, Form]] = {
    "text": text,
    "name": name,
    "image": image,
    "texts": texts,
    "command": command,
    "environment": environment,
    "credentials": credentials,
    "boolean": boolean,
    "integer": integer,
    "quantity": quantity,
    "duration": duration,
    "version": version,
    "regex": regex,
    "url": url,
    "path": path,
    "volume_mounts": volume_mounts,
    "labels": labels,
    "exit_actions": exit_actions,
}
