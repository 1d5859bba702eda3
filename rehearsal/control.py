"""The control API of a rehearsal: fault switches and health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException

from rehearsal.faults import Faults, UnknownFault

Health = Callable[[], dict[str, Any]]


def _nothing() -> dict[str, Any]:
    return {}


def create_app(faults: Faults, health: Health, azure: Health = _nothing) -> FastAPI:
    """The app: `GET /health`, `GET /azure`, `GET|PUT|DELETE /faults[/{name}]`.

    Args:
        azure: what there is in the simulated Azure.
    """
    app = FastAPI(title="rehearsal control", docs_url=None, redoc_url=None)

    @app.get("/health")
    def _health() -> dict[str, Any]:
        return health()

    @app.get("/azure")
    def _azure() -> dict[str, Any]:
        return azure()

    @app.get("/faults")
    def _all() -> dict[str, dict[str, Any]]:
        return faults.all()

    @app.get("/faults/{name}")
    def _get(name: str) -> dict[str, Any]:
        found = faults.get(name)
        if found is None:
            raise HTTPException(404, f"{name} is not set.")
        return found

    @app.put("/faults/{name}")
    def _set(name: str, fields: Annotated[dict[str, Any] | None, Body()] = None) -> dict[str, Any]:
        try:
            faults.set(name, fields)
        except UnknownFault as error:
            raise HTTPException(422, str(error)) from None
        return fields or {}

    @app.delete("/faults")
    def _clear_all() -> dict[str, Any]:
        faults.clear()
        return {}

    @app.delete("/faults/{name}")
    def _clear(name: str) -> dict[str, Any]:
        faults.clear(name)
        return {}

    return app
