"""The user's forward: OSMO on a port of this host, kept alive by a watchdog process of its own until it is stopped.

One per host and port. It is reused by whoever wants the same Service of the same cluster; nothing here ends a process that it did
not start.
"""

from sdg.forward.control import check, start, status, stop
from sdg.forward.errors import ForwardTimeoutError, PortTaken
from sdg.forward.model import Forward, ForwardSpec

__all__ = ["Forward", "ForwardSpec", "ForwardTimeoutError", "PortTaken", "check", "start", "status", "stop"]
