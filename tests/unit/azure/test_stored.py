"""The stack's own state, asked for while the engine may be writing it."""

from __future__ import annotations

import pulumi
import pytest
from pulumi.runtime.invoke import InvokeResult

from components.cluster.azure import stored

OUTPUTS = {"urn:a": {"type": "t", "outputs": {}}}


@pytest.fixture
def engine(monkeypatch):
    """Sets how often the engine fails before it answers; gives what it was asked for."""
    asked = []
    monkeypatch.setattr(stored, "PAUSE", 0)
    for name in ("organization", "project", "stack"):
        monkeypatch.setattr(pulumi, f"get_{name}", lambda name=name: name)

    def fails(times):
        def invoke(_token, properties):
            asked.append(properties["stackName"])
            if len(asked) <= times:
                raise Exception("failed to load checkpoint: EOF")  # noqa: TRY002 (as the SDK raises it)
            return InvokeResult({"outputs": OUTPUTS})

        monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
        return asked

    return fails


@pytest.mark.parametrize("times", [0, 1, stored.TRIES - 1])
def test_a_state_that_is_being_written_is_read_a_moment_later(engine, times):
    asked = engine(times)
    assert stored.state() == OUTPUTS
    assert asked == ["organization/project/stack"] * (times + 1)


def test_a_state_that_cannot_be_read_at_all_is_an_error(engine):
    asked = engine(stored.TRIES)
    with pytest.raises(Exception, match="failed to load checkpoint: EOF"):
        stored.state()
    assert len(asked) == stored.TRIES
