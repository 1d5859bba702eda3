"""The program with a cluster in Azure under mocks: its graphs, each made once, and what they are asked."""

import json

import pytest
from google.protobuf import json_format

MINE = "198.51.100.7/32"
PRESETS = ("dev", "team", "production")
PATCHES, EVERYTHING = {"channel": "patch"}, {"channel": "stable", "nodeOs": "NodeImage"}
WINDOW = {"day": "Friday", "startHour": 3, "hours": 5}
MADE = {}  # graphs by what they were made of


@pytest.fixture
def run(run_program):
    """Makes the graph of some settings, once; nobody changes it."""

    def in_azure(*, preview=False, data="delete", platform=None, **cluster):
        sections = {"cluster": {"kind": "azure", "allowedRanges": [MINE], "acceptUnvalidated": True, **cluster}, "data": data}
        key = json.dumps([sections, platform, preview], sort_keys=True)
        if key not in MADE:
            MADE[key] = run_program(preview=preview, platform=platform or {}, **sections)
        return MADE[key]

    return in_azure


@pytest.fixture(params=PRESETS)
def graph(request, run):
    return run(preset=request.param)


def azure(graph):
    return {name: type_.removeprefix("azure-native:") for name, type_ in graph.types.items() if type_.startswith("azure-native:")}


def sent(graph, name):
    """Inputs as they go to the engine, with secrets marked."""
    return json_format.MessageToDict(graph.requests[name].object)
