"""What is wrong with a stack's settings ends a preview in plain sentences, before anything is registered."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@pytest.fixture
def tried(stack):
    """Previews the stack with other sections of its config, which are put back."""

    def preview(**sections):
        before = {name: stack.config(name) for name in sections}
        stack.configure(**sections)
        try:
            return stack.pulumi("preview")
        finally:
            stack.configure(**before)

    return preview


def refused(preview):
    """The engine's own account of a preview that was refused: nothing but the stack itself, no traceback."""
    assert preview.code != 0, preview.output
    assert "Traceback" not in preview.output
    _, _, account = preview.output.partition("Resources:")
    registered = [line.split() for line in account.splitlines() if line.strip()]
    assert registered[:2] == [["+", "1", "to", "create"], ["1", "errored"]], preview.output
    return preview.output.partition("Diagnostics:")[2].partition("Resources:")[0]


@contextmanager
def listening() -> Iterator[int]:
    """A port that something else, this test, listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_an_unknown_key_is_named_with_the_nearest_known_one_at_any_depth_and_all_problems_come_at_once(stack, tried):
    cluster = {**stack.config("cluster"), "gpu": 1}
    said = refused(tried(cluster=cluster, osmo={"timeouts": {"servce": 60}, "token": {"validDays": "many"}}, forwrd={"port": 9000}))
    assert "sdg:forwrd is not a key here. Did you mean 'forward'?" in said
    assert "sdg:cluster.gpu is not a key here. Did you mean 'gpus'?" in said
    assert "sdg:osmo.timeouts.servce is not a key here. Did you mean 'service'?" in said
    assert 'sdg:osmo.token.validDays must be a whole number; it is "many".' in said


def test_a_missing_kubeconfig_an_unknown_chart_version_and_a_taken_port_come_at_once(stack, tried, tmp_path):
    missing = tmp_path / "nowhere"
    cluster = {**stack.config("cluster"), "kubeconfig": str(missing)}
    with listening() as port:
        said = refused(tried(cluster=cluster, osmo={"chartVersion": "9.9.9"}, forward={"port": port}))
    assert f"there is no kubeconfig at {missing}" in said
    assert "sdg:osmo.chartVersion must be a chart version that OSMO profile 6.3 is known to work with, '1.3.1'; it is \"9.9.9\"." in said
    assert f"Port {port} on this host is taken by" in said
    assert f"(pid {os.getpid()})" in said


def test_a_context_that_the_kubeconfig_does_not_have_is_one_sentence(stack, tried):
    said = refused(tried(cluster={**stack.config("cluster"), "context": "rehearsel"}))
    assert "rehearsel" in said
    assert "rehearsal" in said


def test_an_api_server_that_does_not_answer_is_one_sentence(stack, tried, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        elsewhere = tmp_path / "kubeconfig"
        elsewhere.write_text((stack.state / "kubeconfig").read_text().replace(server(stack), address))
        preview = tried(cluster={**stack.config("cluster"), "kubeconfig": str(elsewhere)})
    cause, remedy = "no answer within 4 s", "Start the cluster, or correct sdg:cluster.kubeconfig and sdg:cluster.context."
    said = f"The cluster's API server at {address} does not answer ({cause}). {remedy}"
    assert [line.strip() for line in refused(preview).splitlines() if address in line] == [f"error: {said}"]
    assert preview.seconds < 30


def server(stack):
    return stack.kubectl("config", "view", "--output", "jsonpath={.clusters[0].cluster.server}")
