"""The first resource in a cluster, so the last that destroy reaches: it removes what nothing else owns and waits until all is gone.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi.dynamic import Resource

from components.at_destroy import AtDestroyProvider, Properties
from components.cluster.base import ClusterBinding, ClusterHandle
from components.ownership import owner
from sdg.gates.checks import Status
from sdg.gates.destroying import DestroyRefused, answering
from sdg.gates.probes.remains import Plan, RemainsProbe, sentences
from sdg.gates.redact import Redactor
from sdg.gates.waiting import Say, Wait, say, until_green
from sdg.kube.api import KubernetesApi
from sdg.osmo import layout, retained
from sdg.platform import layout as platform
from sdg.settings.inference import nim_operator_of
from sdg.settings.model import StackSettings
from sdg.settings.platform import GpuOperator, MinioStore

DEADLINE: Final = 600.0  # seconds: a namespace goes when its last pod's grace has passed and its volumes are unmounted
_SHOWN: Final = 12  # objects that an error names


class RemainsProvider(AtDestroyProvider):
    """Removes what is left, and waits until it is gone."""

    name = "remains"

    def delete(self, _id: str, props: Properties) -> None:
        """Removes and waits.

        Raises:
            DestroyRefused: the cluster does not answer, the destroy was interrupted, or something is still there at the deadline.
        """
        speak = Redactor.knowing(props["connection"]).speaking(say)
        api = answering(props, "so whether anything is left there is not known")
        if api is None:
            speak("the cluster does not answer: what may be left there is forgotten, as was asked for")
            return
        _clean(api, props, lambda line: speak(f"remains: {line}"))


def _clean(api: KubernetesApi, props: Properties, speak: Say) -> None:
    probe = RemainsProbe(api, Plan.of(props))
    verdict = until_green(probe.look, Wait(deadline=float(props["deadline"])), speak)
    if verdict.status is not Status.PASSED:
        left = sentences(verdict.failures())
        more = [f"and {len(left) - _SHOWN} more"] if len(left) > _SHOWN else []
        stack = props["stack"]
        raise DestroyRefused(
            f"{verdict.evidence['ended']}, and not all is gone:\n  "
            + "\n  ".join(left[:_SHOWN] + more)
            + f"\nWhat can be gone is gone; `pulumi destroy --stack {stack}` goes on from here."
        )
    for line in retained.in_words(probe.kept()):
        speak(f"kept {line}")
    for ref in probe.strangers():
        speak(f"left alone {ref}: it is not this stack's")


@dataclass(frozen=True, slots=True)
class Left:
    """What a destroy may find.

    Attributes:
        data: `sdg:data`.
        namespaces: those that the stack makes.
        kai_scheduler: whether the stack installs it (`install`), and whether its CRDs go (`removeCrds`).
        gpu_operator: the same of the GPU operator.
        nim_operator: the same of the NIM operator.
    """

    data: str
    namespaces: list[str]
    kai_scheduler: Mapping[str, bool]
    gpu_operator: Mapping[str, bool]
    nim_operator: Mapping[str, bool]


NONE: Final[Mapping[str, bool]] = {"install": False, "removeCrds": False}


def of_stack(settings: StackSettings) -> Left:
    """Of all that comes after the cluster's gate."""
    kai, nims = settings.platform.kai_scheduler, nim_operator_of(settings.inference)
    return Left(
        settings.data,
        namespaces(settings),
        kai_scheduler={"install": kai.install, "removeCrds": kai.remove_crds},
        gpu_operator=NONE,
        nim_operator={"install": True, "removeCrds": nims.remove_crds} if nims else NONE,
    )


def of_gpu_operator(settings: GpuOperator) -> Left:
    """Of the GPU operator, which comes before the cluster's gate; nothing of it is data."""
    return Left("delete", [platform.GPU_OPERATOR_NAMESPACE], NONE, {"install": True, "removeCrds": settings.remove_crds}, NONE)


class Remains(Resource, module="remains", name="Remains"):
    """What destroy has to leave behind: nothing, or exactly what `sdg:data: retain` promises.

    Args:
        after: what comes before everything that may be left.
    """

    def __init__(
        self, name: str, left: Left, binding: ClusterBinding, after: pulumi.Resource, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        asked = {
            "connection": binding.connection,
            "stack": pulumi.get_stack(),
            "owner": owner(),
            "data": left.data,
            "namespaces": left.namespaces,
            "kaiScheduler": left.kai_scheduler,
            "gpuOperator": left.gpu_operator,
            "nimOperator": left.nim_operator,
            "deadline": DEADLINE,
        }
        first = pulumi.ResourceOptions(depends_on=[after], deleted_with=binding.deleted_with, additional_secret_outputs=["connection"])
        super().__init__(RemainsProvider(), name, asked, pulumi.ResourceOptions.merge(first, opts))

    def before(self, cluster: ClusterHandle) -> ClusterHandle:
        """The cluster for everything that is made in it: what depends on it is deleted before these remains are looked for."""
        return dataclasses.replace(cluster, ready=self)


def namespaces(settings: StackSettings) -> list[str]:
    """The namespaces that the stack makes."""
    found = [layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE, layout.WORKFLOWS_NAMESPACE]
    if isinstance(settings.platform.object_store, MinioStore):
        found.append(platform.MINIO_NAMESPACE)
    if settings.platform.kai_scheduler.install:
        found.append(platform.KAI_NAMESPACE)
    if nim_operator_of(settings.inference):
        found += [platform.NIM_OPERATOR_NAMESPACE, platform.NIM_NAMESPACE]
    return found
