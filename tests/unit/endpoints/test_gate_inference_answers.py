"""Answers that no server should give: each ends in a red check of a few words, in bounded time and memory."""

import gzip
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdg.gates.checks import Status
from sdg.gates.probes import model_requests
from sdg.gates.probes.served import listed
from sdg.gates.probes.web import LIMIT, Answer, NoAnswerError, ask
from tests.unit.endpoints.server import MODEL, say, serving
from tests.unit.endpoints.watching import entry, looked, red, watched


@contextmanager
def talking(speak):
    """A server that does to each connection whatever `speak` does."""
    listening, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection):
        with connection:
            try:
                connection.recv(65536)
                speak(connection, ended)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        listening.close()


def test_headers_that_drip_for_ever_end_in_time():
    def drip(connection, ended):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not ended.wait(0.05):
            connection.sendall(b"X-More: 1\r\n")

    with talking(drip) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match=r"no whole answer from http://127\.0\.0\.1:\d+ within 0\.5 s"):
            ask("GET", url, timeout=0.5)
        assert time.monotonic() - began < 15  # without a bound it would never end


def test_a_body_that_drips_for_ever_ends_in_time():
    def drip(connection, ended):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not ended.wait(0.05):
            connection.sendall(b"1\r\nx\r\n")

    with talking(drip) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            ask("GET", url, timeout=0.5)
        assert time.monotonic() - began < 15  # without a bound it would never end


def test_a_body_without_an_end_is_read_as_far_as_the_limit():
    def flood(connection, ended):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"[" * 65536)

    with talking(flood) as url:
        answer = ask("GET", url, timeout=10)
    assert (answer.whole, len(answer.body), answer.json()) == (False, LIMIT, None)
    assert len(answer.words) < 400


def test_a_body_that_would_unfold_is_not_unfolded():
    packed = gzip.compress(b"0" * (64 << 20))
    with serving() as server:
        server.answers["/v1/models"] = lambda handler: say(handler, 200, packed, **{"Content-Encoding": "gzip"})
        answer = ask("GET", f"{server.url}/v1/models")
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert len(answer.body) == len(packed)
    assert check.observed == "no list of models"


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"\x00" * 100],
)
def test_what_is_no_http_is_no_answer(said):
    with talking(lambda connection, _: connection.sendall(said)) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError) as error:
            ask("GET", url, timeout=2)
        assert time.monotonic() - began < 3
    assert len(str(error.value)) < 500
    assert "127.0.0.1" in str(error.value)


def test_a_reset_is_no_answer():
    def reset(connection, _):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with talking(reset) as url, pytest.raises(NoAnswerError, match="no connection"):
        ask("GET", url)


def test_a_redirect_is_not_followed_and_the_key_stays_where_it_was_given():
    with serving() as elsewhere, serving() as server:
        server.answers["/v1/models"] = lambda handler: say(handler, 302, "", Location=f"{elsewhere.url}/v1/models")
        check = red(looked(watched(entry(auth="bearer"), server, key="k" * 12)), "endpoint-models")
    assert elsewhere.asked == []
    assert check.observed == f"Redirected: HTTP 302: a redirect to {elsewhere.url}/v1/models"


def test_a_login_of_netrc_never_takes_the_keys_place(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\nmachine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr("sdg.gates.probes.web.is_loopback", lambda url: False)
    with serving() as server:
        ask("GET", server.url, headers={"Authorization": "Bearer own"})
    assert server.asked[0][2]["Authorization"] == "Bearer own"


def test_a_proxy_of_the_environment_is_not_for_this_host(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with serving() as server:
        assert ask("GET", server.url).status == 404


@pytest.mark.parametrize("key", ["with\nline", "with\r\nX-Other: 1", "snow\N{SNOWMAN}man"])
def test_a_key_that_no_header_can_carry_is_said_without_showing_it(key):
    with serving() as server:
        check = red(looked(watched(entry(auth="bearer"), server, key=key)), "endpoint-models")
    assert "characters that no header can carry" in check.observed
    assert key not in check.observed


words = st.sampled_from(["data", "id", "choices", "message", "error", "code"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner),
    max_leaves=20,
)


@given(json_values)
def test_whatever_json_a_list_of_models_is_names_come_of_it_or_nothing(answer):
    found = listed(answer)
    assert found is None or all(isinstance(name, str) for name in found)


@given(json_values, st.sampled_from(["/v1/chat/completions", "/v1/images/edits"]))
def test_whatever_json_an_answer_is_it_is_judged(found, path):
    answer = Answer(200, json.dumps(found).encode(), {}, 0.1)
    assert isinstance(model_requests.lacking(answer, path), str)
    assert len(answer.words) < 400


@given(st.binary(max_size=300))
def test_whatever_bytes_an_answer_is_it_is_judged(body):
    answer = Answer(500, body, {}, 0.1)
    assert len(answer.words) < 400
    assert model_requests.lacking(answer, "/v1/chat/completions")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([200, 201, 204, 301, 400, 404, 418, 500, 599]))
def test_whatever_an_endpoint_answers_is_a_check(body, status):
    with serving() as server:
        server.answers["/v1/models"] = (status, body)
        found = looked(watched(entry(request="none"), server))
    (check,) = found.checks
    assert check.status is Status.FAILED
    assert check.observed


def test_json_that_is_too_deep_is_no_list():
    with serving() as server:
        server.answers["/v1/models"] = (200, "[" * 200_000)
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert check.observed == "no list of models"


def test_a_list_of_a_million_models_is_said_to_be_too_long():
    with serving() as server:
        server.answers["/v1/models"] = (200, json.dumps({"data": [{"id": f"model-{n}"} for n in range(100_000)]}))
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert check.observed == "an answer that is too long for a list of models"


@pytest.mark.parametrize(
    ("answer", "lacks"),
    [
        ({"choices": []}, "no choices"),
        ({"choices": ["x"]}, "no choices"),
        ({"choices": [{}]}, "a choice without a message"),
        ([], "no JSON object"),
        ("text", "no JSON object"),
    ],
)
def test_an_answer_without_a_completion_is_red(answer, lacks):
    with serving() as server:
        server.answers["/v1/chat/completions"] = (200, answer)
        check = red(looked(watched(entry(), server)), "endpoint-request")
    assert check.observed == f"NoCompletion: {lacks}"


@pytest.mark.parametrize("choice", [{"message": {"content": None, "reasoning_content": "hm"}}, {"text": "Hello"}])
def test_an_answer_of_a_model_that_thinks_or_completes_is_one(choice):
    with serving() as server:
        server.answers["/v1/chat/completions"] = (200, {"choices": [choice]})
        assert looked(watched(entry(), server)).status is Status.PASSED


def test_the_names_of_models_that_a_check_quotes_are_bounded():
    with serving(*[f"{'x' * 5000}{n}" for n in range(50)]) as server:
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert len(check.observed) < 1500
    assert MODEL in check.observed
