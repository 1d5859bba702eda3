"""Gate: models are on their volumes. What reads them starts after it, so that no GPU waits for a download.

Inputs: `connection`, `downloads` [{nim, model, namespace, job}, optionally `minutes` that it is expected to take, and `storageClass` of its
volume], `triggers`, `deadline` (seconds); optionally `restore` (the `pulumi up` that starts anew what did not complete). A Job that gave up
is not waited for; one that tries again is.
Evidence: `downloads`, by NIM: how far it was.
"""

from __future__ import annotations

from sdg.gates.checks import Verdict
from sdg.gates.probes.downloads import Download, DownloadsProbe
from sdg.gates.resource import Properties, RecordProvider
from sdg.gates.stage import SETTLE
from sdg.gates.waiting import Say, Wait, observed, until_green
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection

# a download takes minutes: it is looked at, and spoken of, less often than what takes seconds
INTERVAL = 1.0  # seconds
SPEAK_GAP = 5.0  # seconds


class DownloadsRecord(RecordProvider):
    """Stores how downloads went."""

    @staticmethod
    def wait(inputs: Properties, say: Say) -> Verdict:
        wait = Wait(deadline=float(inputs["deadline"]), interval=INTERVAL, speak_gap=SPEAK_GAP, settle=SETTLE)
        return until_green(_probe(inputs).look, wait, say)

    @staticmethod
    def observe(inputs: Properties, found: Properties) -> Verdict:  # noqa: ARG004 (the interface)
        return observed(lambda: _probe(inputs).look())


def _probe(inputs: Properties) -> DownloadsProbe:
    api = KubernetesApi.connect(Connection.of(inputs["connection"]))
    return DownloadsProbe(api, [Download.of(entry) for entry in inputs["downloads"]], str(inputs.get("restore") or ""))
