"""The provider's own settings: `kubernetes.Provider(...)` arguments, stack configuration and `PULUMI_K8S_*` variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.plugins.properties import Property, reveal
from rehearsal.plugins.provider import Configuration, ProviderError

_PREFIX = "kubernetes:config:"
_REFUSED = {
    "renderYamlToDirectory": "rendering YAML instead of talking to a cluster is not rehearsed",
}


@dataclass(frozen=True)
class Settings:
    """What the calls after `Configure` work with.

    Attributes:
        kubeconfig: Path or content; None means the ambient one.
        namespace: Where namespaced objects go that name no namespace.
        upsert: Take over objects that exist already instead of refusing them.
        delete_unreachable: Forget resources of a cluster that cannot be reached.
        skip_unreachable: Keep resources of a cluster that cannot be reached as they are in the state.
        helm: `helmReleaseSettings`.
    """

    kubeconfig: str | None = field(default=None, repr=False)
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    upsert: bool = False
    config_map_mutable: bool = False
    secret_mutable: bool = False
    delete_unreachable: bool = False
    skip_unreachable: bool = False
    helm: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_configuration(cls, configuration: Configuration, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; the provider's arguments win over the environment.

        Raises:
            ProviderError: a setting asks for something that the stand-in does not do.
        """
        given = _Given(configuration, env)
        for name, sentence in _REFUSED.items():
            if given.text(name):
                raise ProviderError(f"kubernetes provider: {name}: {sentence}")
        if not given.flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", default=True):
            raise ProviderError("kubernetes provider: enableServerSideApply: false: client-side apply is not rehearsed")
        return cls(
            kubeconfig=given.text("kubeconfig") or None,
            context=given.text("context") or None,
            cluster=given.text("cluster") or None,
            namespace=given.text("namespace") or None,
            upsert=given.flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
            config_map_mutable=given.flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
            secret_mutable=given.flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
            delete_unreachable=given.flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
            skip_unreachable=given.flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
            helm=given.mapping("helmReleaseSettings"),
        )


class _Given:
    """Settings as they come: typed arguments since recent engines, strings in `variables` always."""

    def __init__(self, configuration: Configuration, env: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._env = env

    def text(self, name: str) -> str:
        value = self._value(name)
        if isinstance(value, Mapping):  # a kubeconfig may be given as an object
            return json.dumps(value)
        return "" if value is None else str(value)

    def flag(self, name: str, variable: str, *, default: bool = False) -> bool:
        value = self._value(name)
        if value is None:
            value = self._env.get(variable)
        return default if value is None else value in {True, "true"}

    def mapping(self, name: str) -> Mapping[str, str]:
        value = self._value(name)
        if isinstance(value, str):
            value = json.loads(value)
        return {key: str(item) for key, item in value.items() if item is not None} if isinstance(value, Mapping) else {}

    def _value(self, name: str) -> Property:
        argument = reveal(self._configuration.arguments.get(name))
        return argument if argument is not None else self._configuration.variables.get(_PREFIX + name)
