"""What the programs of the release do when their pods start: most run, and some end with a word why.

The kubelet asks before it lets a pod run. What a program reads at its start counts at its start only: a running one never notices.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from packaging.version import Version

from rehearsal.api import Object
from rehearsal.podstatus import Crash
from rehearsal.services.osmo import installation
from rehearsal.services.osmo.cluster import SERVICE
from rehearsal.services.osmo.configuration import ConfigurationError, parse_configuration
from rehearsal.services.osmo.context import Service
from rehearsal.services.osmo.records import Database, digest

# from this generation on, the service takes operators' tokens from Secrets, and asks every backend for its namespace
TOKENS_FROM_SECRETS = (6, 4)
ADMIN_PASSWORD_LENGTH = 43
ADMIN_PASSWORD = "OSMO_DEFAULT_ADMIN_PASSWORD"  # noqa: S105 - a variable's name
MIGRATION = "pgroll-migrate"
TABLES = 26  # of a database that the service has used
USAGE_ERROR = 2  # exit code
CLIENT_ERROR = 2  # exit code of psql when it has no connection
_COUNTING = "OSMO_DB_TABLE_COUNT"


class Programs:
    """The programs of one installation."""

    def __init__(self, service: Service) -> None:
        self._service, self._cluster = service, service.cluster

    def ending(self, pod: Object) -> Crash | None:
        """How the pod's program ends at once; None when it runs, or is none of ours."""
        metadata, spec = pod["metadata"], pod["spec"]
        if metadata["namespace"] != self._cluster.layout.service:
            return None
        app = (metadata.get("labels") or {}).get("app")
        if app == SERVICE:
            return next(self._refusals(spec), None)
        if app == MIGRATION:
            self._migrated(spec, metadata["labels"].get("app.kubernetes.io/version", ""))
            return None
        return self._counted(spec)

    def _refusals(self, spec: Object) -> Iterator[Crash]:
        """Why the API does not start, in the order in which it would notice."""
        version = installation.version_of(installation.image(spec))
        if version and _generation(version) < TOKENS_FROM_SECRETS and installation.TOKEN_DIRECTORY in installation.arguments(spec):
            yield Crash(exit_code=USAGE_ERROR, message=f"service: error: unrecognized arguments: {' '.join(installation.arguments(spec))}")
        yield from self._configuration(version)
        yield from self._admin_password(spec)
        yield from self._database(spec, version)

    def _configuration(self, version: Version | None) -> Iterator[Crash]:
        text = self._cluster.config_text()
        if text is None:
            return
        try:
            backends = parse_configuration(text).backends
        except ConfigurationError as error:
            yield Crash(message=f"the configuration cannot be used: {error}")
            return
        if version and _generation(version) >= TOKENS_FROM_SECRETS:
            lacking = [name for name, backend in backends.items() if not backend.get("k8s_namespace")]
            yield from (Crash(message=f"backends.{name}.k8s_namespace is required in ConfigMap mode") for name in lacking)

    def _admin_password(self, spec: Object) -> Iterator[Crash]:
        reference = (installation.environment(spec).get(ADMIN_PASSWORD) or {}).get("valueFrom", {}).get("secretKeyRef")
        if not reference:
            return
        password = (self._cluster.secret(self._cluster.layout.service, reference["name"]) or {}).get(reference["key"], "")
        if len(password) != ADMIN_PASSWORD_LENGTH:
            yield Crash(message=f"the default admin's password must have {ADMIN_PASSWORD_LENGTH} characters; it has {len(password)}")

    def _database(self, spec: Object, version: Version | None) -> list[Crash]:
        """The database remembers the key that its rows were encrypted with, and the generation that its tables are of."""
        uid = self._cluster.database_uid(spec)
        if uid is None:
            return []
        with self._service.store.writing(uid) as database:
            wrong = _undecryptable(database, self._cluster.mek_text() or "") if installation.mounts_key(spec) else None
            return [wrong] if wrong else _foreign(database, f"{version.major}.{version.minor}" if version else "")

    def _migrated(self, spec: Object, version: str) -> None:
        """Lets the chart's migration do its work."""
        uid = self._cluster.database_uid(spec)
        if uid is not None:
            with self._service.store.writing(uid) as database:
                database.generation = ".".join(version.split(".")[:2]) if database.generation else ""

    def _counted(self, spec: Object) -> Crash | None:
        """What a pod says that counts a database's tables with the PostgreSQL client."""
        words = [word for container in spec["containers"] for word in (container.get("command") or [])]
        server = installation.database(spec, installation.CLIENT_DATABASE)
        if server is None or not any(_COUNTING in word for word in words):
            return None
        if (refuses := self._service.faults.get("database.refuses")) is not None:
            why = refuses.get("message") or f'FATAL:  password authentication failed for user "{_user(spec)}"'
            return Crash(
                exit_code=CLIENT_ERROR, message=f'psql: error: connection to server at "{server.host}", port {server.port} failed: {why}'
            )
        own = TABLES if self._service.store.exists(server.key) else 0
        return Crash(exit_code=0, message=f"{_COUNTING}={(self._service.faults.get('database.tables') or {}).get('count', own)}")


def _user(spec: Object) -> str:
    return str((installation.environment(spec).get("PGUSER") or {}).get("value") or "")


def _undecryptable(database: Database, mek: str) -> Crash | None:
    """A fresh database takes the current key; later keys only have to be beside the one that it took."""
    current, known = _keys(mek)
    if not current:
        return Crash(message="/opt/osmo/config.yaml holds no master encryption key")
    database.master_key = database.master_key or current
    if database.master_key in known:
        return None
    return Crash(message="service_auth cannot be decrypted: the key that it was encrypted with is not in /opt/osmo/config.yaml")


def _keys(mek: str) -> tuple[str, frozenset[str]]:
    """Digests of the current key and of all keys that `mek.yaml` holds; an empty one when it cannot be used."""
    try:
        content = yaml.safe_load(mek)
    except yaml.YAMLError:
        content = None
    keys = content.get("meks") if isinstance(content, dict) else None
    if not isinstance(keys, dict) or content.get("currentMek") not in keys:
        return "", frozenset()
    return digest(str(keys[content["currentMek"]])), frozenset(digest(str(key)) for key in keys.values())


def _foreign(database: Database, generation: str) -> list[Crash]:
    """Tables of another generation than the program's."""
    database.generation = database.generation or generation
    if not generation or database.generation == generation:
        return []
    newer = _numbers(database.generation) > _numbers(generation)
    advice = "nothing takes it back" if newer else "the chart's migration brings it up to date"
    return [Crash(message=f"the database's schema is that of {database.generation}, and not of {generation}: {advice}")]


def _numbers(generation: str) -> tuple[int, ...]:
    return tuple(int(part) for part in generation.split("."))


def _generation(version: Version) -> tuple[int, int]:
    return version.major, version.minor
