"""The parts of the service together, and what each request asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from packaging.version import InvalidVersion, Version

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.cluster import LISTENER, OPERATOR_TOKEN, SERVICE, WORKER, Cluster
from rehearsal.services.osmo.configuration import Configuration, ConfigurationSource, Pool
from rehearsal.services.osmo.errors import UnavailableError, user_error
from rehearsal.services.osmo.outcomes import Faults
from rehearsal.services.osmo.records import Database, digest
from rehearsal.services.osmo.resources import NodeResources, node_resources
from rehearsal.services.osmo.store import Store

BACKEND_ROLE = "osmo-backend"
DEFAULT_VERSION = "6.3.1"  # of an image whose tag is no version, such as `latest`


@dataclass
class Service:
    """The service: its cluster, its data, and the switches that make it fail."""

    cluster: Cluster
    faults: Faults
    store: Store
    _configurations: ConfigurationSource = field(default_factory=ConfigurationSource)

    def serving(self) -> bool:
        """Whether an instance takes requests."""
        return self.cluster.ready(self.cluster.layout.service, SERVICE)

    def version(self) -> Version:
        """From the image that the Deployment runs, unless a switch says otherwise."""
        switch = self.faults.get("osmo.version")
        image = (self.cluster.service_image() or "").partition("@")[0]
        tag = str(switch["version"]) if switch else image.rpartition("/")[2].partition(":")[2]
        try:
            return Version(tag)
        except InvalidVersion:
            return Version(DEFAULT_VERSION)

    def configuration(self) -> Configuration:
        """The configuration that the service runs with.

        Raises:
            UnavailableError: there never was a good one, so the service would not start.
        """
        found = self._configurations.read(self.cluster.config_text())
        if found is None:
            raise UnavailableError
        return found

    @contextmanager
    def reading(self) -> Iterator[Database]:
        with self.store.reading(self._uid()) as database:
            yield database

    @contextmanager
    def writing(self) -> Iterator[Database]:
        with self.store.writing(self._uid()) as database:
            yield database

    def _uid(self) -> str:
        uid = self.cluster.database_uid()
        if uid is None:
            raise UnavailableError
        return uid

    def backend_online(self, *, worker: bool = False) -> bool:
        """Whether the operator is connected: its listener (and worker) Ready, with a token that this service minted."""
        operator = self.cluster.layout.operator
        apps = (LISTENER, WORKER) if worker else (LISTENER,)
        return all(self.cluster.ready(operator, app) for app in apps) and self._operator_token_valid()

    def _operator_token_valid(self) -> bool:
        secret = self.cluster.secret(self.cluster.layout.operator, OPERATOR_TOKEN) or {}
        presented = digest(secret.get("token", "").strip())
        with self.reading() as database:
            return any(
                token.digest == presented and token.expires_at > now() and any(role.role_name == BACKEND_ROLE for role in token.roles)
                for token in database.tokens
            )

    def note_backends(self, configuration: Configuration) -> None:
        """Remembers that the backends connected, and when they were last heard of."""
        with self.writing() as database:
            for name in configuration.backends or {"default": {}}:
                row = database.backends.setdefault(name, {"created_date": now().isoformat()})
                row["last_heartbeat"] = now().isoformat()

    def nodes(self, configuration: Configuration) -> list[NodeResources]:
        """What the backend reports; nothing while it is not connected."""
        if not self.backend_online():
            return []
        return node_resources(configuration, self.cluster.nodes(), self.cluster.pods(), self.cluster.layout.workflows)

    def pool(self, configuration: Configuration, name: str) -> Pool:
        if name not in configuration.pools:
            raise user_error(f"Pool {name} not found.")
        return configuration.pools[name]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
JsonMap = dict[str, Any]
MIN_CLIENT = "6.2.0"  # recorded: 6.2.5 is served with a warning, 6.1.0 is refused


def client_versions(configuration: Configuration, service: Version) -> tuple[Version, Version]:
    """The oldest client that is served, and the newest that there is."""
    cli = configuration.service.get("cli_config") or defaults.SERVICE["cli_config"]
    return Version(cli.get("min_supported_version") or MIN_CLIENT), Version(cli.get("latest_version") or str(service))
