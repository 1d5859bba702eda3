"""The steps of a rehearsal: tried one after the other, and shown as a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.failures import EXPECTED


class StepFailed(RuntimeError):
    """A step of the rehearsal did not hold; the sentence says what."""


@dataclass
class Steps:
    """What was tried, how long it took, whether it held.

    Attributes:
        failed: whether one did not; those after it are skipped.
    """

    console: Console
    failed: bool = False
    _done: list[tuple[str, str, Text]] = field(default_factory=list)

    def take(self, name: str, step: Callable[[], str]) -> None:
        """Runs a step and notes what it says."""
        if self.failed:
            self._done.append((name, "", Text("skipped", "yellow")))
            return
        self.console.rule(name, align="left")
        began = time.monotonic()
        try:
            said = Text.assemble(("held ", "green"), step())
        except (StepFailed, *EXPECTED) as error:
            self.failed, said = True, Text.assemble(("failed ", "red"), str(error))
        self._done.append((name, f"{time.monotonic() - began:.1f}", said))

    def show(self) -> None:
        """Prints all of them as a table."""
        table = Table(title="Rehearsal", title_justify="left")
        for column in ("step", "seconds", "verdict"):
            table.add_column(column, justify="right" if column == "seconds" else "left", overflow="fold")
        for row in self._done:
            table.add_row(*row)
        self.console.print(table)
