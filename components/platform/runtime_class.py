"""RuntimeClass `nvidia` where no GPU operator makes it.

Where no GPUs are planned, pods that name it run as any other does. Where AKS installs the GPU driver, it stands for the runtime that comes
with that; the GPU operator then has a class of another name.

Not a plain object of the program: one that exists belongs to a GPU operator and stays untouched, and ours has to be out of the way before
a GPU operator comes, since the API server lets nobody change a handler. The provider's dotted path is stored in the state of every stack:
do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.cluster.base import ClusterBinding
from components.provider import ClusterProvider
from sdg.catalog.gpu_driver import AKS_RUNTIME
from sdg.gates.destroying import forgets
from sdg.kube.api import Json, KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError, ObjectNotFoundError, RefusedError, UnreachableError
from sdg.kube.objects import Ref, api_version, collection
from sdg.platform.layout import OURS, RUNTIME_CLASS, STUB_HANDLER
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.platform import GpuOperator

KIND: Final = "RuntimeClass"
PATH: Final = Ref(KIND, "", RUNTIME_CLASS).path

OTHER_HANDLER: Final = (
    "RuntimeClass nvidia has the handler {found}, which a GPU operator made that installs the GPU driver; nodes whose driver AKS installs "
    "need {wanted}, and no handler can be changed. Update once with sdg:cluster.gpuPools [], which takes pools and class along, then "
    "again with the pools."
)

Properties = Mapping[str, Any]


class RuntimeClassProvider(ClusterProvider):
    """Makes the class where it is wanted and absent, and removes it where it is not wanted and ours."""

    def create(self, props: Properties) -> CreateResult:
        _settle(props)
        return CreateResult(id_=RUNTIME_CLASS, outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=olds.get("connection") != news.get("connection") or _asked(olds) != _asked(news))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        if _asked(olds) != _asked(news):
            _settle(news)
        return UpdateResult(outs=dict(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        try:
            gone = props["wanted"] and _found(_api(props)) is None
        except KubeError:
            gone = False  # the cluster's gate says that nothing answers
        return ReadResult(id_="" if gone else id_, outs=dict(props))

    def delete(self, _id: str, props: Properties) -> None:
        try:
            _remove(_api(props))
        except UnreachableError:
            if not forgets():  # the user knows that the cluster is gone for good
                raise


def is_ours(found: Json) -> bool:
    """Whether a RuntimeClass is one that this program made, and nobody took it over."""
    labels = found["metadata"].get("labels") or {}
    return bool(OURS.items() <= labels.items() and found["handler"] in (STUB_HANDLER, AKS_RUNTIME))


def manifest(handler: str) -> Json:
    """The class, as this program makes it."""
    return {"apiVersion": api_version(KIND), "kind": KIND, "metadata": {"name": RUNTIME_CLASS, "labels": OURS}, "handler": handler}


def _asked(props: Properties) -> tuple[bool, str]:
    # states from before there was a choice of handlers have none
    return bool(props.get("wanted")), str(props.get("handler") or STUB_HANDLER)


def _settle(props: Properties) -> None:
    api = _api(props)
    wanted, handler = _asked(props)
    found = _found(api)
    if found and is_ours(found) and not (wanted and found["handler"] == handler):
        _remove(api)
    if wanted:
        _make(api, handler)


def _make(api: KubernetesApi, handler: str) -> None:
    try:
        api.post(collection(KIND), manifest(handler))
    except RefusedError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        found = _found(api)
        if handler != STUB_HANDLER and found and found["handler"] != handler:
            raise RuntimeError(OTHER_HANDLER.format(found=found["handler"], wanted=handler)) from None


def _remove(api: KubernetesApi) -> None:
    found = _found(api)
    if found is None or not is_ours(found):
        return
    try:
        api.delete(PATH)
    except ObjectNotFoundError:
        return


def _found(api: KubernetesApi) -> Json | None:
    try:
        return api.get(PATH)
    except ObjectNotFoundError:
        return None


def _api(props: Properties) -> KubernetesApi:
    return KubernetesApi.connect(Connection.of(props["connection"]))


class RuntimeClass(Resource, module="platform", name="RuntimeClass"):
    """Settles the class's name: ours where nobody else makes it, free for a GPU operator that does.

    Args:
        gpu_operator: says who owns the GPU driver.
    """

    def __init__(self, name: str, binding: ClusterBinding, gpu_operator: GpuOperator, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = gpu_operator_plan(gpu_operator, cluster=binding.kind, gpus=binding.gpus)
        by_azure = binding.gpus > 0 and plan.driver == "azure"
        asked = {
            "connection": binding.connection,
            "wanted": binding.gpus == 0 or by_azure,
            "handler": AKS_RUNTIME if by_azure else STUB_HANDLER,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connection"])
        super().__init__(RuntimeClassProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
