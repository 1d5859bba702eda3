"""Whoever serves may refuse: each refusal has its name, and its remedy is that of who refused."""

import pytest

from tests.unit.endpoints.server import MODEL, serving
from tests.unit.endpoints.watching import entry, looked, red, watched

NOWHERE = "http://127.0.0.1:9"


REFUSALS = [
    ("external", 401, "who are you?", "KeyRefused", "`key` of llm"),
    ("external", 403, "no", "KeyForbidden", "llm"),
    ("external", 404, "no such page", "PathMissing", "/v1"),
    ("external", 429, "slow down", "TooManyRequests", "asked again"),
    ("external", 500, "boom", "ServerError", "log"),
    (
        "foundry",
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid key"}},
        "FoundryKeyRefused",
        "--refresh",
    ),
    ("foundry", 403, {"error": {"message": "Public access is disabled"}}, "FoundryForbidden", "firewall"),
    ("foundry", 429, {"error": {"message": "rate"}}, "FoundryQuotaUsed", "`capacity` of llm"),
    ("foundry", 410, {"error": {"code": "ModelGone", "message": "gone"}}, "FoundryModelRetired", "sdg:inference.models"),
    ("foundry", 404, {"error": {"code": "ModelDeprecated", "message": "this model was retired"}}, "FoundryModelRetired", "successors"),
    (
        "foundry",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist"}},
        "FoundryDeploymentMissing",
        "some minutes",
    ),
    ("nvcf", 401, "Unauthorized", "NgcKeyExpired", "sdg:nvcfApiKey"),
    ("nvcf", 403, "Forbidden", "NgcKeyOfAnotherOrg", "organisation"),
    ("nvcf", 404, "Not Found", "NvcfFunctionMissing", "sdg:inference.functions"),
]


@pytest.mark.parametrize(("provider", "status", "body", "cause", "remedy"), REFUSALS)
def test_a_request_that_is_refused_is_named_by_who_refused_it(provider, status, body, cause, remedy):
    with serving() as server:
        server.answers["/v1/chat/completions"] = (status, body)
        given = entry(provider=provider, expect={"models": False}, auth="bearer")
        check = red(looked(watched(given, server, key="k" * 12)), "endpoint-request")
    assert check.observed.startswith(f"{cause}: HTTP {status}")
    assert remedy in check.remedy
    assert not check.final


@pytest.mark.parametrize(("status", "cause"), [(401, "KeyRefused"), (403, "KeyForbidden"), (404, "PathMissing"), (503, "ServerError")])
def test_a_list_of_models_that_is_refused_is_named(status, cause):
    with serving() as server:
        server.answers["/v1/models"] = (status, "no")
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert check.observed.startswith(cause)


def test_a_key_that_foundry_refuses_is_told_before_any_request():
    given = entry(provider="foundry", auth="api-key", expect={"models": False})
    with serving(key="another-key") as server:
        server.answers["/v1"] = (401, {"error": {"message": "Access denied"}})
        check = red(looked(watched(given, server, key="k" * 12)), "endpoint-reachable")
    assert check.observed.startswith("FoundryKeyRefused")


@pytest.mark.parametrize(("status", "cause"), [(401, "NgcKeyExpired"), (403, "NgcKeyOfAnotherOrg"), (404, "NvcfFunctionMissing")])
def test_a_function_that_is_kept_from_the_key_is_named(status, cause):
    function = "11111111-2222-3333-4444-555555555555"
    with serving() as server:
        server.answers[f"/v2/nvcf/functions/{function}/versions"] = (status, {"title": "no"})
        given = entry(provider="nvcf", function={"api": server.url, "id": function, "version": ""}, auth="bearer")
        check = red(looked(watched(given, server, key="k" * 12)), "nvcf-function")
    assert check.observed.startswith(cause)
    assert check.remedy


def test_another_model_than_the_wanted_one_is_named_with_what_is_served():
    with serving("qwen/qwen2.5-14b-instruct", "other") as server:
        check = red(looked(watched(entry(), server)), "endpoint-models")
    assert check.observed == f"ModelMissing: serves qwen/qwen2.5-14b-instruct, other, wanted {MODEL}"


def test_nothing_that_listens_is_a_connection_error_with_the_address():
    check = red(looked(watched(entry(), NOWHERE)), "endpoint-models")
    assert check.observed.startswith("Unreachable: no connection to http://127.0.0.1:9: ")
    assert "`url` of llm" in check.remedy


def test_plain_http_where_tls_was_wanted_is_a_tls_error():
    with serving() as server:
        check = red(looked(watched(entry(), server.url.replace("http://", "https://"))), "endpoint-models")
    assert check.observed.startswith("Unreachable: TLS with https://127.0.0.1:")
