"""Commands beside the life of a stack: workloads of the catalog, and OSMO's command-line client."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Stack, console

osmo_cli_app = typer.Typer(no_args_is_help=True, help="OSMO's command-line client; nothing here needs it.")
workload_app = typer.Typer(no_args_is_help=True, help="Workloads that the catalog knows, and where their specs are.")

# commands import what they need, as those of cli.main do


@workload_app.command("fetch")
def workload_fetch(
    name: Annotated[str, typer.Argument(help="Name in the catalog, such as vda.")],
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="Stack whose mirror it is fetched through.")] = None,
) -> None:
    """Fetches what a workload's specs are published in, at the catalog's commit, and keeps it for use without a network."""
    from cli.workload import fetch as run

    print(run(name, stack))


@workload_app.command("list")
def workload_list() -> None:
    """Says which workloads there are, and which specs are on this host."""
    from cli.workload import show

    show(console())


@osmo_cli_app.command("install")
def osmo_cli_install(
    stack: Stack, target: Annotated[Path, typer.Option(help="Folder that gets a link to the program.")] = Path("~/.local/bin")
) -> None:
    """Installs the client of the stack's OSMO profile for this user, through the stack's mirror, and records its digest."""
    from cli.osmo_cli import install as run

    for line in run(stack, target):
        print(line)


@osmo_cli_app.command("check")
def osmo_cli_check(target: Annotated[Path, typer.Option(help="Where to look besides PATH.")] = Path("~/.local/bin")) -> None:
    """Says which client there is; fails without one, or when it is too old."""
    from cli.osmo_cli import check as run

    print(run(target))


@osmo_cli_app.command("login")
def osmo_cli_login(
    stack: Stack,
    method: Annotated[str, typer.Option(help="How: dev, token, password or code. Without an identity provider, dev or token.")] = "dev",
    user: Annotated[str, typer.Option(help="User, for dev and password.")] = "admin",
    url: Annotated[str | None, typer.Option(help="Where OSMO answers; the stack's forward when not given.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the token or password; asked for, or read from standard input, when not given.")
    ] = None,
) -> None:
    """Logs the client in to the stack's OSMO. No secret is ever part of a command line."""
    from cli.osmo_cli import login as run
    from sdg.osmo_cli.login import METHODS

    chosen = next((known for known in METHODS if known == method), None)
    if chosen is None:
        raise typer.BadParameter(f"{method} is none of {', '.join(METHODS)}", param_hint="--method")
    run(stack, chosen, user, url, secret_file)
