"""OSMO's database on a server outside the cluster: a pod makes it where it is lacking, and counts what is in it.

The pod asks with the PostgreSQL client, from where OSMO will ask. What it finds stands in its container's last words: its phase alone
says nothing about the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from sdg.kube.api import Json
from sdg.kube.held import Holder
from sdg.osmo import layout

NAME: Final = "osmo-db-ops"
LABELS: Final = {"app.kubernetes.io/name": NAME}
DEADLINE: Final = 120.0  # seconds from the pod's creation to its end
_CONNECT_TIMEOUT: Final = 10  # seconds
_COUNTED: Final = re.compile(r"^OSMO_DB_TABLE_COUNT=(\d+)$", re.MULTILINE)

# the environment says which server, user and database: nothing is put into this text, and no password onto a command line
SCRIPT: Final = """set -eu
if ! known=$(psql --dbname="$DATABASE" --no-align --tuples-only --command='SELECT 1' 2>&1); then
  case "$known" in
    *'does not exist'*) createdb --maintenance-db=postgres "$DATABASE" ;;
    *) echo "$known" >&2; exit 1 ;;
  esac
fi
count=$(psql --dbname="$DATABASE" --no-align --tuples-only \\
  --command="SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
echo "OSMO_DB_TABLE_COUNT=$count" | tee /dev/termination-log
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Which database it is, on which server, and whose.

    Attributes:
        host: its name; while the program runs, it may be an output.
        tls: whether the server refuses connections without TLS, so that those without are not worth trying.
        managed: whether it comes with the cluster, and the stack chose its password.
    """

    host: object
    port: int
    name: str
    user: str
    tls: bool = False
    managed: bool = False

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """Reads what `as_input` wrote; numbers arrive as floats."""
        where = str(properties["host"]), int(properties["port"])
        switches = bool(properties.get("tls")), bool(properties.get("managed"))
        return cls(*where, str(properties["name"]), str(properties["user"]), *switches)

    def as_input(self) -> dict[str, Any]:
        # what stacks hold of a server that may do without stays as it is
        switches = {name: True for name, on in (("tls", self.tls), ("managed", self.managed)) if on}
        return {"host": self.host, "port": self.port, "name": self.name, "user": self.user, **switches}

    def __str__(self) -> str:
        return f"database {self.name} on {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Found:
    """What the pod found.

    Attributes:
        tables: number of tables and views in the database; None when it did not say.
        words: the container's last words, where it failed.
    """

    tables: int | None
    words: str = ""


def client_pod(name: str, server: Server, image: str, password: Holder, pull_secret: str | None) -> Json:
    """The pod.

    Args:
        password: the Secret that holds the password, in the pod's namespace.
        pull_secret: for the image; None where it is pulled anonymously.
    """
    environment = {
        "PGHOST": str(server.host),
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGCONNECT_TIMEOUT": str(_CONNECT_TIMEOUT),
        "DATABASE": server.name,
        **({"PGSSLMODE": "require"} if server.tls else {}),
    }
    from_secret = {"secretKeyRef": {"name": password.name, "key": password.key}}
    container = {
        "name": "psql",
        "image": image,
        "command": ["sh", "-c", SCRIPT],
        "env": [*({"name": key, "value": value} for key, value in environment.items()), {"name": "PGPASSWORD", "valueFrom": from_secret}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": layout.SERVICE_NAMESPACE, "labels": LABELS},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": int(DEADLINE),  # so that it ends even when whoever started it was killed
            "automountServiceAccountToken": False,
            "containers": [container],
            **({"imagePullSecrets": [{"name": pull_secret}]} if pull_secret else {}),
        },
    }


def found(pod: Json) -> Found | None:
    """What a pod says in the end; None while it has not ended."""
    status = pod.get("status") or {}
    if status.get("phase") not in ("Succeeded", "Failed"):
        return None
    statuses = status.get("containerStatuses") or []
    ended = (statuses[0].get("state") or {}).get("terminated") or {} if statuses else {}
    words = str(ended.get("message") or status.get("message") or ended.get("reason") or status.get("reason") or "").strip()
    if status["phase"] == "Failed":
        return Found(None, words or "no last words")
    counted = _COUNTED.search(words)
    return Found(int(counted[1]) if counted else None)
