"""The OSMO service as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from rehearsal.api import Api
from rehearsal.services.osmo.cluster import Cluster, KubernetesCluster, Layout
from rehearsal.services.osmo.context import Service
from rehearsal.services.osmo.errors import install_handlers
from rehearsal.services.osmo.gateway import Gateway
from rehearsal.services.osmo.jwt import JwtIssuer
from rehearsal.services.osmo.outcomes import Faults
from rehearsal.services.osmo.programs import Programs
from rehearsal.services.osmo.routes import apps, configs, credentials, pools, service, streams, tokens, users, workflows
from rehearsal.services.osmo.runner import WorkflowRunner
from rehearsal.services.osmo.store import Store


def create_app(api: Api, faults: Faults, *, data: Path | None = None, layout: Layout | None = None) -> FastAPI:
    """The service of one installation. Its workflows move only while `app.state.runner` is started.

    Args:
        api: the cluster that it runs in.
        faults: switches that make it fail.
        data: folder for its databases; without it they live as long as the process.
    """
    return build_app(KubernetesCluster(api, layout), faults, Store(data))


def build_app(cluster: Cluster, faults: Faults, store: Store) -> FastAPI:
    """The same on any cluster, which may be a fake."""
    app = FastAPI(title="OSMO", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = Service(cluster, faults, store)
    app.state.ending = Programs(app.state.service).ending
    app.state.runner = WorkflowRunner(app.state.service)
    app.state.jwt_issuer = JwtIssuer()
    app.add_middleware(Gateway, service=app.state.service)
    install_handlers(app)
    for routes in (service, pools, users, tokens, workflows, streams, credentials, configs, apps):
        app.include_router(routes.router)
    return app
