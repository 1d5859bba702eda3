"""The OSMO service stand-in: the recorded HTTP interface of release 6.3.1 in ConfigMap mode, over a real scheduler."""

from rehearsal.services.osmo.app import create_app

__all__ = ["create_app"]
