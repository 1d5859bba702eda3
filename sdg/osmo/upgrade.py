"""From one OSMO release set to another: what is possible, what it restarts, and what there is no way back from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from packaging.version import Version

from sdg.osmo import layout


@dataclass(frozen=True, slots=True)
class Line:
    """The release set that a stack installs.

    Attributes:
        profile: the OSMO generation, as the settings name it.
        chart: version of both charts.
        tag: version of the images.
        migrate: whether the chart brings the database's schema up to date.
    """

    profile: str
    chart: str
    tag: str
    migrate: bool

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads what `as_input` wrote."""
        return cls(str(properties["profile"]), str(properties["chart"]), str(properties["tag"]), bool(properties["migrate"]))

    def as_input(self) -> dict[str, str | bool]:
        return {"profile": self.profile, "chart": self.chart, "tag": self.tag, "migrate": self.migrate}

    def as_trigger(self) -> dict[str, str]:
        """What a gate remembers of it, beside the chart's version, which the release itself says."""
        return {"profile": self.profile, "tag": self.tag}

    @property
    def generation(self) -> tuple[int, int]:
        """Releases of one generation have the same tables."""
        version = Version(self.tag)
        return version.major, version.minor

    def __str__(self) -> str:
        return f"OSMO {self.tag} (charts {self.chart})"


def refusal(old: Line, new: Line, stack: str) -> str:
    """Why the database would not survive the step; empty when it does."""
    if new.generation < old.generation:
        return (
            f"sdg:osmo.profile {new.profile} is older than {old.profile}, which has changed the database, and nothing takes that back. "
            f'Keep `sdg:osmo.profile: "{old.profile}"`; to return, restore the database from a backup of before into an empty server and '
            f"make a new stack on it."
        )
    if new.generation > old.generation and not new.migrate:
        return (
            f"sdg:osmo.profile {new.profile} needs other tables than {old.profile}: back up the database, then allow the chart to bring it "
            f"up to date with `pulumi config set --stack {stack} --path sdg:osmo.migrate true`. There is no way back but that backup."
        )
    return ""


def plan(old: Line, new: Line, stores: Sequence[str]) -> str:
    """What the step does, as lines for people; empty when it is none.

    Args:
        stores: the database and Redis that run in the cluster.
    """
    if (old.chart, old.tag) == (new.chart, new.tag):
        return ""
    lines = [f"{old} -> {new}, in place; nothing is replaced."]
    if new.generation > old.generation:
        lines.append("  changes:  the database's schema, by the chart's migration Job: new pods start again until it is done.")
        lines.append("            There is no way back but a backup of the database.")
    service = ", ".join(workload.name for workload in layout.service_workloads())
    operator = ", ".join(workload.name for workload in layout.OPERATOR_WORKLOADS)
    stays = ", ".join((*stores, "volumes", "keys"))
    lines += [
        f"  restarts: in {layout.SERVICE_NAMESPACE}: {service}",
        f"            in {layout.OPERATOR_NAMESPACE}: {operator}",
        f"  stays:    {stays}, and everything in {layout.WORKFLOWS_NAMESPACE}: what runs there runs on",
    ]
    return "\n".join(lines)


def way_back(green: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """How to return to what was green, from the triggers of the gate then and now; empty when it was the same release set."""
    keys = ("profile", "chart", "tag")
    if any(key not in found for found in (green, now) for key in keys) or all(green[key] == now[key] for key in keys):
        return ""
    old, new = (Line(str(found["profile"]), str(found["chart"]), str(found["tag"]), migrate=False) for found in (green, now))
    if new.generation > old.generation:
        return (
            f"to go on, correct what is red and run `pulumi up` again; to return to {old}, restore the database from a backup of before: "
            f"the migration to {new.profile} cannot be taken back"
        )
    settings = {"profile": old.profile, "chartVersion": old.chart}
    commands = " && ".join(f"pulumi config set --path sdg:osmo.{key} {value}" for key, value in settings.items())
    return f"to return to {old}, run `{commands} && pulumi up`"
