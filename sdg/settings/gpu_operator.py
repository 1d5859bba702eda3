"""What a stack does about the GPU operator: its settings with their defaults, which depend on the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sdg.catalog.gpu_driver import DriverOwner
from sdg.settings.platform import GpuOperator

# clusters that the stack makes; one that exists has an operator of its own, as a rule
_OWN: Final = frozenset({"microk8s", "azure"})


@dataclass(frozen=True, slots=True)
class GpuOperatorPlan:
    """What is to be done.

    Attributes:
        install: whether the stack installs the operator; on MicroK8s its addon does.
        driver: who owns the GPU driver.
    """

    install: bool
    driver: DriverOwner


def gpu_operator_plan(settings: GpuOperator, *, cluster: str, gpus: int) -> GpuOperatorPlan:
    """The operator is never installed without GPUs; a workstation has its driver already, and a cluster that exists its operator.

    Args:
        cluster: the cluster's kind.
        gpus: GPUs that the stack plans.
    """
    chosen = cluster in _OWN if settings.install is None else settings.install
    return GpuOperatorPlan(install=chosen and gpus > 0, driver=settings.driver or ("host" if cluster == "microk8s" else "operator"))
