"""What each service of Azure does beyond what models say; importing a module registers it."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Register every service."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
