"""`sdg:forward`: OSMO on a port of this machine, for people and for workload tools."""

from __future__ import annotations

from pydantic import Field

from sdg.settings.base import Settings


class Forward(Settings):
    """The forward to OSMO's gateway, which serves the API and the user interface."""

    enabled: bool = Field(default=True, description="Whether an update starts the forward; switch it off where nobody sits, as in CI.")
    port: int = Field(default=9000, ge=1024, le=65535, description="Port of the API on localhost.")
    ui_port: int = Field(default=3000, ge=1024, le=65535, description="Port of the user interface on localhost.")
