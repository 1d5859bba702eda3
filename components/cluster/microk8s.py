"""MicroK8s on a host: installed and kept up by the stack, or adopted and left as it is."""

from __future__ import annotations

from pathlib import Path

import pulumi

from components.cluster.base import ClusterBinding, ConnectionOutput, bound_provider
from components.cluster.host import Command, Host
from components.cluster.kubeconfig_entry import KubeconfigEntry
from components.cluster.stable_name import StableName
from sdg.catalog.gpu_driver import CHART
from sdg.catalog.versions import versions
from sdg.microk8s import gpu, running, snap
from sdg.microk8s.kubeconfig import renamed
from sdg.microk8s.script import Step
from sdg.settings import cluster as settings_of
from sdg.settings.gpu_operator import gpu_operator_plan
from sdg.settings.platform import GpuOperator


class MicroK8s(pulumi.ComponentResource):
    """A MicroK8s, and the way into it.

    Args:
        settings: which one it is, where, and what it must offer.
        gpu_operator: whether the GPU operator comes along, and who owns the driver.
        ssh_private_key: key for the host, where it is another one.
        retain: whether destroy leaves MicroK8s, because the volumes are in it.
    """

    def __init__(
        self,
        name: str,
        settings: settings_of.MicroK8s,
        gpu_operator: GpuOperator,
        *,
        ssh_private_key: pulumi.Output[str] | None,
        retain: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        facts = {"cluster": settings.kind, "identity": settings.name, "gpus": settings.gpus, "adopt": settings.adopt}
        super().__init__("sdg:cluster:MicroK8s", name, facts, opts)
        self._name, self._settings = name, settings
        self._gpu = gpu_operator_plan(gpu_operator, cluster=settings.kind, gpus=settings.gpus)
        self._channel = settings.channel or versions().microk8s.channel
        self._host = Host(settings.host, ssh_private_key)
        self._owner = f"{pulumi.get_project()}/{pulumi.get_stack()}"
        self._named = StableName(f"{name}-name", settings.name, pulumi.ResourceOptions(parent=self))
        self._steps: list[Command] = []

        installed = None if settings.adopt else self._install(retain)
        if settings.adopt:
            self._adopt()
        connection = self._connection()
        KubeconfigEntry(
            f"{name}-context",
            cluster=settings.name,
            owner=self._owner,
            path=_anchored(settings.kubeconfig),
            connection=connection,
            opts=pulumi.ResourceOptions(parent=self),
        )
        provider = pulumi.ResourceOptions(parent=self, depends_on=self._steps[-1:])
        self._binding = ClusterBinding(
            kind=settings.kind,
            identity=settings.name,
            gpus=settings.gpus,
            dedicated_gpu_nodes=settings.dedicated_gpu_nodes,
            provider=bound_provider(f"{name}-kubernetes", settings.name, connection, provider),
            connection=connection,
            deleted_with=None if retain else installed,
            revision=None if settings.adopt else self._channel,
            host_driver=self._gpu.driver == "host",
        )
        self.register_outputs({"cluster": settings.kind})

    @property
    def binding(self) -> ClusterBinding:
        return self._binding

    def _install(self, retain: bool) -> Command:
        pins, identity = versions().microk8s, self._settings.name
        # volumes lie in the snap's own folders: removing it removes them
        kept = pulumi.ResourceOptions(retain_on_delete=retain)
        installed = self._step("snap", snap.installed(self._owner, self._channel), kept)
        self._step("group", running.member(snap.group(self._channel)), kept)
        self._step("running", running.running((identity, self._channel)))
        self._step("addons", running.addons(pins.addons))
        self._step("ready", running.complete(pins.addons, (identity, self._channel)))
        if self._gpu.install and self._gpu.driver == "host":
            self._step("gpu-driver", gpu.driver(pins.gpu_driver))
        if self._gpu.install:
            chart = str(versions().charts[CHART].version)
            addon = gpu.operator(self._gpu.driver, chart, stack=self._owner, cluster=identity)
            gone_with = None if retain else pulumi.ResourceOptions(deleted_with=installed)
            self._step("gpu-addon", addon, gone_with)
        if self._settings.storage_class is None:
            self._step("storage-class", running.default_class(pins.storage_class))
        return installed

    def _adopt(self) -> None:
        identity = self._settings.name
        needed = [*versions().microk8s.addons, *([gpu.ADDON] if self._gpu.install else [])]
        self._step("adopted", snap.adopted(self._owner, identity))
        self._step("ready", running.complete(needed, (identity,)))

    def _connection(self) -> ConnectionOutput:
        """How to get in, once everything before is done."""
        host = self._settings.host.address if self._settings.host else None
        printed = self._step("kubeconfig", running.kubeconfig(here=host is None)).stdout
        identity = self._settings.name

        def named(text: str) -> dict[str, str | None]:
            return {"kubeconfig": renamed(text, identity, host), "context": identity}

        return pulumi.Output.secret(printed.apply(named))

    def _step(self, name: str, step: Step, opts: pulumi.ResourceOptions | None = None) -> Command:
        command = self._host.run(f"{self._name}-{name}", step, self, self._steps[-1:] or [self._named], opts)
        self._steps.append(command)
        return command


def _anchored(path: str) -> str:
    """The path as the provider needs it: what is relative starts at the project, and `~` is every user's own."""
    return path if path.startswith("~") else str(Path.cwd() / path)
