"""NIMs that are gone before their operator: it alone takes its finalizer off them, and without it their namespace would never end.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi.dynamic import Resource

from components.at_destroy import AtDestroyProvider, Properties
from components.cluster.base import ClusterBinding
from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.destroying import DestroyRefused, answering
from sdg.gates.redact import Redactor
from sdg.gates.waiting import Say, Wait, say, until_green
from sdg.kube.api import Json, KubernetesApi, items
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.objects import Ref, collection
from sdg.platform.layout import NIM_NAMESPACE, NIM_OPERATOR_NAMESPACE

KINDS: Final = ("NIMService", "NIMCache")
NAME: Final = "nim-gone"
DEADLINE: Final = 300.0  # seconds: the operator takes one away in a second or two


class NimsGoneProvider(AtDestroyProvider):
    """Waits for the NIMs' end."""

    name = "nims-gone"

    def delete(self, _id: str, props: Properties) -> None:
        """Waits until the operator has taken leave of every NIM.

        Raises:
            DestroyRefused: the cluster does not answer, the destroy was interrupted, or NIMs are still there at the deadline.
        """
        speak = Redactor.knowing(props["connection"]).speaking(say)
        api = answering(props, "so whether NIMs are left there is not known")
        if api is not None:
            _wait(api, props, lambda line: speak(f"nims: {line}"))


def _wait(api: KubernetesApi, props: Properties, speak: Say) -> None:
    verdict = until_green(lambda: _look(api), Wait(deadline=float(props["deadline"])), speak)
    if verdict.status is Status.PASSED:
        return
    held = list(verdict.failures())
    left = "\n  ".join(f"{check.subject}: {check.observed}" for check in held)
    released = "\n  ".join(_released(Ref.parse(check.subject)) for check in held if check.name == NAME)
    raise DestroyRefused(
        f"{verdict.evidence['ended']}, and these are not gone:\n  {left}\n"
        f"Only the NIM operator takes NIMs away. See whether it runs: `kubectl --namespace {NIM_OPERATOR_NAMESPACE} get pods`; then "
        f"destroy again." + (f" If it is gone for good, let go of them yourself, then destroy again:\n  {released}" if released else "")
    )


def _released(ref: Ref) -> str:
    """The command that does the operator's last step in its place."""
    command = f"kubectl --namespace {ref.namespace} patch {ref.kind.lower()} {ref.name} --type merge"
    return f"""{command} --patch '{{"metadata":{{"finalizers":null}}}}'"""


def _look(api: KubernetesApi) -> Verdict:
    left = [(Ref.to(kind, found), found) for kind in KINDS for found in _listed(api, kind)]
    checks = tuple(Check(NAME, str(ref), Status.FAILED, _why(found), "gone", "") for ref, found in left)
    return Verdict(checks or (Check(NAME, NIM_NAMESPACE, Status.PASSED, "no NIM is left", "no NIM"),))


def _why(found: Json) -> str:
    finalizers = found["metadata"].get("finalizers") or []
    if not found["metadata"].get("deletionTimestamp"):
        return "nobody deleted it"
    return f"held by finalizers {', '.join(finalizers)}" if finalizers else "is going"


def _listed(api: KubernetesApi, kind: str) -> list[Json]:
    try:
        return items(api, collection(kind, NIM_NAMESPACE))
    except ObjectNotFoundError:  # the kind went before
        return []


class NimsGone(Resource, module="inference", name="NimsGone"):
    """Comes between the operator and the NIMs, and so ends between their ends."""

    def __init__(self, name: str, cluster: ClusterBinding, opts: pulumi.ResourceOptions) -> None:
        asked: dict[str, Any] = {"connection": cluster.connection, "stack": pulumi.get_stack(), "deadline": DEADLINE}
        own = pulumi.ResourceOptions(deleted_with=cluster.deleted_with, additional_secret_outputs=["connection"])
        super().__init__(NimsGoneProvider(), name, asked, pulumi.ResourceOptions.merge(opts, own))
