"""What a NIM answers: what its image has, under the name that it serves."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from rehearsal.nims.images import image
from rehearsal.nims.model_server import create_app, serving
from sdg.catalog.nims import nims
from tests.unit.nims.making import pod, service, without

PNG = f"data:image/png;base64,{base64.b64encode(b'png').decode()}"
CHAT = "/v1/chat/completions"


def client(of):
    started = pod(of)
    return TestClient(create_app(serving(started, image(started["spec"]["containers"][0]["image"]))))


def message(*parts):
    return {"role": "user", "content": list(parts) or "Hello"}


def picture(url=PNG):
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("name", [name for name, nim in nims().items() if nim.lists_model])
def test_it_lists_the_name_that_the_catalog_says(name):
    assert [one["id"] for one in client(service(name)).get("/v1/models").json()["data"]] == [nims()[name].model]


@pytest.mark.parametrize("name", [name for name, nim in nims().items() if not nim.lists_model])
def test_one_without_a_list_says_its_model_in_its_metadata(name):
    asked = client(service(name))
    assert asked.get("/v1/models").status_code == 404
    assert asked.get("/v1/metadata").json()["modelInfo"]


@pytest.mark.parametrize("name", sorted(nims()))
def test_it_is_healthy_where_the_catalog_asks(name):
    assert client(service(name)).get(nims()[name].ready).status_code == 200


@pytest.mark.parametrize("name", [name for name, nim in nims().items() if nim.request_path == CHAT])
def test_what_the_catalog_says_chats_does(name):
    parts = [{"type": "text", "text": "look"}, picture()] if name.startswith("qwen-image-edit") else []
    body = {"model": nims()[name].model, "messages": [message(*parts)], "max_tokens": 1}
    assert client(service(name)).post(CHAT, json=body).json()["choices"]


def test_a_model_free_image_without_a_served_name_calls_its_model_otherwise():
    asked = client(without(service("qwen25-14b"), "NIM_SERVED_MODEL_NAME"))
    assert asked.get("/v1/models").json()["data"][0]["id"] == "ga-model-free-nim"
    assert asked.post(CHAT, json={"model": "Qwen/Qwen2.5-14B-Instruct", "messages": [message()]}).status_code == 404


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("qwen25-14b", {"model": "Qwen/Qwen2.5-14B-Instruct"}),
        ("qwen25-14b", {"messages": [message()]}),
        ("qwen25-14b", {"model": "Qwen/Qwen2.5-14B-Instruct", "messages": [message(picture())]}),
        ("qwen3-vl", {"model": "Qwen/Qwen3-VL-30B-A3B-Instruct", "messages": [message(picture("file:///etc/passwd"))]}),
        ("qwen-image-edit-2511", {"model": "Qwen/Qwen-Image-Edit-2511", "messages": [message()]}),
    ],
    ids=["no messages", "no model", "an image for a text model", "no data URL", "nothing to edit"],
)
def test_a_request_that_is_none_is_a_bad_one(name, body):
    assert client(service(name)).post(CHAT, json=body).status_code == 400


def test_a_vision_model_takes_an_image():
    body = {"model": "Qwen/Qwen3-VL-30B-A3B-Instruct", "messages": [message({"type": "text", "text": "what"}, picture())]}
    assert client(service("qwen3-vl")).post(CHAT, json=body).status_code == 200


def test_an_image_editor_takes_forms_and_json_and_does_not_chat():
    asked, fields = client(service("qwen-image-edit")), {"prompt": "red", "model": "qwen/qwen-image-edit-2511"}
    assert asked.post("/v1/images/edits", data=fields, files={"image[]": ("a.png", b"png")}).json()["data"][0]["b64_json"]
    assert asked.post("/v1/infer", json={"prompt": "red", "image": PNG}).json()["artifacts"]
    assert asked.post("/v1/images/edits", data={"prompt": "red"}).status_code in {400, 422}
    assert asked.post("/v1/images/edits", data={**fields, "model": "other"}, files={"image": ("a.png", b"png")}).status_code == 404
    assert asked.post(CHAT, json={}).status_code == 404


def test_bodies_are_bounded_as_the_variable_says():
    big = {"model": "Qwen/Qwen2.5-14B-Instruct", "messages": [message({"type": "text", "text": "x" * 2_000_000})]}
    assert client(service("qwen25-14b")).post(CHAT, json=big).status_code == 200
    assert client(without(service("qwen25-14b"), "NIM_PROXY_CLIENT_MAX_BODY_SIZE")).post(CHAT, json=big).status_code == 413


def test_what_is_no_json_is_refused():
    assert client(service("qwen25-14b")).post(CHAT, content=b"{").status_code == 400
