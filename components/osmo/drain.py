"""Workflows at the end of a stack: created last, so that destroy asks for them before anything is taken away.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi.dynamic import Resource

from components.at_destroy import AtDestroyProvider, Properties
from components.cluster.base import ClusterHandle
from sdg.gates.checks import Status
from sdg.gates.destroying import UNTOUCHED, DestroyRefused, answering
from sdg.gates.interrupt import Interruption
from sdg.gates.probes.drain import DrainProbe
from sdg.gates.probes.gateway import ForwardedGateway
from sdg.gates.redact import Redactor
from sdg.gates.waiting import Say, Wait, say, until_green
from sdg.kube.errors import KubeError
from sdg.osmo import layout
from sdg.osmo.errors import OsmoError
from sdg.osmo.model import Workflow
from sdg.settings.osmo import OnDestroy

_SHOWN: Final = 10  # workflows that an error names
_ASKS: Final = 3  # times that OSMO is asked which workflows are alive before that counts as no answer
_PAUSE: Final = 2.0  # seconds between


class DrainProvider(AtDestroyProvider):
    """Ends workflows before anything is taken away from them."""

    name = "drain"

    def delete(self, _id: str, props: Properties) -> None:
        """Cancels what is alive, waits until it has ended, or refuses, as `workflows` says.

        Raises:
            DestroyRefused: nothing was removed yet, and the sentence names the workflows, or says why nobody knows them.
        """
        speak = Redactor.knowing(props["connection"]).speaking(say)
        if _can_be_asked(props, speak):
            with ForwardedGateway.of(props) as gateway:
                _end(props, gateway, lambda line: speak(f"workflows: {line}"))


def _can_be_asked(props: Properties, speak: Say) -> bool:
    """Whether there is a cluster to ask. One that goes as a whole takes its workflows along, if they may be cancelled."""
    try:
        return answering(props, UNTOUCHED) is not None
    except DestroyRefused as error:
        if props["goesWithCluster"] and props["workflows"] == "cancel":
            speak(f"workflows were not cancelled, and go with their cluster: {error}")
            return False
        raise


def _end(props: Properties, gateway: ForwardedGateway, speak: Say) -> None:
    policy, probe = props["workflows"], DrainProbe(gateway, cancels=props["workflows"] == "cancel")
    try:
        alive = _alive(probe)
    except (OsmoError, KubeError) as error:
        if policy == "cancel":
            speak(f"OSMO does not say which are alive ({error}); any that are end with their namespace")
            return
        raise DestroyRefused(
            f"OSMO does not say which workflows are alive ({error}), and sdg:osmo.onDestroy.workflows is {policy}, {UNTOUCHED}. "
            f"Repair it with `pulumi up --refresh --stack {props['stack']}`, {_or_cancel(props)}"
        ) from None
    if alive and policy == "refuse":
        raise DestroyRefused(
            f"{_named(alive)}, and sdg:osmo.onDestroy.workflows is refuse, {UNTOUCHED}. Wait until they have ended, {_or_cancel(props)}"
        )
    if alive:
        _wait(props, probe, speak)


def _alive(probe: DrainProbe) -> list[Workflow]:
    """Which are alive; asks again, as a forward may break just once."""
    for _ in range(_ASKS - 1):
        try:
            return probe.alive()
        except (OsmoError, KubeError):
            if Interruption.of_engine().sleep(_PAUSE):
                break
    return probe.alive()


def _wait(props: Properties, probe: DrainProbe, speak: Say) -> None:
    verdict = until_green(probe.look, Wait(deadline=float(props["timeout"]), patience=0.0), speak)
    if verdict.status is Status.PASSED:
        speak("all have ended" + (f"; cancelled: {', '.join(probe.asked)}" if probe.asked else ""))
        return
    left = ", ".join(f"{check.subject} ({check.observed})" for check in verdict.failures())
    if Interruption.of_engine().reason or props["workflows"] != "cancel":
        cancelled = f" Cancelled so far: {', '.join(probe.asked)}." if probe.asked else ""
        raise DestroyRefused(
            f"{verdict.evidence['ended']}, and these are still alive: {left}; {UNTOUCHED}.{cancelled} "
            f"Destroy again to go on waiting, {_or_cancel(props)}"
        )
    speak(f"{verdict.evidence['ended']}; these were cancelled and have not ended, so they end with their namespace: {left}")


def _named(alive: Sequence[Workflow]) -> str:
    names = ", ".join(f"{workflow.id} ({workflow.status})" for workflow in alive[:_SHOWN])
    more = f" and {len(alive) - _SHOWN} more" if len(alive) > _SHOWN else ""
    return f"{len(alive)} workflow{'s are' if len(alive) > 1 else ' is'} alive: {names}{more}"


def _or_cancel(props: Properties) -> str:
    stack = f"--stack {props['stack']}"
    change = f"pulumi config set {stack} --path sdg:osmo.onDestroy.workflows cancel"
    return f"or let destroy cancel them: `{change}`, then `pulumi up {stack}`, then destroy again."


class Drain(Resource, module="osmo", name="Drain"):
    """What destroy does about workflows that are alive.

    Args:
        after: everything that must still be there when workflows are asked for.
    """

    def __init__(self, name: str, settings: OnDestroy, cluster: ClusterHandle, after: Sequence[pulumi.Resource]) -> None:
        asked = {
            "connection": cluster.connection,
            "endpoint": dict(layout.GATEWAY),
            "stack": pulumi.get_stack(),
            "workflows": settings.workflows,
            "timeout": settings.timeout,
            "goesWithCluster": cluster.deleted_with is not None,
        }
        opts = pulumi.ResourceOptions(depends_on=list(after), additional_secret_outputs=["connection"])
        super().__init__(DrainProvider(), name, asked, opts)
