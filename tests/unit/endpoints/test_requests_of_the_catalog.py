"""The one real request of the gate is one that each NIM of the catalog answers."""

from __future__ import annotations

import pytest

from sdg.catalog.nims import nims
from sdg.gates.probes import model_requests
from sdg.gates.probes.web import Answer, Form
from tests.unit.nims.making import service
from tests.unit.nims.test_model_server import client

ASKED = [name for name, nim in nims().items() if nim.request_path]


@pytest.mark.parametrize("name", ASKED)
def test_a_nim_answers_the_request_that_the_gate_sends_it(name):
    nim = nims()[name]
    assert nim.request_path
    sent = model_requests.body(nim.request, nim.model, nim.request_path)
    content = {"data": sent.fields, "files": sent.files} if isinstance(sent, Form) else {"json": sent}
    found = client(service(name)).post(nim.request_path, **content)
    assert found.status_code == 200, found.text
    assert model_requests.lacking(Answer(200, found.content, {}, 0.1), nim.request_path) == ""


def test_every_nim_that_takes_requests_of_a_known_kind_is_asked():
    assert [name for name, nim in nims().items() if nim.request != "none"] == ASKED


@pytest.mark.parametrize("answer", [b"{}", b'{"data": []}', b"[]", b"png"])
def test_an_answer_without_an_image_is_none(answer):
    assert model_requests.lacking(Answer(200, answer, {}, 0.1), "/v1/images/edits")
