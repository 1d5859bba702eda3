"""Serve as the plugin process that the engine started."""

from __future__ import annotations

from rehearsal.plugins.azure_native.provider import AzureNativeProvider
from rehearsal.plugins.servicer import main

main(AzureNativeProvider)
