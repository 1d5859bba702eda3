"""What a shell needs so that plain `pulumi` works on a stack of this project."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.project import NAMED, REHEARSAL, REHEARSALS, is_rehearsed, rehearsal_state
from rehearsal.azure import login
from rehearsal.host import stand_ins
from rehearsal.services.internet.doors import KEYS
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.azure import kept_prices
from sdg.forward import units

# what `sdg env` prints for one stack and has to take back for another
REHEARSAL_ONLY = (
    "KUBECONFIG",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_HOME",
    "PULUMI_OPTION_CONFIG_FILE",
    NAMED,
    kept_prices.FOLDER,
    units.RUNTIME,
)

# a passphrase in the environment would win over the rehearsal's file
HIDDEN = ("PULUMI_CONFIG_PASSPHRASE",)


def stack_config(state: StateDir, stack: str) -> Path:
    """A rehearsal's derived stack file: the project's own, its charts' address, and the salt of its secrets."""
    return state.root / f"Pulumi.{stack}.yaml"


def user_kubeconfig(state: StateDir) -> Path:
    """The user's kubeconfig as a rehearsal has it: the virtual cluster's, or the virtual host's own where there is one."""
    return state.host / "home" / ".kube" / "config" if state.machine.exists() else state.kubeconfig


def variables(stack: str, *, rehearsed: bool | None = None) -> dict[str, str]:
    """Environment of one stack. A rehearsal has backend, keys, plugins and kubeconfig of its own; other stacks keep the user's.

    Args:
        rehearsed: whether the stack's rehearsal is meant; unset, the environment says so (`is_rehearsed`).
    """
    state = StateDir(rehearsal_state(stack))
    rehearsed = is_rehearsed(stack) if rehearsed is None else rehearsed
    own = [state.bin] if rehearsed else []
    if rehearsed and state.machine.exists():
        own += [state.host / "bin", stand_ins.absent(state.host)]
    settings = {
        "PATH": _path([*own, *_tool_folders(), Path(sys.executable).parent]),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    return settings | (_of_rehearsal(state, stack) if rehearsed else {})


def _of_rehearsal(state: StateDir, stack: str) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": f"file://{state.backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(state.passphrase),
        "PULUMI_HOME": str(state.pulumi),
        "PULUMI_OPTION_CONFIG_FILE": str(stack_config(state, stack)),
        "KUBECONFIG": str(user_kubeconfig(state)),
        NAMED: str(state.root),
        units.RUNTIME: str(state.root / "run"),
        kept_prices.FOLDER: str(state.root / "prices"),
        **login.variables(state),
        **KEYS,
    }


def process_environment(stack: str, *, rehearsed: bool | None = None) -> dict[str, str]:
    """The environment of a child process that works on a stack.

    On a rehearsal with a virtual host, PATH ends with that host: the program must not meet a `microk8s` or `systemctl` of this machine.
    A rehearsal in CI is no update in CI: the host, the keys and the services that the preflight asks are the rehearsal's own, and there.
    """
    rehearsed = is_rehearsed(stack) if rehearsed is None else rehearsed
    state = StateDir(rehearsal_state(stack))
    hidden = (*_hidden(state), "CI") if rehearsed else ()
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    settings = variables(stack, rehearsed=rehearsed)
    if rehearsed and state.machine.exists():
        settings["PATH"] = os.pathsep.join(str(folder) for folder in (state.bin, state.host / "bin", Path(sys.executable).parent))
    return inherited | settings


def as_shell(stack: str, *, rehearsed: bool = False) -> str:
    """Lines for `eval`: sets what the stack needs and takes back what another stack's environment set.

    Args:
        rehearsed: whether the stack's rehearsal is meant. The stack `rehearsal` is nothing else.
    """
    rehearsed = rehearsed or stack == REHEARSAL
    wanted = variables(stack, rehearsed=rehearsed)
    taken_back = [name for name in REHEARSAL_ONLY if name not in wanted and _is_rehearsals(name)]
    taken_back += [name for name in _rehearsed_login() if name not in wanted]
    taken_back += [name for name, key in KEYS.items() if name not in wanted and os.environ.get(name) == key]
    hidden = [name for name in _hidden(StateDir(rehearsal_state(stack))) if rehearsed and name in os.environ and name not in wanted]
    lines = [f"unset {name}" for name in dict.fromkeys([*taken_back, *hidden])]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in wanted.items()]
    return "\n".join(lines)


def _hidden(state: StateDir) -> tuple[str, ...]:
    """Variables of the user's that a rehearsal must not see: with an Azure of its own, whatever says who they are in the real one."""
    return (*HIDDEN, *(login.foreign(os.environ) if state.azure.exists() else ()))


def _rehearsed_login() -> tuple[str, ...]:
    """Variables of a rehearsal's login, where this shell has one."""
    return login.NAMES if _is_rehearsals(login.FOLDER) else ()


def _is_rehearsals(name: str) -> bool:
    value = os.environ.get(name, "")
    return any(str(folder) in value for folder in _rehearsals())


def _path(first: list[Path]) -> str:
    ours = [str(folder) for folder in first]
    rest = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder not in ours and not _stand_ins(folder)]
    return os.pathsep.join(dict.fromkeys([*ours, *rest]))


def _stand_ins(folder: str) -> bool:
    """A rehearsal's plugins and programs must never be on the PATH of another stack."""
    return any(Path(folder).is_relative_to(rehearsal) for rehearsal in _rehearsals())


def _rehearsals() -> tuple[Path, ...]:
    return (rehearsal_state(), *REHEARSALS)


def _tool_folders() -> list[Path]:
    paths: Mapping[str, Path] = Tools.locate().paths
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    return list(
        dict.fromkeys(paths[name].parent for name in ("pulumi", "kubectl") if name in paths and str(paths[name].parent) not in on_path)
    )
