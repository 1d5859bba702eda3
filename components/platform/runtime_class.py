"""RuntimeClass `nvidia` where no GPUs are planned: pods that name it run as any other does.

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
from sdg.gates.destroying import forgets
from sdg.kube.api import Json, KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError, ObjectNotFoundError, RefusedError, UnreachableError
from sdg.kube.objects import Ref, api_version, collection
from sdg.platform.layout import OURS, RUNTIME_CLASS, STUB_HANDLER

KIND: Final = "RuntimeClass"
PATH: Final = Ref(KIND, "", RUNTIME_CLASS).path
STUB: Final[Json] = {
    "apiVersion": api_version(KIND),
    "kind": KIND,
    "metadata": {"name": RUNTIME_CLASS, "labels": OURS},
    "handler": STUB_HANDLER,
}

Properties = Mapping[str, Any]


class RuntimeClassProvider(ClusterProvider):
    """Makes the class where it is wanted and absent, and removes it where it is not wanted and ours."""

    def create(self, props: Properties) -> CreateResult:
        _settle(props)
        return CreateResult(id_=RUNTIME_CLASS, outs=dict(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in ("connection", "wanted")))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        if olds.get("wanted") != news["wanted"]:
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
    """Whether a RuntimeClass is the one that this program made, and nobody took it over."""
    labels = found["metadata"].get("labels") or {}
    return bool(OURS.items() <= labels.items() and found["handler"] == STUB_HANDLER)


def _settle(props: Properties) -> None:
    api = _api(props)
    if props["wanted"]:
        _make(api)
    else:
        _remove(api)


def _make(api: KubernetesApi) -> None:
    try:
        api.post(collection(KIND), STUB)
    except RefusedError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


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
    """Settles the class's name: ours where no GPUs are planned and nobody has it, free for a GPU operator where they are."""

    def __init__(self, name: str, binding: ClusterBinding, opts: pulumi.ResourceOptions | None = None) -> None:
        asked = {"connection": binding.connection, "wanted": binding.gpus == 0}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connection"])
        super().__init__(RuntimeClassProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))
