"""`sdg:osmo`: the OSMO service and its operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sdg.settings.base import Seconds, Settings

# OSMO refuses tokens that live longer (its `max_token_duration`)
LONGEST_TOKEN_DAYS = 365
ImageLocation = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*$")]


class InClusterDatabase(Settings):
    """PostgreSQL from the OSMO chart, one pod on one volume that survives the release."""

    kind: Literal["in-cluster"] = Field(default="in-cluster", description="The pod that OSMO's chart brings, on a volume of its own.")


class InClusterRedis(Settings):
    """Redis from the OSMO chart, one pod on one volume that survives the release."""

    kind: Literal["in-cluster"] = Field(default="in-cluster", description="The pod that OSMO's chart brings, on a volume of its own.")


class Gateway(Settings):
    """How OSMO's gateway is exposed. It has no authentication of its own, so it stays inside the cluster."""

    type: Literal["ClusterIP"] = Field(default="ClusterIP", description="Type of the gateway's Service.")


class OperatorToken(Settings):
    """The token with which the operator logs in to the service."""

    valid_days: int = Field(
        default=LONGEST_TOKEN_DAYS,
        ge=1,
        le=LONGEST_TOKEN_DAYS,
        description="Days until the token expires.",
    )


class Timeouts(Settings):
    """How long each stage may take, in seconds."""

    release: Seconds = Field(default=300, description="One Helm call; the gates wait, not Helm.")
    service: Seconds = Field(
        default=900, description="The service gate: every workload available, the API answering with the right version."
    )
    operator: Seconds = Field(default=600, description="The OSMO gate: operator connected, pool online, resources listed.")


class Osmo(Settings):
    """The OSMO service and its operator."""

    profile: str = Field(
        default="6.3", description="OSMO generation: charts, images and client that were released together.", examples=["6.3"]
    )
    chart_version: str | None = Field(
        default=None, description="Version of the profile's charts; the profile's preferred one when unset.", examples=["1.3.1"]
    )
    registry: ImageLocation | None = Field(
        default=None, description="Registry path of the OSMO images; NVIDIA's when unset.", examples=["registry.example.com/nvidia/osmo"]
    )
    database: InClusterDatabase = Field(default=InClusterDatabase(), description="Where OSMO keeps workflows and users.")
    redis: InClusterRedis = Field(default=InClusterRedis(), description="Where OSMO keeps queues.")
    gateway: Gateway = Field(default=Gateway(), description="How OSMO's gateway is exposed.")
    token: OperatorToken = Field(default=OperatorToken(), description="The operator's token.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each stage may take, in seconds.")
