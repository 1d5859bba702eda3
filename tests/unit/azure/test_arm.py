"""The client of Azure's resource manager."""

from __future__ import annotations

import time

import pytest

from sdg.azure.arm import PUBLIC, Arm
from sdg.azure.errors import (
    ArmAnswerError,
    ArmError,
    ArmForbiddenError,
    ArmNotFoundError,
    ArmRefusedError,
    ArmUnavailableError,
    ArmUnreachableError,
    LoginError,
)
from tests.unit.azure.conftest import TOKEN, FixedToken, Scripted

PATH = "/subscriptions/s/providers/Microsoft.Compute/skus"


def client(script: Scripted, **options: float) -> Arm:
    return Arm(script.url, FixedToken(), backoff=0, **options)


def refusal(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


def test_a_question_names_its_version_and_its_parameters_and_carries_the_token(scripted: Scripted) -> None:
    scripted.say({"value": 1})
    assert client(scripted).get(PATH, "2021-07-01", **{"$filter": "location eq 'eastus2'"}) == {"value": 1}
    [asked] = scripted.asked
    assert asked.query == {"api-version": ["2021-07-01"], "$filter": ["location eq 'eastus2'"]}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_list_is_followed_to_its_end(scripted: Scripted) -> None:
    scripted.say({"value": [{"n": 1}], "nextLink": f"{scripted.url}{PATH}?api-version=2021-07-01&$skiptoken=x"})
    scripted.say({"value": [{"n": 2}], "nextLink": ""})
    assert client(scripted).list(PATH, "2021-07-01") == [{"n": 1}, {"n": 2}]
    assert scripted.asked[1].query["$skiptoken"] == ["x"]


@pytest.mark.parametrize("origin", [PUBLIC, f"{PUBLIC}:443", "HTTPS://Management.Azure.com:443"])
def test_arms_own_address_of_a_next_page_becomes_the_mirrors(scripted: Scripted, origin: str) -> None:
    scripted.say({"value": [{"n": 1}], "nextLink": f"{origin}{PATH}?page=2"})
    scripted.say({"value": [{"n": 2}]})
    assert client(scripted).list(PATH, "2021-07-01") == [{"n": 1}, {"n": 2}]
    assert (scripted.asked[1].path, scripted.asked[1].query) == (PATH, {"page": ["2"]})


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:9/next",
        "https://management.azure.com.example/x",
        "https://a.example/x",
        "https://management.azure.com:443@a.example/x",
        "https://a.example:443/x",
        "https://management.azure.com:444/x",
        "http://management.azure.com:443/x",
        "http://management.azure.com/x",
        "/relative",
    ],
)
def test_a_token_follows_a_list_to_no_other_host(scripted: Scripted, link: str) -> None:
    scripted.say({"value": [], "nextLink": link})
    with pytest.raises(ArmAnswerError, match="was not asked there"):
        client(scripted).list(PATH, "v")
    assert len(scripted.asked) == 1


def test_a_list_that_never_ends_is_an_error(scripted: Scripted) -> None:
    scripted.say({"value": [], "nextLink": f"{scripted.url}{PATH}"})
    with pytest.raises(ArmAnswerError, match="more than 200 pages"):
        client(scripted).list(PATH, "v")


def test_a_check_posts_its_body(scripted: Scripted) -> None:
    scripted.say({"nameAvailable": True})
    assert client(scripted).check(PATH, "v", {"name": "x"}) == {"nameAvailable": True}
    assert (scripted.asked[0].method, scripted.asked[0].body) == ("POST", '{"name": "x"}')


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_asked_again(scripted: Scripted, status: int) -> None:
    scripted.say("busy", status, Retry_After="0")
    scripted.say({"fine": True})
    assert client(scripted).get(PATH, "v") == {"fine": True}


def test_asking_again_ends(scripted: Scripted) -> None:
    scripted.say(refusal("ServerBusy", "Later."), 503)
    with pytest.raises(ArmUnavailableError) as caught:
        client(scripted).get(PATH, "v")
    assert (len(scripted.asked), caught.value.code) == (4, "ServerBusy")


def test_a_wait_that_is_asked_for_is_kept(scripted: Scripted) -> None:
    scripted.say(refusal("TooManyRequests", "Later."), 429, Retry_After="1")
    scripted.say({"fine": True})
    began = time.monotonic()
    assert client(scripted).get(PATH, "v") == {"fine": True}
    assert time.monotonic() - began >= 1


