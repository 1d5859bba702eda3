"""Command lines whose options take several NAME=VALUE pairs, as those of OSMO's client do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer._click import Context

OPTIONS: Final = ("--set", "--set-string", "--set-env")


class PairsCommand(TyperCommand):
    """A command that takes `--set a=1 b=2` for `--set a=1 --set b=2`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, expanded(args))


def expanded(arguments: Sequence[str]) -> list[str]:
    """A command line in which each pair has an option of its own; a word without `=` ends a list of pairs."""
    result: list[str] = []
    option = ""
    for argument in arguments:
        if argument.startswith("-"):
            name = argument.partition("=")[0]
            option = name if name in OPTIONS else ""
        elif option and "=" not in argument:
            option = ""
        elif option and result[-1] != option:
            result.append(option)
        result.append(argument)
    return result
