"""The parts of the service together, and what each request asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import compare_digest
from typing import Annotated, Any

from fastapi import Depends, Request
from packaging.version import Version

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.cluster import LISTENER, OPERATOR_TOKEN, SERVICE, WORKER, Cluster
from rehearsal.services.osmo.configuration import Configuration, ConfigurationSource, Pool
from rehearsal.services.osmo.errors import UnavailableError, user_error
from rehearsal.services.osmo.installation import version_of
from rehearsal.services.osmo.outcomes import Faults
from rehearsal.services.osmo.records import Database, digest
from rehearsal.services.osmo.resources import NodeResources, node_resources
from rehearsal.services.osmo.scheduling import SCHEDULER, SCHEDULER_POD, queues
from rehearsal.services.osmo.store import Store

BACKEND_ROLE = "osmo-backend"
TOKEN_LENGTHS = (43, 64)  # url-safe base64 of 32 bytes, or the older hexadecimal form
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
        reference = f":{switch['version']}" if switch else self.cluster.service_image() or ""
        return version_of(reference) or Version(DEFAULT_VERSION)

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
        """Whether the operator is connected: its listener (and worker) Ready, with a token that this service takes, and its queues made.

        The real service counts an operator as connected that cannot make its queues; no pod of it is ever placed.
        """
        operator = self.cluster.layout.operator
        apps = (LISTENER, WORKER) if worker else (LISTENER,)
        return all(self.cluster.ready(operator, app) for app in apps) and self._operator_token_valid() and self._queues_made()

    def scheduler_runs(self) -> bool:
        """Whether anybody places the pods of workflows."""
        return self.cluster.ready(SCHEDULER, SCHEDULER_POD)

    def _queues_made(self) -> bool:
        return self.cluster.make_queues(queues(self.configuration(), self.cluster.layout.workflows))

    def _operator_token_valid(self) -> bool:
        presented = (self.cluster.secret(self.cluster.layout.operator, OPERATOR_TOKEN) or {}).get("token", "").strip()
        if self.cluster.token_secrets() is not None:
            return self.mounted_credential(presented) is not None
        with self.reading() as database:
            return any(
                token.digest == digest(presented)
                and token.expires_at > now()
                and any(role.role_name == BACKEND_ROLE for role in token.roles)
                for token in database.tokens
            )

    def mounted_credential(self, presented: str) -> str | None:
        """Name of the credential whose mounted Secret holds this token, as the current or the previous one; None when there is none."""
        for name, secret in (self.cluster.token_secrets() or {}).items():
            content = self.cluster.secret(self.cluster.layout.service, secret) or {}
            for key in ("token", "previous-token"):
                token = content.get(key, "").removesuffix("\n")
                if len(token) in TOKEN_LENGTHS and compare_digest(token.encode(), presented.encode()):
                    return name
        return None

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
