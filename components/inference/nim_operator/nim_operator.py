"""NVIDIA NIMs in the cluster: the operator, and the NIMs that the stack needs, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.helm.v3 import Release

from components.cluster.base import ClusterHandle
from components.inference.base import Endpoint, Served, facts
from components.inference.nim_operator.gone import NimsGone
from components.inference.nim_operator.keys import NimKeys, nim_keys
from components.inference.nim_operator.manifests import Placement, can_be_cached, service_spec
from components.inference.nim_operator.nim import DIGEST, Planned, download, model_cache, service
from components.inference.nim_operator.operator import GROUND, operator_release, operator_values
from components.inference.nim_operator.storage import model_claim, model_storage
from components.ownership import Ownership, owned_namespace
from components.release import fingerprint, repair, restore, triggers
from sdg.catalog.nims import Nim, nim
from sdg.gates.downloads import DownloadsRecord
from sdg.gates.resource import Gate, gate
from sdg.inference.model import PlannedEndpoint
from sdg.platform.layout import NIM_NAMESPACE, NIM_OPERATOR_NAMESPACE, NIM_PORT, download_job
from sdg.platform.taints import on_gpu_nodes, toleration
from sdg.settings.inference import NimOperator as NimOperatorSettings
from sdg.settings.loader import Secrets
from sdg.settings.mirror import Mirror


class NimOperator(pulumi.ComponentResource):
    """The release `nim-operator`, and below it volume, download and NIMService of each NIM that is needed.

    Models of Hugging Face are downloaded by Jobs, all at once; their NIMs are made when all of them are there, so that no GPU waits for a
    download. NIMs of many GPUs are made before those of one, which would else be spread over the nodes that they need.

    Args:
        planned: the endpoints that NIMs serve, by their names in the catalog.
        given: the stack's secrets.
        fit: what the NIMs were fitted on, for policies: `pods`, `pools` and `transient`, as plain data of `sdg.catalog.fit`.
        deadline: seconds that downloads may take together.

    Raises:
        LookupError: no NGC key, or no such NIM or variant; the loader refuses these before.
    """

    def __init__(
        self,
        name: str,
        settings: NimOperatorSettings,
        planned: Sequence[PlannedEndpoint],
        cluster: ClusterHandle,
        *,
        given: Secrets,
        mirror: Mirror,
        fit: Mapping[str, Any],
        deadline: float,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        chosen = {each.name: nim(each.name, settings.variants.get(each.name)) for each in planned}
        pods = {each: settings.replicas.get(each, 1) for each in chosen}
        gpus = sum(wanted.gpus * pods[each] for each, wanted in chosen.items())
        super().__init__("sdg:inference:NimOperator", name, {**facts(cluster.kind, "nim-operator", planned, gpus), **fit}, opts)
        self._name, self._cluster, self._mirror, self._deadline = name, cluster, mirror, deadline

        ours = Ownership(f"{name}-ownership", GROUND, cluster.connection, self._after(cluster.ready))
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=cluster.provider)
        settled = pulumi.ResourceOptions.merge(self._in_cluster, pulumi.ResourceOptions(depends_on=[ours]))
        namespaces = {each: owned_namespace(f"{name}-{each}", each, settled) for each in (NIM_OPERATOR_NAMESPACE, NIM_NAMESPACE)}
        self._namespace = namespaces[NIM_NAMESPACE]
        keys = nim_keys(name, given, namespaces, self._in_cluster)
        pulled = keys.pull[NIM_OPERATOR_NAMESPACE]
        release = operator_release(f"{name}-release", cluster, mirror, self._inside(namespaces[NIM_OPERATOR_NAMESPACE], pulled))
        gone = NimsGone(f"{name}-nims-gone", cluster, self._after(release, self._namespace))

        storage_class, made = model_storage(settings.storage_class, cluster, settled)
        wanted = [
            Planned(
                each,
                found,
                Placement(
                    storage_class=storage_class,
                    tolerations=tuple(on_gpu_nodes(cluster.taints.gpus)),
                    fetching=tuple(map(toleration, cluster.taints.others)),
                    node_selector=settings.node_selector,
                    replicas=pods[each],
                    cached=settings.prefetch and can_be_cached(found),
                ),
            )
            for each, found in sorted(chosen.items(), key=lambda entry: (-entry[1].gpus, entry[0]))
        ]
        downloads = self._downloads([each for each in wanted if each.downloaded], keys, storage_class, made)
        services = self._services(wanted, [gone, *keys.objects, *made], downloads)
        self.served = Served(
            endpoints=tuple(_endpoint(each, chosen[each.name]) for each in planned),
            resources=(release, *services.values()),
            triggers=self._triggers(release, keys, wanted),
            repair=repair(release),
        )
        self.register_outputs({"endpoints": sorted(chosen)})

    def _downloads(
        self, wanted: Sequence[Planned], keys: NimKeys, storage_class: pulumi.Output[str], made: Sequence[pulumi.Resource]
    ) -> Gate | None:
        """Volumes and Jobs, and the gate that waits for all of them; None where no model is downloaded."""
        jobs: dict[str, Job] = {}
        for each in wanted:
            volume = model_claim(each.name, each.nim, storage_class, self._inside(self._namespace, *made))
            before = [volume, *([keys.hub] if keys.hub else [])]
            jobs[each.name] = download(each, self._mirror, keys.hub_fingerprint, self._inside(self._namespace, *before))
        if not jobs:
            return None
        asked = {
            "connection": self._cluster.connection,
            "downloads": [_download(each) for each in wanted],
            "triggers": {each: job.metadata.apply(lambda found: (found.annotations or {}).get(DIGEST)) for each, job in jobs.items()},
            "restore": restore(),
            "deadline": self._deadline,
        }
        waits = pulumi.ResourceOptions(parent=self, depends_on=list(jobs.values()), replace_with=list(jobs.values()))
        return gate("nim-downloads-gate", DownloadsRecord(), asked, waits)

    def _services(self, wanted: Sequence[Planned], before: Sequence[pulumi.Resource], downloads: Gate | None) -> dict[str, CustomResource]:
        """The NIMs, those of most GPUs first."""
        made: dict[str, CustomResource] = {}
        for each in wanted:
            bigger = [made[other.name] for other in wanted if other.nim.gpus > each.nim.gpus]
            after = [*before, *bigger, *([downloads.verdict] if downloads and each.downloaded else [])]
            if each.at.cached:
                after.append(model_cache(each, self._mirror, self._inside(*before)))
            made[each.name] = service(each, self._mirror, self._inside(*after))
        return made

    def _triggers(self, release: Release, keys: NimKeys, wanted: Sequence[Planned]) -> dict[str, pulumi.Input[str]]:
        seen = triggers(release, keys.fingerprint, operator_values(self._mirror))
        specs = {each.name: fingerprint(keys.fingerprint, service_spec(each.name, each.nim, self._mirror, each.at)) for each in wanted}
        return {
            "nim-keys": keys.fingerprint,
            **{f"nim-operator/{key}": value for key, value in seen.items()},
            **{f"nim/{each}": found for each, found in specs.items()},
        }

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(resources))

    def _inside(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of an object that comes after others."""
        return pulumi.ResourceOptions.merge(self._in_cluster, pulumi.ResourceOptions(depends_on=list(resources)))


def _download(planned: Planned) -> dict[str, Any]:
    """An entry of the gate's input `downloads`."""
    source, job = planned.nim.hugging_face, download_job(planned.name)
    known = {"nim": planned.name, "namespace": NIM_NAMESPACE, "job": job, "storageClass": planned.at.storage_class}
    return {**known, "model": source.model, "minutes": source.minutes} if source else known


def _endpoint(planned: PlannedEndpoint, served: Nim) -> Endpoint:
    """What the stages after the NIMs get of one; a NIM asks no key of those who are in the cluster."""
    url = planned.url or f"http://{planned.name}.{NIM_NAMESPACE}.svc.cluster.local:{NIM_PORT}/v1"
    address = {"namespace": NIM_NAMESPACE, "service": planned.name, "port": NIM_PORT}
    expected: dict[str, Any] = {"models": served.lists_model, **({"path": served.request_path} if served.request_path else {})}
    minutes = served.start_minutes or served.longest_start_minutes
    probe = {"address": address, "nim": {"name": planned.name}, "minutes": minutes, "expect": expected}
    return Endpoint(planned, pulumi.Output.from_input(url), None, probe)
