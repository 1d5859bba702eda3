"""What nvcr.io, Hugging Face, NVIDIA Cloud Functions and others are asked before anything exists, over HTTP on this machine."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sdg.catalog.nims import nim
from sdg.inference.stack import plan_stack
from sdg.preflight.inference import registry, stack
from sdg.preflight.inference.asking import ask, may_carry
from sdg.preflight.model import Finding, Subject
from sdg.settings.parse import check

NGC, HF, OTHER = "nvapi-1", "hf_1", "other-1"
FUNCTION, VERSION = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
QWEN = nim("qwen25-14b")
IMAGE_PATH = f"/registry/v2/{QWEN.image.removeprefix('nvcr.io/').replace(':', '/manifests/')}"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="https://nvcr.io/proxy_auth",service="nvcr.io",scope="repository:nim:pull"'}
MODEL_PATH = f"/hub/api/models/{QWEN.hugging_face.model}" if QWEN.hugging_face else ""
LIST = "/nvcf/v2/nvcf/functions"
LAB = {"kind": "existing", "name": "lab-1", "gpus": 8, "gpusPerNode": 8}
NIMS = {"provider": "nim-operator", "services": ["qwen25-14b"]}
NVCF = {"provider": "nvcf", "functions": {"qwen25-14b": FUNCTION}}
VLLM = {"url": "https://vllm.example.com/v1", "model": "m", "capabilities": ["chat"], "key": "externalApiKey"}
EXTERNAL = {"provider": "external", "endpoints": {"mine": VLLM}}


@dataclass
class Internet:
    """Everybody that is asked, below one address; `said` maps a path to status, headers and body, for anybody or for one authorization."""

    url: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    late: float = 0

    def says(self, path: str, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        self.said[path] = (status, headers or {}, body)

    @property
    def apis(self) -> dict[str, str]:
        paths = {"https://nvcr.io": "registry", "https://huggingface.co": "hub", "https://api.nvcf.nvidia.com": "nvcf"}
        return {source: f"{self.url}/{path}" for source, path in paths.items()} | {"https://vllm.example.com": f"{self.url}/vllm"}


@pytest.fixture
def internet() -> Iterator[Internet]:
    it = Internet()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            path, carried = self.path.partition("?")[0], self.headers.get("Authorization", "")
            it.asked.append((self.path, carried))
            time.sleep(it.late)
            status, headers, body = it.said.get(path, (404, {}, None))
            if path == IMAGE_PATH and not carried:
                status, headers, body = 401, CHALLENGE, None
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    it.url = f"http://127.0.0.1:{server.server_port}"
    it.says("/registry/proxy_auth", 200, {"token": "t-1"})
    it.says(IMAGE_PATH, 200)
    it.says(MODEL_PATH, 200, {"id": "m", "gated": False})
    it.says(LIST, 200, {"functions": [{"id": FUNCTION, "versionId": VERSION, "name": "f", "status": "ACTIVE"}]})
    it.says("/vllm/v1/models", 200, {"data": []})
    yield it
    server.shutdown()
    server.server_close()


def asked(internet: Internet, inference: dict[str, Any], environ: dict[str, str] | None = None, **mirror: Any) -> list[Finding]:
    """What is found, beside whether it fits."""
    secrets: Any = {"ngcApiKey": NGC, "nvcfApiKey": NGC, "hfToken": HF, "externalApiKey": OTHER}
    sections, wrong = check({"cluster": LAB, "inference": inference, "mirror": {"apis": internet.apis, **mirror}})
    assert wrong == []
    planned = plan_stack(sections, secrets, {}, date(2026, 11, 22))
    assert planned.problems == ()
    subject = Subject(sections, None, secrets, "p/s", environ or {}, Path(), inference=planned.inference)
    return [found for found in stack.findings(subject) if found.check != "inference-fit-open"]


def test_what_is_as_it_should_be_is_no_finding_and_each_key_goes_where_it_belongs(internet: Internet) -> None:
    assert asked(internet, {**NIMS, "also": [NVCF | {"functions": {"llama-31-8b": FUNCTION}}, EXTERNAL]}) == []
    basic = base64.b64encode(f"$oauthtoken:{NGC}".encode()).decode()
    carried = {path.partition("?")[0]: key for path, key in internet.asked if key}
    assert carried == {
        "/registry/proxy_auth": f"Basic {basic}",
        IMAGE_PATH: "Bearer t-1",
        MODEL_PATH: f"Bearer {HF}",
        LIST: f"Bearer {NGC}",
        "/vllm/v1/models": f"Bearer {OTHER}",
    }
    [token] = [path for path, _ in internet.asked if "proxy_auth" in path]
    assert "scope=repository%3Anim%3Apull" in token


REFUSED = [
    (
        "/registry/proxy_auth",
        401,
        {},
        NIMS,
        "ngc-key",
        ["has expired, was deleted or is no key", "HTTP 401", "--secret sdg:ngcApiKey"],
    ),
    (
        IMAGE_PATH,
        403,
        {},
        NIMS,
        "ngc-key",
        ["belongs to another organisation", "HTTP 403", QWEN.image, "(qwen25-14b)"],
    ),
    (IMAGE_PATH, 404, {}, NIMS, "nim-image", ["There is no such image for this key", "sdg:mirror.images"]),
    (IMAGE_PATH, 503, {}, NIMS, "inference-unanswered", ["is not known", "HTTP 503", "Ask again in a minute"]),
    (IMAGE_PATH, 429, {}, NIMS, "inference-unanswered", ["HTTP 429"]),
    (MODEL_PATH, 401, {}, NIMS, "hugging-face", ["sdg:hfToken (or HF_TOKEN) has expired", "settings/tokens", "--secret sdg:hfToken"]),
    (
        MODEL_PATH,
        401,
        {"X-Error-Code": "GatedRepo"},
        NIMS,
        "hugging-face",
        ["may not download Qwen/Qwen2.5-14B", "accept the terms"],
    ),
    (MODEL_PATH, 403, {}, NIMS, "hugging-face", ["may not download Qwen/Qwen2.5-14B-Instruct", "https://huggingface.co/Qwen/"]),
    (MODEL_PATH, 404, {}, NIMS, "hugging-face", ["There is no model Qwen/Qwen2.5-14B-Instruct"]),
    (MODEL_PATH, 429, {}, NIMS, "inference-unanswered", ["Whether Qwen/Qwen2.5-14B-Instruct can be downloaded is not known", "HTTP 429"]),
    (LIST, 401, {}, NVCF, "nvcf", ["answered 401", "legacy key", "--secret sdg:nvcfApiKey"]),
    (LIST, 403, {}, NVCF, "nvcf", ["answered 403", "another organization".replace("z", "s")]),
    (LIST, 500, {}, NVCF, "inference-unanswered", ["answered 500", "run the command again"]),
    (
        "/vllm/v1/models",
        500,
        {},
        EXTERNAL,
        "endpoint-elsewhere",
        ["mine does not answer this host at https://vllm.example.com/v1/models"],
    ),
    ("/vllm/v1/models", 401, {}, EXTERNAL, "endpoint-elsewhere", ["refuses the key", "--secret sdg:externalApiKey"]),
]


@pytest.mark.parametrize("refused", REFUSED, ids=[f"{row[0][1:9]}-{row[1]}-{number}" for number, row in enumerate(REFUSED)])
def test_each_refusal_is_named_with_what_was_seen_and_what_to_do(internet: Internet, refused: Any) -> None:
    path, status, headers, inference, name, words = refused
    internet.says(path, status, {"error": "no"}, headers)
    [found] = asked(internet, inference)
    assert found.check == name
    for word in words:
        assert word in str(found)
    for secret in (NGC, HF, OTHER):
        assert secret not in str(found)


def test_only_what_passes_by_itself_is_a_warning() -> None:
    severities = {name: Finding(name, "seen").severity for _, _, _, _, name, _ in REFUSED}
    assert severities == {
        "ngc-key": "error",
        "nim-image": "error",
        "hugging-face": "error",
        "nvcf": "error",
        "inference-unanswered": "warning",
        "endpoint-elsewhere": "warning",
    }


@pytest.mark.parametrize(
    ("functions", "named", "words"),
    [
        ([], FUNCTION, ["is not there for the stack's key: its organisation has no function at all"]),
        ([("9" * 8, "ACTIVE")], FUNCTION, ["its organisation has 1 others"]),
        ([(FUNCTION, "INACTIVE")], FUNCTION, ["is INACTIVE, and only ACTIVE ones answer"]),
        ([(FUNCTION, "ERROR"), (FUNCTION, "ACTIVE")], FUNCTION, []),
        ([(FUNCTION, "ACTIVE")], f"{FUNCTION}/{FUNCTION}", [f"({FUNCTION}/{FUNCTION}) is not there"]),
        ([(FUNCTION, "ACTIVE")], f"https://{FUNCTION}.invocation.api.nvcf.nvidia.com/v1", []),
        ([], "https://functions.example.com/v1", []),
    ],
    ids=["none at all", "others", "inactive", "one of two versions", "another version", "by its URL", "a URL that does not tell"],
)
def test_functions_are_there_and_active(internet: Internet, functions: list[tuple[str, str]], named: str, words: list[str]) -> None:
    internet.says(
        LIST, 200, {"functions": [{"id": each, "versionId": VERSION, "name": "f", "status": status} for each, status in functions]}
    )
    found = asked(internet, {"provider": "nvcf", "functions": {"qwen25-14b": named}})
    assert len(found) == bool(words)
    assert all(word in found[0].seen for word in words)


def test_a_function_that_another_organisation_shares_is_there(internet: Internet) -> None:
    internet.says(LIST, 200, {"functions": []})
    internet.says(f"{LIST}/{FUNCTION}/versions", 200, {"functions": [{"id": FUNCTION, "versionId": VERSION, "status": "ACTIVE"}]})
    assert asked(internet, NVCF) == []


def test_a_gated_model_is_asked_for_again_since_its_page_is_public(internet: Internet) -> None:
    internet.says(MODEL_PATH, 200, {"id": "m", "gated": "auto"})
    internet.says(f"{MODEL_PATH}/auth-check", 403, None, {"X-Error-Code": "GatedRepo"})
    assert [found.check for found in asked(internet, NIMS)] == ["hugging-face"]
    internet.says(f"{MODEL_PATH}/auth-check", 200)
    assert asked(internet, NIMS) == []


def test_a_key_that_has_expired_is_one_finding_however_many_images_it_should_open(internet: Internet) -> None:
    internet.says("/registry/proxy_auth", 401)
    services = ["cosmos-reason", "cosmos-transfer", "cosmos-predict"]
    others = [nim(name).image.removeprefix("nvcr.io/").replace(":", "/manifests/") for name in services]
    for other in others:
        internet.says(f"/registry/v2/{other}", 401, None, CHALLENGE)
    [found] = asked(internet, {"provider": "nim-operator", "services": services})
    assert "Likewise for 2 more" in found.seen


def test_everybody_is_asked_at_once(internet: Internet) -> None:
    internet.late = 0.5
    begun = time.monotonic()
    assert asked(internet, {**NIMS, "also": [NVCF | {"functions": {"llama-31-8b": FUNCTION}}, EXTERNAL]}) == []
    # the registry takes three questions, one after the other, and nobody else takes more
    assert time.monotonic() - begun < 3 * internet.late + 0.9


def test_images_that_come_from_a_mirror_are_not_asked_for_at_nvidia(internet: Internet) -> None:
    assert asked(internet, NIMS, images={"nvcr.io": "registry.example.com/nvcr"}) == []
    assert not [path for path, _ in internet.asked if path.startswith("/registry")]


def test_in_ci_nobody_is_asked_and_that_is_said(internet: Internet) -> None:
    [found] = asked(internet, NIMS, {"CI": "true"})
    assert (found.check, found.severity) == ("inference-not-in-ci", "note")
    assert internet.asked == []


def test_a_key_is_sent_to_the_registry_alone_whatever_its_challenge_names(internet: Internet) -> None:
    evil = {"WWW-Authenticate": f'Bearer realm="{internet.url}/evil",service="nvcr.io"'}
    path = "/registry/v2/nim/x/manifests/1"
    internet.says(path, 401, None, evil)
    [found] = registry.findings("nvcr.io/nim/x:1", "x", NGC, lambda url: url.replace("https://nvcr.io", f"{internet.url}/registry"))
    assert found.check == "inference-unanswered"
    assert "names no place of its own" in found.seen
    assert [path for path, _ in internet.asked] == [path]


def test_no_credential_crosses_a_network_in_plain_text() -> None:
    assert may_carry("https://a.example")
    assert may_carry("http://127.0.0.1:1")
    assert not may_carry("http://mirror.example")
    [found] = registry.findings("nvcr.io/nim/x:1", "x", NGC, lambda _url: "http://127.0.0.1:9/v2")
    assert found.check == "inference-unanswered"


def test_who_does_not_answer_is_said_in_one_sentence() -> None:
    reply = ask("http://127.0.0.1:9/")
    assert reply.passing
    assert "refused" in reply.seen.lower()
    assert ask("nonsense").failure
