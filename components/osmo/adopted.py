"""An OSMO that was installed by hand: what its releases and Secrets hold, so that taking it over changes nothing in it.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource

from components.cluster.base import ConnectionOutput
from components.provider import ClusterProvider
from sdg.gates.waiting import say
from sdg.kube.api import KubernetesApi, KubernetesReader
from sdg.kube.connection import Connection
from sdg.kube.errors import ObjectNotFoundError
from sdg.kube.held import decoded
from sdg.kube.helm_records import Revision, revisions
from sdg.osmo import layout

RELEASES: Final = {layout.SERVICE_RELEASE: layout.SERVICE_NAMESPACE, layout.OPERATOR_RELEASE: layout.OPERATOR_NAMESPACE}
SECRETS: Final = (
    *((layout.SERVICE_NAMESPACE, name) for name in (layout.DATABASE_SECRET, layout.REDIS_SECRET, layout.ADMIN_SECRET)),
    *((layout.SERVICE_NAMESPACE, name) for name in layout.STORAGE_SECRETS),
    *((namespace, layout.PULL_SECRET) for namespace in (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE, layout.WORKFLOWS_NAMESPACE)),
)

Properties = Mapping[str, Any]


class AdoptedProvider(ClusterProvider):
    """Looks once: what is there when it is created is what stays while adoption is on."""

    def create(self, props: Properties) -> CreateResult:
        api = KubernetesApi.connect(Connection.of(props["connection"]))
        values = {release: dict(_adoptable(api, release, str(props["chart"])).values) for release in RELEASES}
        contents = {f"{namespace}/{name}": content for namespace, name in SECRETS if (content := _content(api, namespace, name))}
        for release, namespace in RELEASES.items():
            say(f"{props['name']}: Helm release {release} of namespace {namespace} is taken over with the values that it has")
        # how the cluster was reached is of no use later, and rotates
        kept = {key: given for key, given in props.items() if key != "connection"}
        return CreateResult(id_="adopted", outs={**kept, "values": values, "contents": contents})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=False)


def _adoptable(api: KubernetesReader, release: str, version: str) -> Revision:
    """The release's newest revision.

    Raises:
        RuntimeError: there is none, or it is not what the stack would install.
    """
    found = revisions(api, RELEASES[release], release)
    where = f"Helm release {release} of namespace {RELEASES[release]}"
    if not found:
        raise RuntimeError(f"There is no {where} to adopt. For a new installation, set sdg:osmo.adopt to false.")
    newest = found[-1]
    if newest.status != "deployed":
        raise RuntimeError(f"{where} is {newest.status}, so it cannot be adopted as it is. Bring it to deployed with Helm first.")
    if newest.version != version:
        raise RuntimeError(
            f"{where} is chart {newest.chart} {newest.version}, and the stack's is {version}. Set sdg:osmo.profile, or "
            f"sdg:osmo.chartVersion, to what is installed; upgrade once it is adopted."
        )
    return newest


def _content(api: KubernetesReader, namespace: str, name: str) -> dict[str, str]:
    try:
        return decoded(api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    except ObjectNotFoundError:
        return {}


class Adopted(Resource, module="osmo", name="Adopted"):
    """What an installation by hand holds.

    Args:
        chart: version of both charts that the stack would install; it must be what is there.

    Attributes:
        values: of each release, by its name; always secret.
        contents: of each Secret that there is, by namespace and name; always secret.
    """

    values: pulumi.Output[dict[str, Any]]
    contents: pulumi.Output[dict[str, dict[str, str]]]

    def __init__(self, name: str, connection: ConnectionOutput, *, chart: str, opts: pulumi.ResourceOptions | None = None) -> None:
        asked: dict[str, Any] = {
            "connection": pulumi.Output.secret(connection),
            "chart": chart,
            "name": name,
            "values": None,
            "contents": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["values", "contents"])
        super().__init__(AdoptedProvider(), name, asked, pulumi.ResourceOptions.merge(secret, opts))

    def values_of(self, release: str) -> pulumi.Output[dict[str, Any]]:
        """The values that a release has."""
        return self.values.apply(lambda values: values[release])

    def content_of(self, namespace: str, name: str, own: pulumi.Input[Mapping[str, Any]]) -> pulumi.Output[dict[str, str]]:
        """What a Secret holds; `own` where there is none yet."""
        return pulumi.Output.all(self.contents, own).apply(lambda both: both[0].get(f"{namespace}/{name}") or both[1])


def taking_over(adopted: Adopted | None, release: str) -> pulumi.ResourceOptions:
    """Options of a release: where one is adopted, it is imported."""
    return pulumi.ResourceOptions(import_=f"{RELEASES[release]}/{release}", depends_on=[adopted]) if adopted else pulumi.ResourceOptions()
