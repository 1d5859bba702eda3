"""`sdg:workload`: what the platform is for. Its spec says which endpoints, credentials and machines it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sdg.settings.base import DnsLabel, Settings

# a name in a template: Jinja's identifiers
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["vlm_url"])]


def _plain(value: object) -> object:
    if not isinstance(value, str | int | float):  # true and false are ints to Python
        raise ValueError("text, a number, true or false")  # noqa: TRY004 -- pydantic's own
    return value


# what Kubernetes takes for the name of an environment variable
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_.-][A-Za-z0-9_.-]*$", examples=["LOG_LEVEL"])]
Scalar = Annotated[str | int | float | bool, BeforeValidator(_plain)]


class NoWorkload(Settings):
    """None: the platform alone."""

    kind: Literal["none"] = Field(default="none", description="Where the workload's spec comes from.")


class Templated(Settings):
    """What fills in the variables of a spec."""

    values: Mapping[Variable, Scalar] = Field(
        default_factory=dict,
        description="Variables of the spec; what reads as a number becomes one, as with OSMO's `--set`.",
        examples=[{"dataset": "vda-demo"}],
    )
    strings: Mapping[Variable, str] = Field(default_factory=dict, description="Variables that stay text, as with OSMO's `--set-string`.")
    environment: Mapping[VariableName, str] = Field(
        default_factory=dict, description="Environment variables of every task, as with OSMO's `--set-env`."
    )
    endpoints: Mapping[Variable, DnsLabel] = Field(
        default_factory=dict,
        description="Endpoints by the variable that takes their URL, where the stack's choice by capability is not the wanted one.",
        examples=[{"llm_url": "llama-3-3-70b"}],
    )


class CataloguedWorkload(Templated):
    """One that the catalog knows. `sdg workload fetch` gets its spec from where it is published."""

    kind: Literal["catalog"] = Field(description="Where the workload's spec comes from.")
    name: DnsLabel = Field(description="Name in the catalog.", examples=["vda"])
    flow: str | None = Field(default=None, description="Which of its flows; its usual one when unset.", examples=["e2e"])


class SpecWorkload(Templated):
    """One whose spec is a file of yours."""

    kind: Literal["spec"] = Field(description="Where the workload's spec comes from.")
    path: str = Field(pattern=r"^/[^\x00]*$", description="Absolute path of the spec.", examples=["/home/me/flows/my-flow.yaml"])


Workload = Annotated[NoWorkload | CataloguedWorkload | SpecWorkload, Field(discriminator="kind")]
