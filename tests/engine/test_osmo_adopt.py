"""An OSMO that was installed by hand, with the scheduler and the MinIO it needs: named, taken over as it is, brought in line.

KAI comes from its chart and MinIO from manifests with the names of MicroK8s' addon, and both stay somebody else's from beginning to end.
"""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

import pytest
import yaml

from rehearsal.tools import Tools
from sdg.osmo import layout
from sdg.osmo.reach import client

MINIMAL, OPERATOR, WORKFLOWS = "osmo-minimal", "osmo-operator", "osmo-workflows"
PASSWORD = "handmade-database-password"
STORAGE = {
    "access_key_id": "osmoadmin",
    "access_key": "handmade-storage-key",
    "endpoint": "s3://osmo-workflows",
    "region": "us-east-1",
    "override_url": "http://minio.minio-operator.svc.cluster.local:80",
    "addressing_style": "path",
}
DATA = Path(__file__).parents[1] / "data" / "by-hand"


def service_values(storage_class):
    values = yaml.safe_load((DATA / "service.yaml").read_text())
    stores = values["services"]
    stores["postgres"] |= {"storageClassName": storage_class, "password": PASSWORD}
    stores["redis"] |= {"storageClassName": storage_class}
    return values


def helm(stack, *arguments):
    homes = [f"HELM_{kind}_HOME={stack.state / 'helm-of-tests' / kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")]
    done = stack.run("env", *homes, str(Tools.locate().path("helm")), *arguments)
    assert done, done.ending
    return done.output


