"""Serve as the plugin process that the engine started."""

from __future__ import annotations

from rehearsal.plugins.kubernetes.provider import KubernetesProvider
from rehearsal.plugins.servicer import main

main(KubernetesProvider)
