"""The app of everything that lies on the internet: one path for each, see `doors`."""

from __future__ import annotations

from fastapi import FastAPI

from rehearsal.azure.world import World
from rehearsal.faults import Faults
from rehearsal.services.internet import doors, external, foundry, hub, nvcf, registry


def create_app(world: World, faults: Faults, functions: nvcf.Ids = dict) -> FastAPI:
    """The app.

    Args:
        functions: ids of NVIDIA's functions, by name, where the stack says them.
    """
    app = FastAPI(title="the internet", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount(doors.PATHS["https://api.nvcf.nvidia.com"], nvcf.create_api(faults, functions))
    app.mount(doors.FUNCTIONS, nvcf.create_invocation(faults, functions))
    app.mount(doors.PATHS["https://nvcr.io"], registry.create_app(faults))
    app.mount(doors.PATHS["https://huggingface.co"], hub.create_app(faults))
    app.mount(doors.FOUNDRY, foundry.create_accounts(world))
    app.mount(doors.SERVERLESS, foundry.create_serverless(world))
    app.mount(doors.EXTERNAL, external.create_app(faults))
    return app
