"""The `sdg` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.beside import osmo_cli_app, workload_app
from cli.options import Stack, console
from cli.pairs import PairsCommand

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Synthetic data generation platform.")
rehearsal_app = typer.Typer(no_args_is_help=True, help="The virtual cluster that stacks are rehearsed on.")
forward_app = typer.Typer(no_args_is_help=True, help="Forwards to OSMO on ports of this machine.")
app.add_typer(rehearsal_app, name="rehearsal")
app.add_typer(forward_app, name="forward")
charts_app = typer.Typer(no_args_is_help=True, help="The charts that a stack installs.")
app.add_typer(charts_app, name="charts")
app.add_typer(osmo_cli_app, name="osmo-cli")
backup_app = typer.Typer(no_args_is_help=True, help="What retained data needs, as a file.")
restore_app = typer.Typer(no_args_is_help=True, help="What retained data needs, back into the cluster.")
app.add_typer(backup_app, name="backup")
app.add_typer(restore_app, name="restore")
app.add_typer(workload_app, name="workload")
prices_app = typer.Typer(no_args_is_help=True, help="Azure's retail prices.")
app.add_typer(prices_app, name="prices")
init_app = typer.Typer(no_args_is_help=True, help="What a stack cannot do without, written into its config.")
app.add_typer(init_app, name="init")

RehearsedStack = Annotated[
    str | None, typer.Option("--stack", "-s", help="Stack whose rehearsal is meant; the one that this shell works on, else `rehearsal`.")
]

# commands import what they need: `sdg env` runs in every shell that is opened


@app.command()
def env(
    stack: Annotated[str, typer.Argument(help="Name of the stack.")],
    *,
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="The stack's rehearsal is meant, not the stack itself.")] = False,
) -> None:
    """Prints what a shell needs for plain `pulumi` on a stack: eval "$(sdg env STACK)"."""
    from cli.environment import as_shell

    print(as_shell(stack, rehearsed=rehearsal))


@app.command()
def demo() -> None:
    """Deploys and verifies the whole stack on a virtual cluster."""
    from cli.demo import demo as run

    raise typer.Exit(run(console()))


@app.command()
def rehearse(
    stack: Stack,
    *,
    node: Annotated[
        list[str] | None, typer.Option(help="Machine of the virtual host or cluster, SIZE or SIZE=COUNT of sdg/catalog/vm_sizes.yaml.")
    ] = None,
    config: Annotated[
        list[str] | None, typer.Option(help="Value in place of the stack's own, PATH=VALUE below sdg:, such as osmo.profile=6.4.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=1, help="How many times faster than Azure the simulated one is; a thousand times unless said.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it deployed, and say how to look at it and how to end it.")] = False,
) -> None:
    """Runs a stack's whole life, from preflight to an empty inventory, on a virtual host or cluster; nothing real is touched."""
    from cli.derived import parse_value
    from cli.rehearse import rehearse as run

    raise typer.Exit(run(stack, console(), nodes=node or (), config=dict(map(parse_value, config or ())), keep=keep, speed=speed))


@app.command()
def bench() -> None:
    """Measures what is promised, on a rehearsal of its own."""
    from cli.bench import bench as run

    raise typer.Exit(run(console()))


@app.command()
def preflight(
    stack: Stack,
    *,
    find_region: Annotated[bool, typer.Option("--find-region", help="Propose Azure regions that have all that the stack needs.")] = False,
    region: Annotated[list[str] | None, typer.Option(help="A further region that --find-region looks at.")] = None,
) -> None:
    """Says everything that stands in the way of a stack, and what an update is going to do; creates nothing."""
    from cli.preflight import find_region as search
    from cli.preflight import preflight as run

    if region and not find_region:
        raise typer.BadParameter("it names a region for --find-region to look at, which is not given", param_hint="--region")
    raise typer.Exit(search(stack, console(), region or ()) if find_region else run(stack, console()))


