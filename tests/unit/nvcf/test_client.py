"""The client of NVIDIA Cloud Functions, against a server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sdg.nvcf import errors
from sdg.nvcf.client import Function, NvcfClient, states
from sdg.nvcf.reference import FunctionReference

ID, OTHER = "0a1b2c3d-0000-4000-8000-00000000abcd", "0a1b2c3d-0000-4000-8000-00000000ffff"
OLD, NEW = "9f8e7d6c-0000-4000-8000-000000000001", "9f8e7d6c-0000-4000-8000-000000000002"
KEY = "nvapi-planted0planted0"
LISTED = [
    {"id": ID, "versionId": OLD, "name": "qwen", "status": "INACTIVE"},
    {"id": ID, "versionId": NEW, "name": "qwen", "status": "ACTIVE", "ncaId": "x"},
    {"id": OTHER.upper(), "name": "cosmos", "status": "DEPLOYING"},
]


class Served:
    """What the server answers next, and what it was asked."""

    def __init__(self):
        self.status, self.body, self.headers, self.asked = 200, json.dumps({"functions": LISTED}), {}, []


@pytest.fixture
def served():
    told = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body.encode())

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()


@pytest.fixture
def client(served):
    with NvcfClient(served.url, KEY) as made:
        yield made


def test_functions_are_listed_with_the_key_as_bearer_token(client, served):
    assert client.functions()[1:] == (Function(ID, NEW, "qwen", "ACTIVE"), Function(OTHER, "", "cosmos", "DEPLOYING"))
    assert served.asked == [("/v2/nvcf/functions", f"Bearer {KEY}")]


def test_the_versions_of_one_function_are_asked_by_its_id(client, served):
    client.versions(ID)
    assert served.asked[0][0] == f"/v2/nvcf/functions/{ID}/versions"


@pytest.mark.parametrize(
    ("reference", "found"), [(ID, ["INACTIVE", "ACTIVE"]), (f"{ID}/{OLD}", ["INACTIVE"]), (f"{OTHER}/{OLD}", ["DEPLOYING"]), (OLD, [])]
)
def test_a_reference_means_one_version_or_all(client, reference, found):
    assert [each.status for each in states(client.functions(), FunctionReference.of(reference))] == found


@pytest.mark.parametrize(
    ("status", "error", "passing"),
    [
        (401, errors.NvcfUnauthorizedError, False),
        (403, errors.NvcfForbiddenError, False),
        (404, errors.NvcfNotFoundError, False),
        (429, errors.NvcfUnavailableError, True),
        (503, errors.NvcfUnavailableError, True),
        (418, errors.NvcfAnswerError, False),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_to_do_and_never_shows_the_key(client, served, status, error, passing):
    served.status, served.body = status, "words of a proxy"
    with pytest.raises(error) as raised:
        client.functions()
    assert f"GET /v2/nvcf/functions answered {status}" in str(raised.value)
    assert raised.value.remedy
    assert raised.value.passing is passing
    assert KEY not in str(raised.value) + raised.value.remedy


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "null", "{}", '{"functions": null}', '{"functions": [{"id": "x"}]}', '{"functions": ["x"]}']
)
def test_an_answer_of_something_else_is_no_empty_list(client, served, body):
    served.body = body
    with pytest.raises(errors.NvcfAnswerError):
        client.functions()


def test_the_key_follows_no_redirect(client, served):
    served.status, served.headers = 302, {"Location": f"{served.url}/elsewhere"}
    with pytest.raises(errors.NvcfAnswerError):
        client.functions()
    assert len(served.asked) == 1


def test_nothing_that_answers_is_said_so():
    with NvcfClient("http://127.0.0.1:1", KEY) as client, pytest.raises(errors.NvcfUnreachableError, match=r"127\.0\.0\.1:1"):
        client.functions()


def test_a_key_goes_nowhere_in_plain_text():
    with pytest.raises(errors.NvcfError, match="not https"):
        NvcfClient("http://nvcf.example.com", KEY)
