"""A program that was called on the virtual host, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.faults import Fields
from rehearsal.host.machine import Machine


@dataclass(frozen=True, slots=True)
class Call:
    """What was called.

    Attributes:
        program: name of the program.
        arguments: its arguments.
        root: whether `sudo` called it.
        user: name of the user.
        directory: where it was called.
        stdin: what was given to it, where it asks for that.
    """

    program: str
    arguments: tuple[str, ...]
    root: bool = False
    user: str = "user"
    directory: Path = Path("/")
    stdin: str = ""

    def value(self, option: str, default: str = "") -> str:
        """Value of an option, given as `--option=value` or `--option value`; the last one counts."""
        found = default
        for index, argument in enumerate(self.arguments):
            if argument.startswith(f"{option}="):
                found = argument.partition("=")[2]
            elif argument == option and index + 1 < len(self.arguments):
                found = self.arguments[index + 1]
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed, and its exit code.

    Attributes:
        run: another program of the host that this one becomes, with its arguments.
    """

    out: str = ""
    err: str = ""
    code: int = 0
    run: tuple[str, ...] = ()


def refused(words: str, code: int = 1) -> Answer:
    """The program says on stderr why it does nothing."""
    return Answer(err=f"{words}\n", code=code)


@dataclass(frozen=True)
class Host:
    """What programs act on.

    Attributes:
        machine: what the host is; programs change it, and `keep` stores it.
        keep: stores the machine.
        fault: a fault switch's fields; None when it is off.
        folder: the host's folder; nothing outside of it is a file of the host.
        links: makes the program of a snap callable, or not any more.
    """

    machine: Machine
    keep: Callable[[], None]
    fault: Callable[[str], Fields | None]
    folder: Path = Path("/nonexistent")
    links: Callable[[], None] = field(default=lambda: None)


def unknown(call: Call, known: Sequence[str]) -> Answer:
    """The stand-in cannot do what was asked; a rehearsal must not pretend that it did."""
    asked = " ".join((call.program, *call.arguments))
    return refused(f"{call.program}: a rehearsal's host does not know `{asked}`; it knows {', '.join(known)}", 2)
