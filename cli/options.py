"""What commands share: options, and where reports go."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

Stack = Annotated[str, typer.Option("--stack", "-s", help="Name of the stack.")]


def console() -> Console:
    """Where reports go; as wide as the terminal, and wide enough for a table in a log."""
    return Console(width=None if sys.stdout.isatty() else 140, soft_wrap=False, highlight=False)
