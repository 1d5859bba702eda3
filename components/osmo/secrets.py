"""The Secrets and the ConfigMap that OSMO's pods mount; all must exist before its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, Secret

from components.cluster.base import ClusterHandle
from components.osmo.adopted import Adopted
from components.osmo.backend_token import BackendToken
from components.osmo.database import Database
from components.osmo.keys import DATABASE, Keys
from components.platform.object_store import ObjectStoreHandle
from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.external_database import Server
from sdg.osmo.servers import Servers
from sdg.osmo.values import credential_fields, docker_config
from sdg.settings.loader import Secrets
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import ExternalDatabase, ExternalRedis, InClusterDatabase, InClusterRedis, ManagedDatabase, ManagedRedis
from sdg.settings.osmo import Osmo as OsmoSettings

_DOCKER_CONFIG: Final = ".dockerconfigjson"

Namespaces = Mapping[str, pulumi.Resource]


@dataclass(frozen=True, slots=True)
class OsmoSecrets:
    """What was generated and stored for OSMO.

    Attributes:
        database_password: of its PostgreSQL; of the in-cluster one it goes into the chart's values, which leave no other way.
        fingerprint_key: key of the fingerprints that tell a gate of changed values.
        contents: everything that the release's pods read from these objects; secret.
        objects: the objects; the service's release depends on them.
        pull_secrets: for images, by namespace; none where images are pulled anonymously.
    """

    database_password: pulumi.Output[str]
    fingerprint_key: pulumi.Output[str]
    contents: dict[str, Any]
    objects: tuple[pulumi.Resource, ...]
    pull_secrets: Namespaces

    @property
    def read_once(self) -> dict[str, Any]:
        """What pods read when they start, and never again. The operators' tokens are followed."""
        return {name: content for name, content in self.contents.items() if name != "token"}


