"""What a stack forwards."""

from __future__ import annotations

from collections.abc import Mapping

from sdg.forward.model import target_of
from sdg.kube.portforward import Target
from sdg.osmo import layout
from sdg.settings.forward import Forward


def targets(settings: Forward) -> Mapping[int, Target]:
    """The Service behind each port of this host."""
    return {settings.port: target_of(layout.GATEWAY), settings.ui_port: target_of(layout.UI)}
