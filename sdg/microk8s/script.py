"""Shell scripts that hold a step: quoted values above, a fixed POSIX text below."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

# sudo's own refusal stands above the sentence
_PRELUDE: Final = """\
set -eu
fail() { printf '%s\\n' "$*" >&2; exit 1; }
"""
_NOTHING: Final = ":"


@dataclass(frozen=True, slots=True)
class Step:
    """One step on a host, as commands that can be repeated.

    Attributes:
        create: brings it about, and does nothing where it is so already.
        update: likewise, for what may change in place.
        delete: takes it back.
        triggers: what makes it another step when it changes: the old one is taken back, the new one brought about.
        secret: whether what `create` prints is a credential.
    """

    create: str
    update: str
    delete: str = _NOTHING
    triggers: tuple[str, ...] = ()
    secret: bool = False


def script(text: str, **values: str) -> str:
    """A script with `values` as its variables, quoted."""
    assigned = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    return f"{_PRELUDE}{assigned}{text}"


def step(text: str, *, delete: str | None = None, triggers: tuple[str, ...] = (), secret: bool = False, **values: str) -> Step:
    """A step that is brought about and kept up by one script."""
    once = script(text, **values)
    return Step(once, once, _NOTHING if delete is None else script(delete, **values), triggers, secret)


def over_ssh(command: str) -> str:
    """The command for a host's login shell, which may be none that knows this language."""
    return f"exec sh -c {shlex.quote(command)}"
