"""One NIM: what fetches its model, and the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from components.inference.nim_operator import manifests
from components.inference.nim_operator.download import digest, download_spec
from components.not_awaited import JOB_NOT_AWAITED, NOT_AWAITED
from sdg.catalog.nims import Nim
from sdg.platform.layout import NIM_NAMESPACE, download_job
from sdg.settings.mirror import Mirror

DIGEST: Final = "sdg/digest"


@dataclass(frozen=True, slots=True)
class Planned:
    """A NIM that is to run.

    Attributes:
        name: in the catalog, and of its Service.
        nim: in the shape that the stack chose.
        at: where it runs.
    """

    name: str
    nim: Nim
    at: manifests.Placement

    @property
    def downloaded(self) -> bool:
        """Whether a Job fetches its model."""
        return self.nim.hugging_face is not None and self.nim.hugging_face.download == "job"


def download(planned: Planned, mirror: Mirror, token: pulumi.Output[str], opts: pulumi.ResourceOptions) -> Job:
    """The Job that fetches the model.

    A Job cannot be changed: another spec, or another token, makes it anew, and so does an update that finds it incomplete. What it has
    fetched by then it does not fetch again.

    Args:
        token: fingerprint of the token that it logs in with.
    """
    if planned.nim.hugging_face is None:
        raise ValueError(f"NIM {planned.name} serves no model of Hugging Face")
    spec = download_spec(planned.name, planned.nim.hugging_face, mirror, planned.at.fetching)
    made_of = token.apply(lambda key: digest(spec, key))
    marks: dict[str, pulumi.Input[str]] = {**JOB_NOT_AWAITED, "pulumi.com/replaceUnready": "true", DIGEST: made_of}
    anew = pulumi.ResourceOptions(delete_before_replace=True, replace_on_changes=[f'metadata.annotations["{DIGEST}"]'])
    return Job(
        f"nim-{planned.name}-download",
        metadata={"name": download_job(planned.name), "namespace": NIM_NAMESPACE, "annotations": marks},
        spec=spec,
        opts=pulumi.ResourceOptions.merge(opts, anew),
    )


def model_cache(planned: Planned, mirror: Mirror, opts: pulumi.ResourceOptions) -> CustomResource:
    """What fetches one of NVIDIA's models before its NIM takes a GPU; the operator holds the NIM back until then."""
    return CustomResource(
        f"nim-{planned.name}-cache",
        api_version=manifests.API_VERSION,
        kind="NIMCache",
        metadata=_metadata(planned),
        spec=manifests.cache_spec(planned.nim, mirror, planned.at),
        opts=opts,
    )


def service(planned: Planned, mirror: Mirror, opts: pulumi.ResourceOptions) -> CustomResource:
    """The NIM itself. A gate waits for it: a start takes up to an hour and a half."""
    labels = dict(planned.nim.labels)
    return CustomResource(
        f"nim-{planned.name}",
        api_version=manifests.API_VERSION,
        kind="NIMService",
        metadata={**_metadata(planned), "labels": labels} if labels else _metadata(planned),
        spec=manifests.service_spec(planned.name, planned.nim, mirror, planned.at),
        opts=opts,
    )


def _metadata(planned: Planned) -> ObjectMetaArgsDict:
    return {"name": planned.name, "namespace": NIM_NAMESPACE, "annotations": dict(NOT_AWAITED)}
