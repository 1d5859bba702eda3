"""The composition: settings, then cluster, then OSMO beside inference, then the smoke test, then the workload."""

from __future__ import annotations

import gc

import pulumi

from components.cluster.chosen import bind_cluster, verify_cluster
from components.forward import forwards
from components.inference.chosen import build_inference
from components.key_backup import KeyBackup
from components.osmo.drain import Drain
from components.osmo.osmo import Osmo
from components.platform.chosen import object_store
from components.platform.gpu_operator import GpuOperator
from components.platform.kai_scheduler import KaiScheduler
from components.platform.runtime_class import RuntimeClass
from components.remains import Remains, of_stack
from components.retention import Retention
from components.smoke import SmokeTest
from sdg.preflight.stack import problems
from sdg.settings.errors import SettingsError
from sdg.settings.loader import Stack, load


def compose(stack: Stack) -> None:
    settings = stack.settings
    binding = bind_cluster(stack)
    runtime_class = RuntimeClass("runtime-class", binding, settings.platform.gpu_operator)
    gpu = GpuOperator("gpu-operator", settings.platform.gpu_operator, binding, mirror=settings.mirror, after=runtime_class)
    verified = verify_cluster(stack, binding, after=[runtime_class, *gpu.resources])
    # the first in the cluster and the last two of all: destroy begins with these, and ends with that
    cluster = Remains("remains", of_stack(settings), verified, verified.ready).before(verified)
    kept = Retention(settings.data)
    kai = KaiScheduler("kai-scheduler", settings.platform.kai_scheduler, cluster, mirror=settings.mirror)
    store = object_store(stack, cluster, kept.options)
    osmo = Osmo(
        "osmo",
        settings.osmo,
        cluster=cluster,
        store=store,
        scheduler=kai.ready,
        given=stack.secrets,
        mirror=settings.mirror,
        opts=kept.options,
    ).handle
    inference = build_inference(stack, cluster)
    smoke = SmokeTest("smoke", settings.smoke, cluster=cluster, osmo=osmo, after=inference.ready, mirror=settings.mirror)
    opened = forwards(settings.forward, cluster, smoke.record)
    drain = Drain("drain", settings.osmo.on_destroy, cluster, after=[osmo.ready, smoke.record, *(opened or ())])
    KeyBackup("key-backup", kept, data=settings.data, database=settings.osmo.database.kind, cluster=cluster, after=[drain])
    if stack.connection is None:  # nobody else has it
        pulumi.export("kubeconfig", cluster.connection["kubeconfig"])
    pulumi.export("osmoUrl", opened[0].url if opened else osmo.url)
    pulumi.export("osmoUiUrl", opened[1].url if opened else osmo.url)  # the gateway serves the UI too
    pulumi.export("versions", {"kubernetes": cluster.kubernetes, "osmo": osmo.version})
    pulumi.export("endpoints", inference.outputs)
    pulumi.export("workloadVariables", inference.variables)
    verdicts = {"cluster": cluster.verdict, "kai": kai.ready, "osmoService": osmo.service_ready, "osmo": osmo.ready}
    verdicts |= {**inference.verdicts, "smoke": smoke.ready}
    pulumi.export("gates", {stage: verdict.status for stage, verdict in verdicts.items()})


# what SDKs bring and what the program registers lives until it ends: looking through that for garbage would take a fifth of its time
gc.set_threshold(50_000, 20, 20)
try:
    stack = load(preflight=problems)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
compose(stack)
