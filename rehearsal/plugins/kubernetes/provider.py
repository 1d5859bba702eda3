"""The provider: which call goes to plain objects and which to Helm releases, and what a missing cluster means for each."""

# ruff: noqa: ARG002 -- the protocol passes what a call may not need

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.kubernetes import checkpoint, kubeconfig
from rehearsal.plugins.kubernetes.api import ApiError, Unreachable
from rehearsal.plugins.kubernetes.cluster import Cluster
from rehearsal.plugins.kubernetes.comparison import compare
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.kinds import built_in, from_token
from rehearsal.plugins.kubernetes.naming import named
from rehearsal.plugins.kubernetes.normalize import normalized
from rehearsal.plugins.kubernetes.objects import Objects
from rehearsal.plugins.kubernetes.release.releases import Releases
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.properties import UNKNOWN, Properties, revealed
from rehearsal.plugins.provider import Autonaming, Call, Checked, Configuration, Difference, Live, Provider, ProviderError

_Result = TypeVar("_Result")
_RELEASE = "kubernetes:helm.sh/v3:Release"
_KUBECONFIG = "kubeconfig"
_REFUSED_TYPES = {
    "kubernetes:yaml": "YAML files and groups are expanded by the official plugin only",
    "kubernetes:helm.sh/v4": "helm.v4.Chart is expanded by the official plugin only; use helm.v3.Release",
    "kubernetes:kustomize": "kustomizations are expanded by the official plugin only",
}
_FORGET = (
    "you can remove this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment "
    'variable set to "true"'
)


