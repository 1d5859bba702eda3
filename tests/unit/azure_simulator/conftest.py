"""A subscription with a resource group."""

from __future__ import annotations

import pytest

from tests.unit.azure_simulator.site import Site


@pytest.fixture
def site() -> Site:
    made = Site()
    made.group()
    return made