class SecretsBuilder:
    """Generates OSMO's keys and puts them where its charts look for them.

    Args:
        given: what the user gave: passwords to start with, and keys of what lies outside the cluster.
        servers: where database and Redis are.
        namespaces: OSMO's namespaces.
        adopted: an installation by hand, whose Secrets stay as they are.
        generated: options of what lives in the stack's state alone.
        in_cluster: options of the cluster's objects.
    """

    def __init__(
        self,
        name: str,
        settings: OsmoSettings,
        *,
        cluster: ClusterHandle,
        given: Secrets,
        servers: Servers,
        namespaces: Namespaces,
        mirror: Mirror,
        adopted: Adopted | None,
        generated: pulumi.ResourceOptions,
        in_cluster: pulumi.ResourceOptions,
    ) -> None:
        self._name, self._settings, self._cluster, self._given = name, settings, cluster, given
        self._namespaces, self._mirror, self._adopted = namespaces, mirror, adopted
        self._generated, self._in_cluster = generated, in_cluster
        self._keys = Keys(name, cluster, generated)
        self._servers = servers

    def build(self, store: ObjectStoreHandle, token: BackendToken | None) -> OsmoSecrets:
        """Makes all of them; the order is the one in which they need each other.

        Args:
            token: the operator's, where the service reads it from a Secret.
        """
        pull_secrets = self._pull_secrets()
        password, redis = self._database_password(), self._redis_password()
        database_secret = self._secret(f"{self._name}-database", layout.DATABASE_SECRET, {DATABASE.key: password})
        database = self._external_database(database_secret, pull_secrets)
        images = self._image_key.apply(credential_fields) if self._image_key is not None else None
        admin, mek = self._keys.admin(), self._keys.master_encryption_key(*database)
        objects = [
            database_secret,
            self._secret(f"{self._name}-redis", layout.REDIS_SECRET, {layout.REDIS_KEY: redis}),
            self._secret(f"{self._name}-admin", layout.ADMIN_SECRET, {"password": admin}),
            self._mek_config(mek),
            *self._storage_secrets(store),
            *([self._secret(f"{self._name}-token", layout.OPERATOR_TOKEN_SECRET, token.content)] if token else []),
            *(secret for namespace, secret in pull_secrets.items() if namespace == layout.SERVICE_NAMESPACE),
            *([self._secret(f"{self._name}-images", layout.IMAGE_SECRET, images)] if images is not None else []),
        ]
        return OsmoSecrets(
            database_password=password,
            fingerprint_key=self._keys.fingerprint_key(),
            contents={"database": password, "redis": redis, "admin": admin, "mek": mek, "storage": store.credential or {}}
            | ({} if images is None else {"images": images})
            | ({"token": token.content} if token else {}),
            objects=tuple(objects),
            pull_secrets=pull_secrets,
        )

    @property
    def _image_key(self) -> pulumi.Output[str] | None:
        return self._given.ngc_api_key if self._settings.images.credentials == "ngc" else None

    def _database_password(self) -> pulumi.Output[str]:
        chosen, services = self._given.database_password, self._cluster.services
        match self._settings.database:
            case InClusterDatabase():
                return self._keys.database_password(chosen)
            case ExternalDatabase():
                return _required(chosen)
            case ManagedDatabase():
                return _required(services.database.password if services and services.database else None)

    def _redis_password(self) -> pulumi.Output[str]:
        services = self._cluster.services
        match self._settings.redis:
            case InClusterRedis():
                return pulumi.Output.secret("")  # it has none, and upstream's Secret is there all the same
            case ExternalRedis():
                return _required(self._given.redis_password)
            case ManagedRedis():
                return _required(services.redis.password if services and services.redis else None)

    def _external_database(self, password: Secret, pull_secrets: Namespaces) -> tuple[Database, Server] | tuple[None, None]:
        server = self._servers.database
        if server is None:
            return None, None
        managed = self._cluster.services.database if self._cluster.services else None
        after = [password, *pull_secrets.values(), *(managed.resources if managed else ())]
        database = Database(
            f"{self._name}-database-server",
            server,
            connection=self._cluster.connection,
            password=DATABASE,
            image=self._mirror.image(versions().images["postgres"]),
            pull_secret=layout.PULL_SECRET if pull_secrets else None,
            opts=pulumi.ResourceOptions.merge(self._generated, pulumi.ResourceOptions(depends_on=after)),
        )
        return database, server

    def _mek_config(self, mek: pulumi.Output[str]) -> ConfigMap:
        # OSMO's images read the master encryption key from a ConfigMap of this name and from nowhere else
        return ConfigMap(
            f"{self._name}-mek-config",
            metadata={"name": layout.MEK_CONFIG_MAP, "namespace": layout.SERVICE_NAMESPACE},
            data={layout.MEK_KEY: mek},
            opts=self._inside(layout.SERVICE_NAMESPACE),
        )

    def _storage_secrets(self, store: ObjectStoreHandle) -> list[Secret]:
        if store.credential is None:
            return []
        return [self._secret(f"{self._name}-{secret}", secret, store.credential) for secret in layout.STORAGE_SECRETS]

    def _pull_secrets(self) -> dict[str, Secret]:
        if self._image_key is None:
            return {}
        content = {_DOCKER_CONFIG: self._image_key.apply(docker_config)}
        return {
            namespace: Secret(
                f"{self._name}-{layout.PULL_SECRET}-{namespace}",
                metadata={"name": layout.PULL_SECRET, "namespace": namespace},
                type="kubernetes.io/dockerconfigjson",
                string_data=self._kept(namespace, layout.PULL_SECRET, content),
                opts=self._inside(namespace),
            )
            for namespace in self._namespaces
        }

    def _secret(self, resource: str, name: str, content: pulumi.Input[Mapping[str, pulumi.Input[str]]]) -> Secret:
        return Secret(
            resource,
            metadata={"name": name, "namespace": layout.SERVICE_NAMESPACE},
            string_data=self._kept(layout.SERVICE_NAMESPACE, name, content),
            opts=self._inside(layout.SERVICE_NAMESPACE),
        )

    def _kept(self, namespace: str, name: str, content: pulumi.Input[Mapping[str, pulumi.Input[str]]]) -> Any:  # noqa: ANN401 (an input)
        return self._adopted.content_of(namespace, name, content) if self._adopted else content

    def _inside(self, namespace: str) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._in_cluster, pulumi.ResourceOptions(depends_on=[self._namespaces[namespace]]))


def _required(secret: pulumi.Output[str] | None) -> pulumi.Output[str]:
    if secret is None:  # the loader refuses it with the setting that needs it
        raise LookupError("the password of a database or Redis outside the cluster is missing")
    return secret