def test_nobody_waits_for_an_hour(scripted: Scripted) -> None:
    scripted.say(refusal("TooManyRequests", "The number of requests is exceeded."), 429, Retry_After="3600")
    began = time.monotonic()
    with pytest.raises(ArmUnavailableError, match="TooManyRequests"):
        client(scripted).get(PATH, "v")
    assert time.monotonic() - began < 1
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ArmRefusedError), (403, ArmForbiddenError), (404, ArmNotFoundError), (409, ArmRefusedError)],
)
def test_a_refusal_has_arms_own_code_and_words(scripted: Scripted, status: int, kind: type[ArmRefusedError]) -> None:
    scripted.say(refusal("SomeCode", "Some words."), status)
    with pytest.raises(kind) as caught:
        client(scripted).get(PATH, "v")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code, caught.value.message) == (status, "SomeCode", "Some words")
    assert str(caught.value) == f"GET {PATH}: HTTP {status} SomeCode: Some words"


def test_a_redirection_is_not_followed(scripted: Scripted) -> None:
    scripted.say("", 307, Location=f"{scripted.url}/elsewhere")
    with pytest.raises(ArmRefusedError):
        client(scripted).get(PATH, "v")
    assert [asked.path for asked in scripted.asked] == [PATH]


def test_a_login_that_is_refused_says_how_to_log_in(scripted: Scripted) -> None:
    scripted.say(refusal("ExpiredAuthenticationToken", "The access token expired."), 401)
    with pytest.raises(LoginError, match=r"ExpiredAuthenticationToken.*\. Do this\.") as caught:
        Arm(scripted.url, FixedToken(), relogin="Do this.", backoff=0).get(PATH, "v")
    assert caught.value.remedy == "Do this."


@pytest.mark.parametrize("words", [f"Bad token {TOKEN} sent.", f"Authorization: Bearer {TOKEN}", "Bearer opaque-secret-value-123456"])
def test_no_error_repeats_a_token(scripted: Scripted, words: str) -> None:
    scripted.say(refusal("Bad", words), 400)
    with pytest.raises(ArmRefusedError) as caught:
        client(scripted).get(PATH, "v")
    for text in (str(caught.value), caught.value.message, repr(caught.value)):
        assert TOKEN not in text
        assert "opaque-secret-value" not in text


@pytest.mark.parametrize("body", ["<html>proxy</html>", "", "[1]", '"text"', "null"])
def test_an_answer_of_another_shape_is_an_error_of_ours(scripted: Scripted, body: str) -> None:
    scripted.say(body)
    with pytest.raises(ArmAnswerError):
        client(scripted).get(PATH, "v")


@pytest.mark.parametrize("body", [{}, {"value": {}}, {"value": [1]}, {"value": None}])
def test_a_list_that_is_none_is_an_error(scripted: Scripted, body: dict[str, object]) -> None:
    scripted.say(body)
    with pytest.raises(ArmAnswerError, match="no list"):
        client(scripted).list(PATH, "v")


@pytest.mark.parametrize(
    "body",
    ["gateway down", '{"message": "gateway down"}', '{"error": "gateway down"}', '{"error": {"message": "gateway down"}}'],
)
def test_whatever_stands_before_arm_is_quoted(scripted: Scripted, body: str) -> None:
    scripted.say(body, 400)
    with pytest.raises(ArmRefusedError, match="gateway down"):
        client(scripted).get(PATH, "v")


def test_a_host_where_nothing_listens_is_named() -> None:
    with pytest.raises(ArmUnreachableError, match=r"http://127\.0\.0\.1:1 does not answer"):
        Arm("http://127.0.0.1:1", FixedToken(), backoff=0).get(PATH, "v")


@pytest.mark.parametrize("url", ["http://arm.example.com", "http://10.0.0.1", "ftp://127.0.0.2.example"])
def test_a_token_is_never_sent_in_plain_text_beyond_this_machine(url: str) -> None:
    with pytest.raises(ArmError, match=r"is not https.*sdg:mirror\.apis"):
        Arm(url, FixedToken())


def test_a_login_error_of_the_credential_comes_through(scripted: Scripted) -> None:
    class Nobody:
        def get_token(self, *_scopes: str, **_options: object) -> None:
            raise LoginError("Nobody is logged in to Azure.")

    with pytest.raises(LoginError, match="Nobody is logged in"):
        Arm(scripted.url, Nobody(), backoff=0).get(PATH, "v")  # type: ignore[arg-type]
    assert not scripted.asked