@app.command(cls=PairsCommand)
def discover(
    spec: Annotated[Path, typer.Argument(help="File of the workflow spec.")],
    *,
    values: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE pairs of variables; numbers become such.")] = None,
    strings: Annotated[list[str] | None, typer.Option("--set-string", help="NAME=VALUE pairs of variables that stay text.")] = None,
    environment: Annotated[list[str] | None, typer.Option("--set-env", help="NAME=VALUE pairs for the environment of every task.")] = None,
    profile: Annotated[str, typer.Option(help="Release of OSMO whose rules hold: 6.3 or 6.4.")] = "6.3",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Says which endpoints, credentials, images and machines a workflow spec needs; 2 when it is invalid, 3 when nothing can serve it."""
    from cli.discover import PROFILES
    from cli.discover import run as discover_spec

    known = next((each for each in PROFILES if each == profile), None)
    if known is None:
        raise typer.BadParameter(f"{profile} is none of {', '.join(PROFILES)}", param_hint="--profile")
    pairs = (values or (), strings or (), environment or ())
    raise typer.Exit(discover_spec(spec, console(), pairs=pairs, profile=known, as_json=as_json))


@app.command()
def estimate(stack: Stack) -> None:
    """Says what a stack on Azure costs a month, by prices that were asked for before; fails when that is over its budget."""
    from cli.estimate import run

    raise typer.Exit(run(stack, console()))


@init_app.command("azure")
def init_azure(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Name of the stack.")] = "azure",
    location: Annotated[str | None, typer.Option(help="Azure region; the one that the stack or az names when not given.")] = None,
) -> None:
    """Writes region and this host's public address into the config of a stack on Azure; overwrites nothing."""
    from cli.init import azure
    from cli.pulumi import Engine

    for line in azure(Engine.of(stack), location):
        print(line)


@prices_app.command("refresh")
def prices_refresh(stack: Stack) -> None:
    """Asks Azure for today's retail prices of everything that a stack is billed for; needs no login."""
    from cli.prices import refresh

    for line in refresh(stack):
        print(line)


@app.command()
def smoke(stack: Stack) -> None:
    """Runs the smoke gate alone, against what is deployed; changes no state."""
    from cli.smoke import smoke as run

    raise typer.Exit(run(stack, console()))


@app.command()
def recover(
    stack: Stack,
    *,
    nobody_works: Annotated[bool, typer.Option("--nobody-works", help="You know that no engine works on the stack.")] = False,
) -> None:
    """Clears what a killed update left behind: the stack's lock and Helm's unfinished records."""
    from cli.connection import api
    from cli.pulumi import Engine
    from cli.recover import recover as run

    engine = Engine.of(stack)
    run(engine, lambda: api(engine), print, nobody_works=nobody_works)


@app.command()
def docs() -> None:
    """Writes docs/stacks.md, docs/preflight.md and the settings' JSON schema from models and catalog."""
    from cli.documents import write

    for path in write():
        print(path)


@rehearsal_app.command()
def start(stack: RehearsedStack = None) -> None:
    """Starts the virtual cluster or host and its services, and creates the stack there."""
    from cli import rehearsal
    from cli.project import REHEARSAL

    rehearsal.start(stack=stack or REHEARSAL)
    print(f'ready; eval "$(sdg env {f"{stack} --rehearsal" if stack else REHEARSAL})" sets up this shell')


@rehearsal_app.command()
def stop(
    stack: RehearsedStack = None,
    *,
    purge: Annotated[bool, typer.Option(help="Remove the cluster's and the stack's state too.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every rehearsal of this clone.")] = False,
) -> None:
    """Stops every process of the rehearsal."""
    from cli import rehearsal

    for each in rehearsal.known() if every else [stack]:
        rehearsal.stop(each, purge=purge)


@rehearsal_app.command()
def status(stack: RehearsedStack = None) -> None:
    """Says what runs."""
    from cli import rehearsal, report

    report.show_rehearsal(rehearsal.cluster(stack).status(), console(), rehearsal.in_azure(stack))


@rehearsal_app.command()
def fault(
    name: Annotated[str, typer.Argument(help="Name of the switch, such as osmo.outcome or pod.crash.")],
    setting: Annotated[str, typer.Argument(help="What it does, as JSON.")] = "{}",
    stack: RehearsedStack = None,
    *,
    clear: Annotated[bool, typer.Option(help="Switch it off again.")] = False,
) -> None:
    """Switches a fault of the rehearsal's services on or off; docs/rehearsal.md lists them."""
    from cli.faults import switch

    print(switch(name, None if clear else setting, stack))


@forward_app.command("start")
def forward_start(stack: Stack) -> None:
    """Brings up the forwards of a deployed stack, to the API and to the user interface."""
    from cli.forwards import start as run

    for line in run(stack):
        print(line)


@forward_app.command("status")
def forward_status() -> None:
    """Says which forwards of this user run, whether they answer, and what keeps them."""
    from cli.forwards import show

    show(console())


@forward_app.command("stop")
def forward_stop(
    port: Annotated[int | None, typer.Argument(help="Port on localhost.")] = None,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="Name of the stack whose forwards end.")] = None,
) -> None:
    """Stops the forward of a port, or those of a stack; the next update of its stack starts it again."""
    from cli.forwards import stop as run
    from cli.forwards import stop_stack

    if (port is None) == (stack is None):
        raise typer.BadParameter("name a port, or a stack with --stack")
    for line in stop_stack(stack) if stack else [run(port or 0)]:
        print(line)


@backup_app.command("keys")
def backup_keys(stack: Stack, out: Annotated[Path, typer.Option("--out", help="New file; it is encrypted with a passphrase.")]) -> None:
    """Writes the keys of a deployed stack to a file: with `sdg:data: retain`, destroy asks for it."""
    from cli.keys import backup
    from cli.pulumi import Engine

    backup(Engine.of(stack), out, lambda question: str(typer.prompt(question, hide_input=True, confirmation_prompt=True, err=True)), print)


@restore_app.command("keys")
def restore_keys(
    stack: Stack,
    file: Annotated[Path, typer.Option("--in", "--from", help="File that `sdg backup keys` wrote.")],
    *,
    any_stack: Annotated[bool, typer.Option("--any-stack", help="Take the file of another stack as well.")] = False,
) -> None:
    """Puts the keys of a file into the stack's cluster; the next update takes them over."""
    from cli.keys import restore
    from cli.pulumi import Engine

    restore(Engine.of(stack), file, lambda question: str(typer.prompt(question, hide_input=True, err=True)), print, any_stack=any_stack)


@charts_app.command("pull")
def charts_pull(
    stack: Stack,
    folder: Annotated[
        Path | None, typer.Option(help="Where they are kept, relative to the project; sdg:mirror.folder of the stack, else `charts`.")
    ] = None,
) -> None:
    """Fetches every chart that a stack installs, records its digest, and refuses one that is not what was recorded."""
    from cli.charts import pull as run

    for line in run(stack, folder):
        print(line)


def main() -> None:
    """Runs the command; what is wrong is one sentence on stderr, never a traceback."""
    try:
        app()
    except Exception as error:
        from cli.failures import EXPECTED

        if not isinstance(error, EXPECTED):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