KAI, MINIO = "kai-scheduler", "minio-operator"
S3 = {"provider": "s3", "endpoint": STORAGE["override_url"], "addressingStyle": "path"}
LEFT_ALONE = {"objectStore": S3, "kaiScheduler": {"install": False}}

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class ByHand:
    """Installs OSMO and what it needs with kubectl and helm alone."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder

    def install(self):
        self._scheduler()
        self._minio()
        for namespace in (MINIMAL, OPERATOR, WORKFLOWS):
            self.stack.kubectl("create", "namespace", namespace)
        self._secret(MINIMAL, "db-secret", {"db-password": PASSWORD})
        self._secret(MINIMAL, "redis-secret", {"redis-password": ""})
        self._secret(MINIMAL, "default-admin-secret", {"password": secrets.token_urlsafe(32)})
        for name in layout.STORAGE_SECRETS:
            self._secret(MINIMAL, name, STORAGE)
        self._key()
        classes = json.loads(self.stack.kubectl("get", "storageclasses", "--output", "json"))["items"]
        (storage_class,) = [each for each in classes if DEFAULT_CLASS in (each["metadata"].get("annotations") or {})]
        self._release("osmo-minimal", MINIMAL, "service", service_values(storage_class["metadata"]["name"]))
        self.stack.kubectl("--namespace", MINIMAL, "rollout", "status", "deployment", "--timeout", "60s")
        self._secret(OPERATOR, "osmo-operator-token", {"token": self._token()})
        self._release("osmo-operator", OPERATOR, "backend-operator", yaml.safe_load((DATA / "backend-operator.yaml").read_text()))
        self.stack.kubectl("--namespace", OPERATOR, "rollout", "status", "deployment", "--timeout", "60s")

    def _scheduler(self):
        (address,) = (url for source, url in self.stack.config("mirror")["downloads"].items() if source in "https://github.com/NVIDIA")
        chart = f"{address}/NVIDIA/KAI-Scheduler/releases/download/v0.14.0/kai-scheduler-v0.14.0.tgz"
        # else it gives pods that ask for no GPU the runtime that nodes without GPUs lack
        chosen = ("--set-string", "admission.gpuPodRuntimeClassName=")
        helm(self.stack, "install", "kai-scheduler", chart, "--namespace", KAI, "--create-namespace", *chosen)
        self.stack.kubectl("--namespace", KAI, "rollout", "status", "deployment", "--timeout", "60s")

    def _minio(self):
        self.stack.kubectl("create", "namespace", MINIO)
        lines = [f'export MINIO_ROOT_{key}="{value}"' for key, value in {"USER": "osmoadmin", "PASSWORD": STORAGE["access_key"]}.items()]
        self._secret(MINIO, "microk8s-env-configuration", {"config.env": "\n".join(lines)})
        self.stack.kubectl("--namespace", MINIO, "apply", "--filename", str(DATA / "minio.yaml"))
        self.stack.kubectl("--namespace", MINIO, "rollout", "status", "deployment", "minio", "--timeout", "60s")

    def _secret(self, namespace, name, content):
        literals = [f"--from-literal={key}={value}" for key, value in content.items()]
        self.stack.kubectl("--namespace", namespace, "create", "secret", "generic", name, *literals)

    def _key(self):
        key = {"k": base64.b64encode(secrets.token_bytes(32)).decode(), "kid": "key1", "kty": "oct"}
        encoded = base64.b64encode(json.dumps(key).encode()).decode()
        file = self.folder / "mek.yaml"
        file.write_text(f"currentMek: key1\nmeks:\n  key1: {encoded}\n")
        self.stack.kubectl("--namespace", MINIMAL, "create", "configmap", "mek-config", f"--from-file=mek.yaml={file}")

    def _release(self, release, namespace, chart, values):
        file = self.folder / f"{release}.yaml"
        file.write_text(yaml.safe_dump(values))
        (repository,) = (url for source, url in self.stack.config("mirror")["charts"].items() if source in "https://helm.ngc.nvidia.com")
        command = ["install", release, chart, "--repo", f"{repository}/nvidia/osmo", "--version", "1.3.1", "--namespace", namespace]
        helm(self.stack, *command, "--values", str(file))

    def _token(self):
        connection = {"kubeconfig": (self.stack.state / "kubeconfig").read_text()}
        with client(connection, **layout.GATEWAY) as osmo:
            osmo.ensure_user("backend-operator", ("osmo-backend",))
            return osmo.mint_token("backend-operator", "backend-token", ("osmo-backend",), 100)


@pytest.fixture(scope="module")
def by_hand(stack, tmp_path_factory):
    """OSMO, installed by hand; nothing of the stack is there."""
    ByHand(stack, tmp_path_factory.mktemp("by-hand")).install()
    return stack


def foreign(stack):
    """Everything of the scheduler and of MinIO, by uid and generation: no content, label or annotation of it may change."""
    inside = "secrets,configmaps,services,serviceaccounts,deployments,pods,persistentvolumeclaims"
    scoped = "namespaces,schedulingshards,queues.scheduling.run.ai,customresourcedefinitions,clusterroles"
    listed = [item for name in (KAI, MINIO) for item in objects(stack, "--namespace", name, "get", inside)]
    listed += [item for item in objects(stack, "get", scoped) if item["metadata"]["name"] in {KAI, MINIO} or is_kais(item)]
    return {
        (item["kind"], item["metadata"]["name"]): (
            item["metadata"]["uid"],
            item["metadata"].get("generation"),
            item["metadata"].get("labels"),
            item["metadata"].get("annotations"),
            item.get("data"),
            item["spec"] if item["kind"] == "Service" else None,
        )
        for item in listed
    }


def is_kais(item):
    noted = (item["metadata"].get("annotations") or {}).get("meta.helm.sh/release-namespace")
    return noted == KAI or item["metadata"]["name"].endswith(("kai.scheduler", "scheduling.run.ai"))


def objects(stack, *arguments):
    return json.loads(stack.kubectl(*arguments, "--output", "json"))["items"]


@pytest.fixture(scope="module")
def keys(by_hand):
    """The keys of the object store, as somebody found them."""
    for name, value in {"storageAccessKeyId": STORAGE["access_key_id"], "storageAccessKey": STORAGE["access_key"]}.items():
        done = by_hand.pulumi("config", "set", "--secret", f"sdg:{name}", value)
        assert done, done.ending


def pods(stack):
    """The pods of OSMO by name, each with its uid."""
    found = {}
    for namespace in (MINIMAL, OPERATOR):
        listed = json.loads(stack.kubectl("--namespace", namespace, "get", "pods", "--output", "json"))["items"]
        found |= {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in listed}
    return found


def kept(stack):
    """Every Secret and ConfigMap of OSMO that Helm did not make, with its content."""
    found = {}
    for namespace in (MINIMAL, OPERATOR):
        for item in json.loads(stack.kubectl("--namespace", namespace, "get", "secrets,configmaps", "--output", "json"))["items"]:
            labels = item["metadata"].get("labels") or {}
            if labels.get("owner") != "helm" and labels.get("app.kubernetes.io/managed-by") != "Helm":
                found[f"{item['kind']}/{namespace}/{item['metadata']['name']}"] = item.get("data")
    return found


def values(stack):
    return yaml.safe_load(helm(stack, "get", "values", "osmo-minimal", "--namespace", MINIMAL, "--output", "yaml"))


NAMED = {
    "OSMO": (
        {"osmo": None, "platform": LEFT_ALONE},
        [
            "Helm release osmo-minimal of namespace osmo-minimal is there already (chart service 1.3.1, deployed)",
            "--path sdg:osmo.adopt true",
        ],
    ),
    "MinIO": (
        {"osmo": {"adopt": True}, "platform": {"kaiScheduler": {"install": False}}},
        ["Namespace minio-operator is there already", "provider s3", "http://minio.minio-operator.svc.cluster.local:80 "],
    ),
    "KAI": (
        {"osmo": {"adopt": True}, "platform": {"objectStore": S3}},
        ["Namespace kai-scheduler is there already", "--path sdg:platform.kaiScheduler.install false"],
    ),
    "all of it": ({"osmo": None, "platform": None}, ["is there already"]),
}


@pytest.mark.parametrize(("chosen", "said"), NAMED.values(), ids=NAMED)
def test_what_was_installed_by_hand_is_named_at_preview_and_left_alone(by_hand, keys, chosen, said):
    before, running = foreign(by_hand), pods(by_hand)
    by_hand.configure(**chosen)
    preview = by_hand.pulumi("preview")
    assert not preview
    assert all(part in preview.output for part in said), preview.output
    up = by_hand.up()
    assert not up
    assert "is there already" in up.output
    assert (foreign(by_hand), pods(by_hand)) == (before, running)


def test_a_destroy_after_a_refused_update_takes_nothing_of_somebody_elses(by_hand):
    before, running = foreign(by_hand), pods(by_hand)
    destroyed = by_hand.pulumi("destroy", "--yes", "--skip-preview", timeout=280)
    assert destroyed, destroyed.output
    assert (foreign(by_hand), pods(by_hand)) == (before, running)


def test_adoption_changes_no_pod_no_key_and_no_value_and_a_second_update_is_empty(by_hand, keys):
    before, contents, chosen = pods(by_hand), kept(by_hand), values(by_hand)
    others = foreign(by_hand)
    by_hand.configure(osmo={"adopt": True}, platform=LEFT_ALONE)
    up = by_hand.up(timeout=280)
    assert up, up.output
    assert "Helm release osmo-operator of namespace osmo-operator is taken over" in up.output
    assert pods(by_hand) == before
    assert kept(by_hand) == contents
    assert values(by_hand) == chosen
    assert foreign(by_hand) == others
    preview = by_hand.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output


def test_the_state_of_an_adopted_installation_holds_no_secret_in_plain(by_hand):
    exported = by_hand.run("pulumi", "stack", "export", "--stack", "rehearsal").output
    assert PASSWORD not in exported
    assert STORAGE["access_key"] not in exported


def test_without_adoption_the_preview_shows_what_would_be_brought_in_line_and_the_update_keeps_the_keys(by_hand):
    contents = kept(by_hand)
    by_hand.configure(osmo=None)
    preview = by_hand.pulumi("preview", "--diff")
    assert preview, preview.output
    # what somebody chose by hand is not shown: it may hold a key
    assert "~ failureThreshold: [secret] => 30" in preview.output
    assert PASSWORD not in preview.output
    up = by_hand.up(timeout=280)
    assert up, up.output
    after = kept(by_hand)
    keys = ("ConfigMap/osmo-minimal/mek-config", "Secret/osmo-minimal/db-secret", "Secret/osmo-operator/osmo-operator-token")
    assert {key: after[key] for key in keys} == {key: contents[key] for key in keys}
    assert values(by_hand)["services"]["delayedJobMonitor"]["startupProbe"]["failureThreshold"] == 30
    preview = by_hand.pulumi("preview", "--refresh", "--expect-no-changes")
    assert preview, preview.output


def test_destroy_takes_what_was_adopted_and_leaves_the_scheduler_and_the_object_store(by_hand):
    before = foreign(by_hand)
    destroyed = by_hand.pulumi("destroy", "--yes", "--skip-preview", timeout=280)
    assert destroyed, destroyed.output
    assert foreign(by_hand) == before
    namespaces = {item["metadata"]["name"] for item in objects(by_hand, "get", "namespaces")}
    assert not {MINIMAL, OPERATOR, WORKFLOWS} & namespaces
