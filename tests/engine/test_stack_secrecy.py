"""No secret of a stack lies in plain: not in its state, its output, a command line, or a file that others can read."""

from __future__ import annotations

import base64
import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml

from sdg.secrecy import findings

# nothing of this stack uses the first two yet: they must not lie anywhere at all
PLANTED = {
    "NGC_API_KEY": "nvapi-PlantedForTheTest-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
    "HF_TOKEN": "hf_PlantedForTheTest0123456789abcdef",
    "POSTGRES_PASSWORD": "planted-database-password-x",
    "MINIO_ROOT_PASSWORD": "planted-object-store-password-x",
}


class CommandLines:
    """Every command line that any process had while the block ran."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add("\0".join(process.info["cmdline"] or []))


@pytest.fixture(scope="module")
def update(stack, tmp_path_factory):
    """An update and a preview with planted keys: what was printed, every command line, and the temporary files."""
    temporary = tmp_path_factory.mktemp("tmp")
    planted = replace(stack, environment={**stack.environment, **PLANTED, "TMPDIR": str(temporary)})
    with CommandLines() as lines:
        done = planted.up("--policy-pack", "policy")
        preview = planted.pulumi("preview", "--json")
    assert done, done.ending
    assert preview, preview.output
    return {"stack": planted, "printed": done.output + preview.output, "lines": lines.seen, "temporary": temporary}


@pytest.fixture(scope="module")
def secrets(update):
    """All secrets that the running platform uses, by name."""

    def content(kind, name, namespace):
        return json.loads(update["stack"].kubectl("get", kind, name, "-n", namespace, "-o", "json"))["data"]

    def decoded(name, namespace, key):
        return base64.b64decode(content("secret", name, namespace)[key]).decode()

    kubeconfig = yaml.safe_load(Path(update["stack"].environment["KUBECONFIG"]).read_text())
    return PLANTED | {
        "admin token": decoded("default-admin-secret", "osmo-minimal", "password"),
        "operator token": decoded("osmo-operator-token", "osmo-operator", "token"),
        "master encryption key": yaml.safe_load(content("configmap", "mek-config", "osmo-minimal")["mek.yaml"])["meks"]["key1"],
        "cluster token": kubeconfig["users"][0]["user"]["token"],
    }


def test_the_platform_really_uses_the_planted_passwords(update):
    used = update["stack"].kubectl("get", "secret", "minio-root", "-n", "minio-operator", "-o", "jsonpath={.data.root-password}")
    assert base64.b64decode(used).decode() == PLANTED["MINIO_ROOT_PASSWORD"]
    environment = update["stack"].kubectl("get", "deployment", "postgres", "-n", "osmo-minimal", "-o", "yaml")
    assert PLANTED["POSTGRES_PASSWORD"] in environment


def test_the_exported_state_holds_every_secret_encrypted(update, secrets):
    exported = update["stack"].run("pulumi", "stack", "export", "--stack", "rehearsal")
    document = json.loads(exported.output)
    assert len(document["deployment"]["resources"]) > 30
    assert [finding.sentence() for finding in findings(document, secrets)] == []


def test_a_preview_shows_no_secret(update, secrets):
    preview = update["stack"].run("pulumi", "preview", "--json", "--stack", "rehearsal", "--non-interactive")
    document = json.loads(preview.output[preview.output.index("{") :])
    assert document["steps"]
    assert [finding.sentence() for finding in findings(document, secrets)] == []


def test_nothing_that_was_printed_holds_a_secret(update, secrets):
    assert [name for name, value in secrets.items() if value in update["printed"]] == []


def test_no_command_line_held_a_secret(update, secrets):
    assert any("helm" in line for line in update["lines"]), "the watch saw nothing"
    assert [name for name, value in secrets.items() if any(value in line for line in update["lines"])] == []


def test_no_file_that_others_can_read_holds_a_secret(update, secrets):
    roots = (update["stack"].state, update["temporary"], Path(update["stack"].environment["XDG_STATE_HOME"]))
    holding = [(path, root) for root in roots for path in root.rglob("*") if path.is_file() and _holds_one(path, secrets)]
    assert any(root == roots[0] for _, root in holding), "the rehearsal's own kubeconfig holds one"
    assert any(root == roots[2] for _, root in holding), "the forward's kubeconfig holds one"
    assert [str(path) for path, root in holding if _others_can_read(path, root)] == []


def test_no_temporary_file_with_a_secret_is_left(update, secrets):
    left = [path for path in update["temporary"].rglob("*") if path.is_file()]
    assert [str(path) for path in left if _holds_one(path, secrets)] == []


def _holds_one(path: Path, secrets: dict[str, str]) -> bool:
    content = path.read_bytes()
    return any(value.encode() in content for value in secrets.values())


def _others_can_read(path: Path, root: Path) -> bool:
    """Whether nothing on the way from the rehearsal's folder to the file keeps others out."""
    way = [path, *(parent for parent in path.parents if parent == root or root in parent.parents)]
    return all(step.stat().st_mode & (stat.S_IXOTH | stat.S_IROTH) for step in way)
