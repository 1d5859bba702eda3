"""The app of the simulated Azure."""

from __future__ import annotations

from fastapi import FastAPI

from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.services.arm import rest


def create_app(world: World, faults: Faults) -> FastAPI:
    """The app: whatever ARM's REST answers."""
    app = FastAPI(title="ARM", docs_url=None, redoc_url=None, openapi_url=None)
    rest.install(app, world, faults)
    return app
