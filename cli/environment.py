"""What a shell needs so that plain `pulumi` works on a stack of this project."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.project import REHEARSAL, rehearsal_state
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.forward import units

# what `sdg env` prints for one stack and has to take back for another
REHEARSAL_ONLY = (
    "KUBECONFIG",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_HOME",
    "PULUMI_OPTION_CONFIG_FILE",
    "SDG_REHEARSAL",
    units.RUNTIME,
)

# a passphrase in the environment would win over the rehearsal's file
HIDDEN = ("PULUMI_CONFIG_PASSPHRASE",)


def stack_config(state: StateDir) -> Path:
    """The rehearsal's derived stack file: the project's own, its charts' address, and the salt of its secrets."""
    return state.root / f"Pulumi.{REHEARSAL}.yaml"


def variables(stack: str) -> dict[str, str]:
    """Environment of one stack. A rehearsal has backend, secrets, plugins and kubeconfig of its own; other stacks keep the user's."""
    state = StateDir(rehearsal_state())
    own = [state.bin] if stack == REHEARSAL else []
    settings = {
        "PATH": _path([*own, *_tool_folders(), Path(sys.executable).parent]),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    if stack == REHEARSAL:
        settings |= {
            "PULUMI_BACKEND_URL": f"file://{state.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(state.passphrase),
            "PULUMI_HOME": str(state.pulumi),
            "PULUMI_OPTION_CONFIG_FILE": str(stack_config(state)),
            "KUBECONFIG": str(state.kubeconfig),
            "SDG_REHEARSAL": str(state.root),
            units.RUNTIME: str(state.root / "run"),
        }
    return settings


def process_environment(stack: str) -> dict[str, str]:
    """The environment of a child process that works on a stack."""
    hidden = HIDDEN if stack == REHEARSAL else ()
    return {name: value for name, value in os.environ.items() if name not in hidden} | variables(stack)


def as_shell(stack: str) -> str:
    """Lines for `eval`: sets what the stack needs and takes back what another stack's environment set."""
    wanted = variables(stack)
    taken_back = [name for name in REHEARSAL_ONLY if name not in wanted and _is_rehearsals(name)]
    hidden = [name for name in HIDDEN if stack == REHEARSAL and name in os.environ]
    lines = [f"unset {name}" for name in (*taken_back, *hidden)]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in wanted.items()]
    return "\n".join(lines)


def _is_rehearsals(name: str) -> bool:
    return str(rehearsal_state()) in os.environ.get(name, "")


def _path(first: list[Path]) -> str:
    ours = [str(folder) for folder in first]
    rest = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder not in ours and not _stand_ins(folder)]
    return os.pathsep.join(dict.fromkeys([*ours, *rest]))


def _stand_ins(folder: str) -> bool:
    """A rehearsal's plugins must never be on the PATH of another stack."""
    return Path(folder) == StateDir(rehearsal_state()).bin


def _tool_folders() -> list[Path]:
    paths: Mapping[str, Path] = Tools.locate().paths
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    return list(
        dict.fromkeys(paths[name].parent for name in ("pulumi", "kubectl") if name in paths and str(paths[name].parent) not in on_path)
    )
