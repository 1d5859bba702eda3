"""A virtual cluster with the NIM operator's chart, for tests that deploy NIMs to it by themselves."""

from __future__ import annotations

import uuid

import pytest
import requests

from rehearsal.api import STORAGE_CLASSES
from rehearsal.cluster import VirtualCluster
from rehearsal.nims.kinds import NIM_SERVICES
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from tests.engine.nims_cluster import NAMESPACES, PROFILE, Cluster, Space, storage_class


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    tools, state = Tools.locate(), StateDir(tmp_path_factory.mktemp("cluster") / "state")
    virtual = VirtualCluster(state, tools)
    try:
        virtual.start(PROFILE)
        found = Cluster(state, tools)
        found.api.create(STORAGE_CLASSES, storage_class("shares", "file.rehearsal.sdg"))
        found.install()
        yield found
    finally:
        virtual.stop(purge=True)


@pytest.fixture
def switch(cluster):
    """Sets a fault switch; all are taken back afterwards."""
    url = f"{cluster.state.service_urls()['control']}/faults"
    yield lambda name, /, **fields: requests.put(f"{url}/{name}", json=fields, timeout=5).raise_for_status()
    requests.delete(url, timeout=5).raise_for_status()


@pytest.fixture
def nims(cluster):
    """A namespace with the Secrets that NIMs need."""
    space = Space(cluster.api, f"nims-{uuid.uuid4().hex[:8]}")
    yield space
    for item in cluster.api.list(NIM_SERVICES, space.name)["items"]:
        cluster.api.delete(NIM_SERVICES, item["metadata"]["name"], space.name)
    cluster.api.delete(NAMESPACES, space.name)
