"""Gate: service."""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.waiting import Say


class ServiceRecord(RecordProvider):
    """Stores what was found."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        raise NotImplementedError

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:
        raise NotImplementedError
