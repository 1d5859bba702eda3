"""What is checked on every preview and update before a resource is registered. Reads only, and takes well under a second."""

from __future__ import annotations

from sdg.preflight import api_server, port
from sdg.settings.errors import SettingsError
from sdg.settings.loader import Stack


def check(stack: Stack) -> None:
    """Asks this host and the cluster whether the stack can be deployed from here.

    Raises:
        SettingsError: names every problem at once, one sentence each.
    """
    problems: list[str | None] = []
    if stack.connection is not None:
        problems.append(api_server.problem(stack.connection.server))
        if stack.settings.forward.enabled:
            problems.append(port.problem(stack.settings.forward.port, stack.connection.server))
    found = [problem for problem in problems if problem]
    if found:
        raise SettingsError(found)
