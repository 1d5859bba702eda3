"""The preflight looks at OSMO's command-line client where people have one, and never asks for one."""

from __future__ import annotations


def test_no_client_and_one_that_is_new_enough_are_fine(host):
    assert "osmo-cli" not in host.found()
    host.says("osmo", "OSMO client version:  6.4.0")
    assert "osmo-cli" not in host.found()


def test_a_client_that_is_too_old_or_says_nothing_is_a_warning_with_the_command_that_helps(host):
    host.says("osmo", "OSMO client version:  6.2.8")
    assert "6.3.0 or newer is needed; install one with `sdg osmo-cli install --stack NAME`" in host.found()["osmo-cli"]
    host.says("osmo", "another program of that name")
    assert "does not say which version" in host.found()["osmo-cli"]
