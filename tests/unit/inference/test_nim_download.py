"""What the download Job runs: what it asks for, where it puts it, and what it says when it fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from components.inference.nim_operator.download import digest, download_spec, script
from sdg.catalog.key_shapes import key_shape
from sdg.catalog.nims import nims
from sdg.platform.taints import toleration
from sdg.settings.mirror import Mirror

MODEL = "Qwen/Qwen2.5-14B-Instruct"
PACKAGES = ("huggingface_hub==1.2.3", "hf_transfer==4.5.6")


class Pod:
    """The Job's container, with programs of its own in place of `hf` and `pip`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.home, self.log, self.calls = folder / "bin", folder / "home", folder / "termination-log", folder / "calls"
        self.bin.mkdir()
        (self.home / "hub").mkdir(parents=True)
        for tool in ("bash", "cat", "chmod", "cut", "du", "grep", "mktemp", "tail", "tee", "tr", "echo"):
            (self.bin / tool).symlink_to(f"/usr/bin/{tool}" if Path(f"/usr/bin/{tool}").exists() else f"/bin/{tool}")

    def has(self, program: str, body: str) -> None:
        file = self.bin / program
        file.write_text(f'#!/usr/bin/env bash\necho "{program} $*" >> {self.calls}\n{body}\n')
        file.chmod(0o755)

    def run(self, *, revision: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "bash"), "-c", script(), "hf-download", MODEL, revision, *PACKAGES]
        environ = {"PATH": str(self.bin), "HF_HOME": str(self.home), "TERMINATION_LOG": str(self.log), "TMPDIR": str(self.home)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=20)

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()

    @property
    def said(self) -> str:
        return self.log.read_text().strip()


@pytest.fixture
def pod(tmp_path):
    return Pod(tmp_path)


@pytest.mark.parametrize(("revision", "more"), [("", ""), ("0123abcd", " --revision 0123abcd")])
def test_it_downloads_the_model_and_says_how_much_there_is(pod, revision, more):
    pod.has("hf", "exit 0")
    done = pod.run(revision=revision)
    assert (done.returncode, pod.called) == (0, [f"hf download {MODEL}{more}"])
    assert f"{pod.home}/hub" in done.stdout
    assert not pod.log.exists()


def test_it_installs_the_pinned_packages_where_the_image_has_no_hf(pod):
    pod.has("pip", f"printf '#!/usr/bin/env bash\\nexit 0\\n' > {pod.bin}/hf; chmod +x {pod.bin}/hf")
    assert pod.run().returncode == 0
    (installed,) = pod.called
    assert installed.endswith(" ".join(PACKAGES))


def test_packages_that_cannot_be_had_are_the_reason(pod):
    pod.has("pip", "echo 'ERROR: No matching distribution found for huggingface_hub==1.2.3' >&2; exit 1")
    assert pod.run().returncode == 1
    assert pod.said == "pip install: ERROR: No matching distribution found for huggingface_hub==1.2.3"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("401 Client Error: Unauthorized for url: https://huggingface.co/api/models", "HTTP 401: Hugging Face does not accept the token"),
        ("403 Client Error. Cannot access gated repo for url", "HTTP 403: Hugging Face does not let the token's user read"),
        ("404 Client Error: Not Found for url", f"HTTP 404: Hugging Face has no {MODEL}"),
        ("429 Client Error: Too Many Requests for url", "HTTP 429: Hugging Face limits how often"),
        ("429 Too Many Requests", "HTTP 429: Hugging Face limits how often"),
        ("OSError: [Errno 28] No space left on device", "hf download: OSError: [Errno 28] No space left on device"),
    ],
)
def test_what_the_hub_answers_is_the_termination_message(pod, answer, reason):
    pod.has("hf", f"printf 'Fetching 429 files\\rFetching 17 files:  6%%\\r\\n' >&2; echo '{answer}' >&2; exit 1")
    done = pod.run()
    assert done.returncode == 1
    assert pod.said.startswith(reason)
    assert pod.said in done.stderr, "and the log's"
    assert len(pod.said.splitlines()) == 1


def test_a_number_that_is_no_answer_is_none(pod):
    pod.has("hf", "echo 'Fetching 429 files' >&2; echo 'Connection reset by peer' >&2; exit 1")
    pod.run()
    assert pod.said == "hf download: Connection reset by peer"


def test_a_download_that_says_nothing_ends_with_what_failed(pod):
    pod.has("hf", "exit 7")
    assert pod.run().returncode == 1
    assert pod.said == "hf download:"


def test_the_message_fits_where_kubernetes_keeps_it(pod):
    pod.has("hf", f"echo '{'x' * 9000}' >&2; exit 1")
    pod.run()
    assert len(pod.said) <= 1000


def test_the_token_is_never_on_a_command_line(pod):
    spec = download_spec("qwen25-14b", nims()["qwen25-14b"].hugging_face, Mirror(), ())
    (container,) = spec["template"]["spec"]["containers"]
    assert "HF_TOKEN" not in " ".join(container["command"])
    assert "value" not in next(entry for entry in container["env"] if entry["name"] == "HF_TOKEN")


def test_it_runs_on_nodes_without_gpus_whatever_taints_those_have():
    spec = download_spec("qwen25-14b", nims()["qwen25-14b"].hugging_face, Mirror(), [toleration("team=video:NoSchedule")])
    pod = spec["template"]["spec"]
    assert pod["tolerations"] == [{"key": "team", "operator": "Equal", "value": "video", "effect": "NoSchedule"}]
    assert "resources" not in pod["containers"][0]


@pytest.mark.parametrize("name", [name for name, nim in nims().items() if nim.hugging_face and nim.hugging_face.download == "job"])
def test_nothing_in_it_looks_like_a_key(name):
    spec = download_spec(name, nims()[name].hugging_face, Mirror(), ())
    (container,) = spec["template"]["spec"]["containers"]
    for text in (*container["command"], *(entry.get("value", "") for entry in container["env"])):
        assert key_shape(text) is None


def test_a_digest_tells_contents_apart_and_not_their_order():
    assert digest({"a": 1, "b": 2}, "key") == digest({"b": 2, "a": 1}, "key")
    assert digest({"a": 1}, "key") != digest({"a": 1}, "other")


def test_the_script_reads_as_bash(tmp_path):
    file = tmp_path / "download.sh"
    file.write_text(script())
    assert subprocess.run(["bash", "-n", str(file)], check=False, env=os.environ).returncode == 0
