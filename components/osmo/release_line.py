"""Which OSMO release set a stack is on: refuses, at preview, a step that its database would not survive, and says what a step restarts.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.cluster.base import ConnectionOutput
from components.osmo.adopted import RELEASES
from components.provider import ClusterProvider
from sdg.gates.waiting import say
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError
from sdg.kube.helm_records import Revision, revisions
from sdg.osmo import layout
from sdg.osmo.upgrade import Line, plan, refusal

_LINE: Final = ("profile", "chart", "tag", "migrate")

Properties = Mapping[str, Any]


class ReleaseLineProvider(ClusterProvider):
    """Compares the set that is asked for with the one that the stack was on."""

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        problem = _stepping(olds, news) if olds.get("profile") else _starting(news)
        return CheckResult(dict(news), [CheckFailure("profile", problem)] if problem else [])

    def create(self, props: Properties) -> CreateResult:
        if problem := _starting(props):  # at preview the cluster may not have been known
            raise RuntimeError(problem)
        return CreateResult(id_=layout.SERVICE_RELEASE, outs=_outputs(props))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in _LINE))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(outs=_outputs(news))


def _outputs(props: Properties) -> dict[str, Any]:
    # how the cluster was reached is of no use later, and rotates
    return {key: given for key, given in props.items() if key not in ("connection", "previewing")}


def _stepping(olds: Properties, news: Properties) -> str:
    """What is wrong with a step from one set to the next; says what a good one does."""
    old, new = Line.of(olds), Line.of(news)
    problem = refusal(old, new, str(news["stack"]))
    if problem and new.generation < old.generation and not _began(old, news):
        return ""  # the step ahead never got as far as the database
    steps = "" if problem else plan(old, new, list(news["stores"]))
    if steps and news.get("previewing"):
        say(steps)
    return problem


def _began(line: Line, props: Properties) -> bool:
    """Whether a chart of this generation was ever given to the cluster; taken for granted when the cluster does not say."""
    try:
        found = _revisions(props, layout.SERVICE_RELEASE)
    except KubeError:
        return True
    return found is None or any(_series(revision.version) == _series(line.chart) for revision in found)


def _starting(props: Properties) -> str:
    """What is wrong with a first installation: another one is there."""
    if props.get("adopt"):
        return ""
    for release, namespace in RELEASES.items():
        try:
            found = _revisions(props, release)
        except KubeError:
            return ""  # the cluster's gate says so, in better words
        if found:
            return (
                f"Helm release {release} of namespace {namespace} is there already (chart {found[-1].chart} {found[-1].version}, "
                f"{found[-1].status}), and this stack did not install it. To take it over as it is, run `pulumi config set --stack "
                f"{props['stack']} --path sdg:osmo.adopt true`; to replace it, `helm uninstall --namespace {namespace} {release}`."
            )
    return ""


def _revisions(props: Properties, release: str) -> list[Revision] | None:
    """The release's revisions; None while it is not known how to reach the cluster."""
    connection = props.get("connection")
    if not isinstance(connection, Mapping) or not isinstance(connection.get("kubeconfig"), str):
        return None
    return revisions(KubernetesApi.connect(Connection.of(connection)), RELEASES[release], release)


def _series(chart: str) -> tuple[str, ...]:
    return tuple(chart.split(".")[:2])


class ReleaseLine(Resource, module="osmo", name="ReleaseLine"):
    """The release set of a stack; everything of OSMO comes after it.

    Args:
        stores: the database and Redis that run in the cluster.
        adopt: whether an installation by hand is taken over.
    """

    def __init__(
        self,
        name: str,
        line: Line,
        connection: ConnectionOutput,
        *,
        stores: Sequence[str],
        adopt: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked: dict[str, Any] = {
            **line.as_input(),
            "connection": pulumi.Output.secret(connection),
            "stores": list(stores),
            "adopt": adopt,
            "stack": pulumi.get_stack(),
            "previewing": pulumi.runtime.is_dry_run(),
        }
        super().__init__(ReleaseLineProvider(), name, asked, opts)