class KubernetesProvider(Provider):
    """The stand-in for the official Kubernetes provider."""

    version = "4.34.2"
    accepts_autonaming = True

    def __init__(self, log: EngineLog | None = None) -> None:
        super().__init__(log)
        self._settings = Settings()
        self._cluster = Cluster(self._settings)
        self._objects: Objects | None = None
        self._releases: Releases | None = None

    def configure(self, configuration: Configuration) -> None:
        """Take the settings. The cluster is connected to only when a call needs it."""
        self._settings = Settings.from_configuration(configuration)
        self._cluster = Cluster(self._settings)
        self._objects = Objects(self._cluster, upsert=self._settings.upsert, log=self.log, cancelled=self.cancelled)
        self._releases = Releases(self._cluster, self._settings, self.log, self.cancelled)

    def diff_config(self, call: Call, olds: Properties, news: Properties) -> Difference:
        """Compare provider settings: what lives in another cluster must be made anew there.

        With a cluster identifier, that alone says which cluster it is; without one, the active cluster's address and authority do.
        """
        old, new = revealed(olds), revealed(news)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        if new.get(_KUBECONFIG) is UNKNOWN:
            same = new.get("clusterIdentifier") and "clusterIdentifier" not in changed
            return Difference(changed=True, properties=[_KUBECONFIG], replaces=[] if same else [_KUBECONFIG])
        replaces: list[str] = []
        if "clusterIdentifier" in changed and old.get("clusterIdentifier") and new.get("clusterIdentifier"):
            replaces = ["clusterIdentifier"]
        elif not new.get("clusterIdentifier") and changed and _active(old) != _active(new):
            replaces = changed
        return Difference(bool(changed), properties=changed, replaces=replaces)

    def check(self, call: Call, olds: Properties, news: Properties, seed: bytes, autonaming: Autonaming) -> Checked:
        """Complete inputs: a name, a namespace, the one spelling that the API server knows; a release's defaults and chart version."""
        self._refuse_unknown_types(call)
        if call.type == _RELEASE:
            return self._for_releases().check(call, olds, news, autonaming)
        given = checkpoint.plain(news)
        inputs = named(normalized(given), checkpoint.plain(olds), call.name or call.urn.rpartition("::")[2], seed, autonaming)
        return Checked(checkpoint.with_secrets(self._with_namespace(inputs), news))

    def diff(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Difference:
        """Compare a resource with its state; needs no cluster."""
        if call.type == _RELEASE:
            return self._for_releases().diff(state, news)
        return compare(call, state, news, self._cluster, self._settings)

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Create a resource."""
        if call.type == _RELEASE:
            if not call.preview:
                self._need_cluster("can't create Helm Release with unreachable cluster: {}")
            return self._for_releases().create(call, inputs)
        if not call.preview:
            self._need_cluster("configured Kubernetes cluster is unreachable: {}")
        return self._reaching(lambda: self._for_objects().create(call, inputs))

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        """Look at a resource; of a cluster that cannot be reached nothing is said, unless the settings say to forget or keep."""
        if reason := self._cluster.unreachable():
            self.log.warning(call.urn, f"configured Kubernetes cluster is unreachable: {reason}")
            if self._settings.delete_unreachable:
                self.log.info(call.urn, "the `deleteUnreachable` option is enabled: deleting the unreachable resource from Pulumi state")
                return None
            if self._settings.skip_unreachable:
                return Live(call.id, state, inputs)
            raise ProviderError(f"failed to read resource state due to unreachable cluster. If the cluster was deleted, {_FORGET}")
        if call.type == _RELEASE:
            return self._reaching(lambda: self._for_releases().read(call, state, inputs))
        return self._reaching(lambda: self._for_objects().read(call, state, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Properties:
        """Change a resource in place."""
        if call.type == _RELEASE:
            if not call.preview:
                self._need_cluster("can't update Helm Release with unreachable cluster: {}")
            return self._for_releases().update(call, state, news)
        if not call.preview:
            self._need_cluster("configured Kubernetes cluster is unreachable: {}")
        return self._reaching(lambda: self._for_objects().update(call, state, news))

    def delete(self, call: Call, state: Properties, old_inputs: Properties) -> None:
        """Delete a resource."""
        if reason := self._cluster.unreachable():
            if self._settings.delete_unreachable:
                return
            if call.type == _RELEASE:
                raise ProviderError(f'can\'t delete Helm Release with unreachable cluster. Reason: "{reason}"')
            self.log.warning(call.urn, f"configured Kubernetes cluster is unreachable: {reason}")
            raise ProviderError(f"configured Kubernetes cluster is unreachable. If the cluster was deleted, {_FORGET}")
        if call.type == _RELEASE:
            self._for_releases().delete(call, state)
        else:
            self._reaching(lambda: self._for_objects().delete(call, state))

    def _with_namespace(self, inputs: Object) -> Object:
        metadata = inputs.get("metadata") or {}
        if not isinstance(metadata, dict) or metadata.get("namespace") is not None:
            return inputs
        if not self._cluster.namespaced(str(inputs.get("apiVersion", "")), str(inputs.get("kind", ""))):
            return inputs
        return {**inputs, "metadata": {**metadata, "namespace": self._cluster.namespace}}

    def _reaching(self, work: Callable[[], _Result]) -> _Result:
        try:
            return work()
        except Unreachable as error:
            raise ProviderError(f"the Kubernetes API server stopped answering: {error}") from None
        except ApiError as error:
            raise ProviderError(str(error)) from None

    def _need_cluster(self, sentence: str) -> None:
        if reason := self._cluster.unreachable():
            raise ProviderError(sentence.format(reason))

    def _refuse_unknown_types(self, call: Call) -> None:
        for prefix, sentence in _REFUSED_TYPES.items():
            if call.type.startswith(prefix):
                raise ProviderError(f"{call.type}: {sentence}")
        if call.type.endswith("Patch") and built_in(from_token(call.type)[0]):
            raise ProviderError(f"{call.type}: Patch resources are not rehearsed; manage the whole object, or run with the official plugin")

    def _for_objects(self) -> Objects:
        if self._objects is None:
            raise ProviderError("the Kubernetes provider was not configured")
        return self._objects

    def _for_releases(self) -> Releases:
        if self._releases is None:
            raise ProviderError("the Kubernetes provider was not configured")
        return self._releases


def _active(settings: Properties) -> object:
    """Return what tells clusters apart when nobody names them; None when the kubeconfig cannot be read."""
    given, context, cluster = settings.get(_KUBECONFIG), settings.get("context"), settings.get("cluster")
    if not isinstance(given, str):
        return given
    try:
        config = kubeconfig.parse(kubeconfig.content(given))
    except (ProviderError, OSError):
        return None
    return kubeconfig.active_cluster(config, cast("str | None", context), cast("str | None", cluster))
