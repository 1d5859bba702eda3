"""The cluster behind the provider: connected to when first needed, since many previews need no cluster at all."""

from __future__ import annotations

import threading
from functools import cached_property

from rehearsal.plugins.kubernetes import kubeconfig
from rehearsal.plugins.kubernetes.api import Api, ApiError, Unreachable
from rehearsal.plugins.kubernetes.kinds import Kind, Kinds, NoMatch, probably_namespaced
from rehearsal.plugins.kubernetes.kubeconfig import Connection
from rehearsal.plugins.kubernetes.settings import Settings
from rehearsal.plugins.provider import ProviderError


class Cluster:
    """One cluster, or the reason why there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._checked = False
        self._reason: str | None = None

    @cached_property
    def kubeconfig(self) -> str:
        """The kubeconfig's text."""
        return kubeconfig.content(self._settings.kubeconfig)

    @cached_property
    def connection(self) -> Connection:
        """The context in use, resolved."""
        return kubeconfig.connect(kubeconfig.parse(self.kubeconfig), self._settings.context, self._settings.cluster)

    @cached_property
    def api(self) -> Api:
        """The API server."""
        return Api(self.connection)

    @cached_property
    def kinds(self) -> Kinds:
        """What the API server serves."""
        return Kinds(self.api)

    @cached_property
    def namespace(self) -> str:
        """Where namespaced objects go that name no namespace."""
        if self._settings.namespace:
            return self._settings.namespace
        try:
            return self.connection.namespace
        except (ProviderError, OSError):
            return "default"

    def unreachable(self) -> str | None:
        """Say why the cluster cannot be reached; None when it can. Asked of the API server once, and bounded in time."""
        with self._lock:
            if not self._checked:
                self._reason = self._probe()
                self._checked = True
            return self._reason

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Say whether objects of a kind live in namespaces; without an answer, what is likely."""
        served = self.serves(api_version, kind)
        return served.namespaced if served else probably_namespaced(api_version, kind)

    def serves(self, api_version: str, kind: str) -> Kind | None:
        """Return where a kind is served; None when it is not, or the API server does not say."""
        if self.unreachable():
            return None
        try:
            return self.kinds.find(api_version, kind)
        except (ApiError, NoMatch, Unreachable):
            return None

    def _probe(self) -> str | None:
        try:
            self.api.get("/version")
        except ProviderError as error:
            return f"unable to load Kubernetes client configuration from kubeconfig file: {error}"
        except OSError as error:
            return f"unable to read the kubeconfig: {error}"
        except Unreachable as error:
            return f"unable to load schema information from the API server: {error}"
        return None
