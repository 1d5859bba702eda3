"""All settings of a stack, joined."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sdg.settings.base import Settings
from sdg.settings.budget import Budget
from sdg.settings.cluster import Cluster
from sdg.settings.forward import Forward
from sdg.settings.inference import Inference, NoInference
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo
from sdg.settings.platform import Platform
from sdg.settings.smoke import Smoke
from sdg.settings.workload import NoWorkload, Workload

NAMESPACE = "sdg"


class StackSettings(Settings):
    """Everything that a stack says under `sdg:`, without its secrets."""

    cluster: Cluster = Field(description="Where everything runs.")
    platform: Platform = Field(default=Platform(), description="What the cluster needs before OSMO.")
    osmo: Osmo = Field(default=Osmo(), description="The OSMO service and its operator.")
    inference: Inference = Field(default=NoInference(), description="What serves models to workflows.")
    smoke: Smoke = Field(default=Smoke(), description="The workflows that prove that the stack works.")
    workload: Workload = Field(default=NoWorkload(), description="What the platform is for.")
    forward: Forward = Field(default=Forward(), description="OSMO on a port of this machine.")
    data: Literal["delete", "retain"] = Field(
        default="delete",
        description="What destroy does with database, volumes, buckets and keys: `delete` takes them along, `retain` leaves exactly them. "
        "An update has to be run before it counts: destroy knows what the last one said.",
    )
    budget: Budget = Field(default=Budget(), description="What the stack may cost a month.")
    mirror: Mirror = Field(default=Mirror(), description="Where charts and images come from, in place of their publishers.")
