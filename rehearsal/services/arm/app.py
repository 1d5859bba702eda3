"""The app of the simulated Azure."""

from __future__ import annotations

from fastapi import FastAPI

from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.services.arm import plugin, rest


def create_app(world: World, faults: Faults) -> FastAPI:
    """The app: whatever ARM's REST answers, and the door of the engine's plugin."""
    app = FastAPI(title="ARM", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(plugin.router(world))
    rest.install(app, world, faults)
    return app
