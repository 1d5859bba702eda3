"""What a pod of the service was told by its chart: pure functions on pod specs.

Where the charts put it is theirs (rehearsal/charts/service); tests of both keep them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from packaging.version import InvalidVersion, Version

from rehearsal.api import Object

TOKEN_DIRECTORY = "--backend_token_directory"  # noqa: S105 - an argument's name
SECRETS_DIRECTORY = "/etc/osmo/secrets/"
TOKEN_VOLUME = "backend-token-"  # noqa: S105 - the beginning of volumes' names

SERVICE_DATABASE = ("OSMO_POSTGRES_HOST", "OSMO_POSTGRES_PORT", "OSMO_POSTGRES_DATABASE")
CLIENT_DATABASE = ("PGHOST", "PGPORT", "DATABASE")
KEY_CONFIG_MAP = "mek-config"


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a server."""

    host: str
    port: str
    name: str

    @property
    def key(self) -> str:
        """A name for the database that is the same wherever it is used from, and can name a file."""
        return f"external-{sha256(f'{self.host}:{self.port}/{self.name}'.encode()).hexdigest()[:16]}"


def image(spec: Object) -> str:
    """The image of the pod's own program."""
    images: list[str] = [container["image"] for container in spec["containers"]]
    return next((found for found in images if "/service:" in found), images[0])


def version_of(reference: str) -> Version | None:
    """The version that an image's tag names; None for one like `latest`."""
    tag = reference.partition("@")[0].rpartition("/")[2].partition(":")[2]
    try:
        return Version(tag)
    except InvalidVersion:
        return None


def arguments(spec: Object) -> list[str]:
    return [str(argument) for container in spec["containers"] for argument in container.get("args") or []]


def environment(spec: Object) -> dict[str, Object]:
    """The variables of all containers, by name."""
    return {variable["name"]: variable for container in spec["containers"] for variable in container.get("env") or []}


def mounts_key(spec: Object) -> bool:
    """Whether the pod reads the master encryption key."""
    return any((volume.get("configMap") or {}).get("name") == KEY_CONFIG_MAP for volume in spec.get("volumes") or [])


def database(spec: Object, variables: tuple[str, str, str] = SERVICE_DATABASE) -> Server | None:
    """The database that a pod uses: host, port and name from these variables; None when it is told of none."""
    given = environment(spec)
    found = [str((given.get(variable) or {}).get("value") or "") for variable in variables]
    return Server(*found) if all(found) else None


def mounted_secrets(spec: Object) -> set[str]:
    """The Secrets that the configuration may name: those that the pod mounts where the service looks for them."""
    mounts = [mount for container in spec["containers"] for mount in container.get("volumeMounts") or []]
    seen = {mount["name"] for mount in mounts if str(mount["mountPath"]).startswith(SECRETS_DIRECTORY)}
    return {volume["secret"]["secretName"] for volume in spec.get("volumes") or [] if volume["name"] in seen and "secret" in volume}


def token_secrets(spec: Object) -> Mapping[str, str] | None:
    """Names of operators' credentials → Secrets that the service reads their tokens from; None when it knows only tokens of its own."""
    if TOKEN_DIRECTORY not in arguments(spec):
        return None
    volumes = {volume["name"]: (volume.get("secret") or {}).get("secretName", "") for volume in spec.get("volumes") or []}
    return {name.removeprefix(TOKEN_VOLUME): secret for name, secret in volumes.items() if name.startswith(TOKEN_VOLUME)}
