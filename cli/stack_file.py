"""What a stack says of itself, read from its file alone: no engine, no backend, no passphrase. Secrets stay what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cli.environment import process_environment
from cli.project import ROOT
from cli.pulumi import PREFIX
from sdg.settings.model import StackSettings
from sdg.settings.parse import parse

FILE = "PULUMI_OPTION_CONFIG_FILE"


class StackFileError(RuntimeError):
    """There is no stack file, or it cannot be read."""


def path_of(stack: str) -> Path:
    """The file of a stack; that of its rehearsal, where that is meant."""
    named = process_environment(stack).get(FILE)
    return Path(named) if named else ROOT / f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def settings_of(stack: str) -> StackSettings:
    """The settings of a stack, its secrets left out.

    Raises:
        StackFileError: there is no such file, or it is no stack file.
        SettingsError: names everything that is wrong with the settings.
    """
    return parse(_config(path_of(stack)))


def _config(path: Path) -> dict[str, object]:
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StackFileError(f"there is no {path.name} in {path.parent}; --stack names a stack whose file lies there") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StackFileError(f"{path} cannot be read: {error}") from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise StackFileError(f"{path} has no `config`, so it says nothing of a stack")
    ours = {str(key).removeprefix(PREFIX): value for key, value in config.items() if str(key).startswith(PREFIX)}
    return {key: value for key, value in ours.items() if not is_secret(value)}


def is_secret(value: object) -> bool:
    """Whether a stack file holds a value encrypted."""
    return isinstance(value, dict) and set(value) == {"secure"}
