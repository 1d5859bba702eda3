"""Settles whose a part of the cluster is before the stack makes anything in it: the provider of plain objects takes over what it finds.

What the stack made itself is taken over again: after a destroy that left its data, and after an update that was killed. Refuses at preview
where the cluster can be asked by then, else in the update. The provider's dotted path is stored in the state of every stack: do not move
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from components.cluster.base import ConnectionOutput
from components.provider import ClusterProvider
from sdg.gates.probes.remains import HELM_NAMESPACE, HELM_RELEASE
from sdg.kube.api import Json, KubernetesApi, KubernetesReader, items
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.kube.objects import Ref, collection
from sdg.platform.layout import OURS
from sdg.platform.ownership import OWNER, is_owned, owner_of

Properties = Mapping[str, Any]


class OwnershipProvider(ClusterProvider):
    """Looks once, when it is created: from then on the stack is known to have made what is there."""

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        problem = "" if olds.get("owner") else _problem(news)
        return CheckResult(dict(news), [CheckFailure("namespaces", problem)] if problem else [])

    def create(self, props: Properties) -> CreateResult:
        api = KubernetesApi.connect(Connection.of(props["connection"]))
        if found := next(_foreign(api, props), ""):  # at preview the cluster may not have been known
            raise RuntimeError(found)
        # how the cluster was reached is of no use later, and rotates
        return CreateResult(id_="ownership", outs={key: given for key, given in props.items() if key != "connection"})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=False)


def _problem(props: Properties) -> str:
    """What is in the way; nothing while the cluster cannot be asked: its gate says so, in better words."""
    connection = props.get("connection")
    if not isinstance(connection, Mapping) or not isinstance(connection.get("kubeconfig"), str):
        return ""
    try:
        return next(_foreign(KubernetesApi.connect(Connection.of(connection)), props), "")
    except KubeError:
        return ""


def _foreign(api: KubernetesReader, props: Properties) -> Iterator[str]:
    """What somebody else made, and what to do about it, one text each."""
    for name in props["namespaces"]:
        namespace = _found(api, Ref("Namespace", "", name))
        if namespace is not None and not is_owned(namespace, props["owner"]):
            who = f"stack {named} made it" if (named := owner_of(namespace)) else "this stack did not make it"
            yield f"Namespace {name} is there already, and {who}. {_advice(api, props)} {_handing_over(name, props)}"
    for kind in props["kinds"]:
        for ref in _elsewhere(api, kind, props):
            leftover = f"If nothing uses it any more: `kubectl delete {kind.lower()} {ref.name}`."
            yield f"{kind} {ref.name} is there already, and this stack did not make it. {_advice(api, props)} {leftover}"


def _elsewhere(api: KubernetesReader, kind: str, props: Properties) -> Iterator[Ref]:
    """Objects of a kind that do not belong to a release in one of the namespaces."""
    try:
        listed = items(api, collection(kind))
    except ObjectNotFoundError:  # a kind that this cluster doesn't know
        return
    for found in listed:
        noted = found["metadata"].get("annotations") or {}
        if noted.get(HELM_NAMESPACE) not in props["namespaces"] or not noted.get(HELM_RELEASE):
            yield Ref.to(kind, found)


def _advice(api: KubernetesReader, props: Properties) -> str:
    """The remedy, with the port of the service that it names."""
    service = props.get("service")
    found = _found(api, Ref("Service", *service)) if service else None
    ports = (found or {}).get("spec", {}).get("ports") or [{}]
    return str(props["remedy"]).replace("{port}", str(ports[0].get("port") or "PORT"))


def _handing_over(namespace: str, props: Properties) -> str:
    return (
        f"To hand it over to this stack, with all that is in it and for destroy to delete: `kubectl annotate --overwrite namespace "
        f"{namespace} {OWNER}={props['owner']}`."
    )


def _found(api: KubernetesReader, ref: Ref) -> Json | None:
    try:
        return api.get(ref.path)
    except ObjectNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a component makes that somebody else may have made before.

    Attributes:
        namespaces: where it lives.
        remedy: what to do where it is there already, as sentences; `{port}` stands for the port of `service`.
        kinds: of objects that a cluster has from this component alone, wherever it lives.
        service: namespace and name of a Service.
    """

    namespaces: tuple[str, ...]
    remedy: str
    kinds: tuple[str, ...] = ()
    service: tuple[str, str] | None = None


class Ownership(Resource, module="ownership", name="Ownership"):
    """Comes before the component's namespaces; what it finds there of somebody else's ends the update."""

    def __init__(self, name: str, ground: Ground, connection: ConnectionOutput, opts: pulumi.ResourceOptions) -> None:
        asked: dict[str, Any] = {
            "connection": pulumi.Output.secret(connection),
            "owner": owner(),
            "namespaces": list(ground.namespaces),
            "kinds": list(ground.kinds),
            "service": list(ground.service) if ground.service else None,
            "remedy": ground.remedy,
        }
        super().__init__(OwnershipProvider(), name, asked, opts)


def owner() -> str:
    """Project and stack, as namespaces name them."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def owned_namespace(resource: str, name: str, opts: pulumi.ResourceOptions, labels: Mapping[str, str] | None = None) -> Namespace:
    """A namespace that bears the stack's mark.

    Args:
        opts: with what settled that it may be made.
    """
    metadata: ObjectMetaArgsDict = {"name": name, "labels": {**OURS, **(labels or {})}, "annotations": {OWNER: owner()}}
    return Namespace(resource, metadata=metadata, opts=opts)
