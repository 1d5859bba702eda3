"""Asks a web API one question, in bounded time and with no other credential than the one that is meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import requests
from requests.auth import AuthBase

from sdg.kube.errors import cause
from sdg.this_host import is_loopback

CONNECT_TIMEOUT: Final = 5.0  # seconds
ANSWER_TIMEOUT: Final = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: of the answer; None without one.
        headers: of the answer, by names in small letters.
        body: parsed JSON; None for anything else.
        failure: why there is no answer; empty when there is one.
    """

    status: int | None
    headers: Mapping[str, str]
    body: Any = None
    failure: str = ""

    @property
    def ok(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def passing(self) -> bool:
        """Whether another try might be answered otherwise: nothing came, or that somebody is busy or broken."""
        return self.status is None or self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def seen(self) -> str:
        """As half a sentence."""
        return self.failure if self.status is None else f"HTTP {self.status}"


class Bearer(AuthBase):
    """Sends a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Nobody(AuthBase):
    """Sends nothing: without it, ~/.netrc would be asked."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def ask(url: str, auth: AuthBase | None = None, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
    """Asks once. A redirect is an answer: it would take the credential to who knows where."""
    try:
        with requests.Session() as session:
            session.trust_env = not is_loopback(url)  # a proxy of the environment would never reach this machine
            answer = session.request(
                method,
                url,
                auth=auth or Nobody(),
                headers=dict(headers or {}),
                timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
                allow_redirects=False,
            )
    except (requests.RequestException, ValueError) as error:  # ValueError: no URL at all
        return Reply(None, {}, failure=cause(error))
    return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, _json(answer))


def may_carry(url: str) -> bool:
    """Whether a credential may be sent there: not in plain text over a network."""
    return url.lower().startswith("https://") or is_loopback(url)


def _json(answer: requests.Response) -> Any:  # noqa: ANN401 - JSON
    try:
        return answer.json()
    except ValueError:
        return None
