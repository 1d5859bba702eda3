"""Both generations of OSMO on a virtual cluster, with the product's own values: what an upgrade, a lost key and a wrong token do."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rehearsal.cluster import VirtualCluster
from rehearsal.nodes import DEFAULT_PROFILE
from rehearsal.state import StateDir
from rehearsal.tools import Tools
from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.values import Images, operator_values, service_values, storage_choice
from sdg.settings.osmo import Osmo

pytestmark = pytest.mark.xdist_group("generations-cluster")

Json = dict[str, Any]
DEFINITIONS = Path(__file__).parents[2] / "rehearsal" / "charts" / "kai-scheduler" / "crds"
EXTERNAL: Json = {
    "database": {"kind": "external", "host": "db.example.com", "user": "osmo"},
    "redis": {"kind": "external", "host": "redis.example.com"},
}
TOKEN, OTHER_TOKEN = "a" * 43, "b" * 43
KEY, OTHER_KEY = ("currentMek: key1\nmeks: {key1: one}", "currentMek: key1\nmeks: {key1: another}")


@dataclass(frozen=True)
class Site:
    """A virtual cluster whose OSMO keeps its data outside of it."""

    tools: Tools
    state: StateDir

    def kubectl(self, *arguments: str, given: object = None) -> str:
        return self._run("kubectl", *arguments, given=given).stdout

    def apply(self, *objects: Json) -> None:
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": objects})

    def upgrade(self, chart: str, release: str, profile: str, values: Json) -> None:
        file = self.state.root / f"{release}.json"
        file.write_text(json.dumps(values))
        source = (chart, "--repo", f"{self.state.service_urls()['charts']}/nvidia/osmo")
        version = versions().profiles[profile].releases[0].chart
        self._run("helm", "upgrade", "--install", release, *source, "--version", version, "-n", release, "-f", str(file))

    def install(self, profile: str, **settings: object) -> None:
        """Brings the service's release to a generation."""
        chosen = Osmo.model_validate({"profile": profile, **EXTERNAL, **settings})
        values = service_values(
            chosen,
            images=_images(profile),
            storage=storage_choice("s3://osmo-workflows"),
            gpus="shared",
            storage_class="unused",
            database_password="unused",
            optix=False,
            secrets_fingerprint="none",
        )
        self.upgrade("service", layout.SERVICE_RELEASE, profile, values)

    def install_operator(self, profile: str) -> None:
        values = operator_values(Osmo.model_validate({"profile": profile}), images=_images(profile), token_fingerprint="none")
        self.upgrade("backend-operator", layout.OPERATOR_RELEASE, profile, values)

    def answers(self, path: str) -> httpx.Response:
        return httpx.get(self.state.service_urls()["osmo"] + path, timeout=20)

    def version(self) -> str:
        answer = self.answers("/api/version")
        return "{major}.{minor}.{revision}".format(**answer.json()) if answer.status_code == 200 else str(answer.status_code)

    def pool(self) -> str:
        found = self.answers("/api/pool_quota?all_pools=true")
        return str(found.json()["node_sets"][0]["pools"][0]["status"]) if found.status_code == 200 else str(found.status_code)

    def last_words(self) -> str:
        """What the service's pods said that crash."""
        pods = json.loads(self.kubectl("get", "pods", "-n", layout.SERVICE_NAMESPACE, "-l", "app=osmo-service", "-o", "json"))["items"]
        states = [status.get("lastState", {}) for pod in pods for status in pod["status"].get("containerStatuses", [])]
        return "\n".join(state["terminated"].get("message", "") for state in states if "terminated" in state)

    def _run(self, tool: str, *arguments: str, given: object = None) -> subprocess.CompletedProcess[str]:
        homes = {f"HELM_{kind}_HOME": str(self.state.root / "helm-of-tests" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [self.tools.path(tool), *arguments],
            input=None if given is None else json.dumps(given),
            env=os.environ | homes | {"KUBECONFIG": str(self.state.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done


def _images(profile: str) -> Images:
    return Images(versions().registries.osmo, versions().profiles[profile].releases[0].tag)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tools, state = Tools.locate(), StateDir(tmp_path_factory.mktemp("cluster") / "state")
    virtual = VirtualCluster(state, tools)
    try:
        virtual.start(DEFAULT_PROFILE)
        found = Site(tools, state)
        found.apply(*(yaml.safe_load(path.read_text()) for path in sorted(DEFINITIONS.glob("*.yaml"))))
        found.apply(*prerequisites())
        yield found
    finally:
        virtual.stop(purge=True)


def named(kind: str, name: str, content: Mapping[str, str], namespace: str = layout.SERVICE_NAMESPACE) -> Json:
    field = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, field: dict(content)}


def prerequisites(*, key: str = KEY, admin: str = "x" * 43) -> list[Json]:
    names = (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE, layout.WORKFLOWS_NAMESPACE)
    storage = {"access_key_id": "a", "access_key": "b", "endpoint": "s3://osmo-workflows"}
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names),
        named("ConfigMap", layout.MEK_CONFIG_MAP, {"mek.yaml": key}),
        named("Secret", layout.ADMIN_SECRET, {"password": admin}),
        named("Secret", layout.DATABASE_SECRET, {"db-password": "given"}),
        named("Secret", layout.REDIS_SECRET, {"redis-password": "given"}),
        *(named("Secret", name, storage) for name in layout.STORAGE_SECRETS),
        *(named("Secret", layout.OPERATOR_TOKEN_SECRET, {"token": TOKEN}, name) for name in names[:2]),
    ]


def eventually(found: Callable[[], str], wanted: str, seconds: float = 45) -> None:
    """Waits until what is found holds the wanted text."""
    deadline = time.monotonic() + seconds
    while wanted not in (seen := found()):
        assert time.monotonic() < deadline, f"{wanted!r} is not in {seen!r}"
        time.sleep(0.2)


@pytest.mark.full
def test_from_6_3_to_6_4_with_a_migration_a_token_from_a_secret_and_a_lost_key(site):
    site.install("6.3")
    eventually(site.version, "6.3.1")

    # without the migration the new pod crashes, and the old one goes on
    site.install("6.4")
    eventually(site.last_words, "the database's schema is that of 6.3, and not of 6.4")
    assert site.version() == "6.3.1"

    site.install("6.4", migrate=True)
    eventually(site.version, "6.4.0")

    # the operator gets in with the token that the service has mounted, and with no other
    site.install_operator("6.4")
    eventually(site.pool, "ONLINE")
    site.apply(named("Secret", layout.OPERATOR_TOKEN_SECRET, {"token": OTHER_TOKEN}))
    eventually(site.pool, "OFFLINE")
    site.apply(named("Secret", layout.OPERATOR_TOKEN_SECRET, {"token": OTHER_TOKEN, "previous-token": TOKEN}))
    eventually(site.pool, "ONLINE")

    # the namespace goes with the key; the database is elsewhere and stays as it was
    site.kubectl("delete", "namespace", layout.SERVICE_NAMESPACE, "--timeout=60s")
    site.apply(*prerequisites(key=OTHER_KEY))
    site.install("6.4")
    eventually(site.last_words, "service_auth cannot be decrypted")
    site.apply(named("ConfigMap", layout.MEK_CONFIG_MAP, {"mek.yaml": KEY}))
    eventually(site.version, "6.4.0")


def test_an_admin_password_of_the_wrong_length_keeps_the_api_in_a_crash_loop(site):
    site.kubectl("delete", "namespace", layout.SERVICE_NAMESPACE, "--ignore-not-found", "--timeout=60s")
    site.apply(*prerequisites(admin="short"))
    site.install("6.4")
    eventually(site.last_words, "the default admin's password must have 43 characters; it has 5")
    site.apply(named("Secret", layout.ADMIN_SECRET, {"password": "x" * 43}))
    eventually(site.version, "6.4.0")
