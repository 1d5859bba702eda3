"""What can go wrong with the command-line client."""

from __future__ import annotations


class OsmoCliError(RuntimeError):
    """The client cannot be installed, found, understood or logged in; one sentence with what to do."""
