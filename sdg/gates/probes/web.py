"""One HTTP exchange with whatever is out there: bounded in time and size, without redirects, and with a key that goes nowhere else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from sdg.kube.errors import cause
from sdg.this_host import is_loopback

CONNECT_TIMEOUT: Final = 3.0  # seconds
ANSWER_TIMEOUT: Final = 8.0  # seconds for a whole answer to a question of state
LIMIT: Final = 1 << 20  # bytes of an answer that are read; lists of models are far shorter
_CHUNK: Final = 1 << 16
_QUOTED: Final = 300  # characters of an answer that a check quotes


class NoAnswerError(Exception):
    """Nothing that can be called an answer came back; the sentence says what came instead."""


@dataclass(frozen=True, slots=True)
class Form:
    """A body that is no JSON but a form.

    Attributes:
        files: by field: the file's name, its content, and what that is.
    """

    fields: Mapping[str, str]
    files: Mapping[str, tuple[str, bytes, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        headers: by lower-case name.
        seconds: from the first byte sent to the last one read.
        whole: whether the body ended within the limit.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    whole: bool = True

    def json(self) -> Any:  # noqa: ANN401 (JSON of any shape: whoever reads it looks at it first)
        """The body as JSON; None when it is none, or too long to know."""
        if not self.whole:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def words(self) -> str:
        """Status and the beginning of what the server said, in one line."""
        if location := self.headers.get("location"):
            return f"HTTP {self.status}: a redirect to {location[:_QUOTED]}"
        said = " ".join((_message(self.json()) or self.body[: 4 * _QUOTED].decode(errors="replace")).split())
        return f"HTTP {self.status}" + (f": {said[:_QUOTED]}" if said else "")


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    timeout: float = ANSWER_TIMEOUT,
    limit: int = LIMIT,
) -> Answer:
    """Sends one request; a `body` that is no form is sent as JSON.

    The exchange runs in a thread that is left behind when the time is up: a server may let headers drip for ever, and no time-out of a
    socket notices that.

    Raises:
        NoAnswerError: no connection, no TLS, no answer within `timeout` seconds, or none that is HTTP.
    """
    found: list[Answer | Exception] = []
    session = requests.Session()
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    # a login of ~/.netrc would take the key's place, unless something else has
    request = requests.Request(method, url, headers=sent, auth=_unchanged, **_content(body))

    def exchange() -> None:
        try:
            found.append(_exchange(session, request, timeout, limit))
        except Exception as error:  # noqa: BLE001 (told below, in this thread's place)
            found.append(error)

    thread = threading.Thread(target=exchange, name="ask", daemon=True)
    thread.start()
    thread.join(timeout)
    session.close()
    if not found:
        raise NoAnswerError(f"no whole answer from {_where(url)} within {timeout:g} s")
    if isinstance(found[0], Exception):
        raise _told(found[0], url, timeout) from found[0]
    return found[0]


def _content(body: object) -> dict[str, Any]:
    return {"data": body.fields, "files": body.files} if isinstance(body, Form) else {"json": body}


def _exchange(session: requests.Session, request: requests.Request, timeout: float, limit: int) -> Answer:
    session.trust_env = not is_loopback(request.url)  # a proxy of the environment would never reach this machine
    prepared = session.prepare_request(request)
    around = session.merge_environment_settings(prepared.url, {}, True, None, None)
    began = time.monotonic()
    # without redirects: a key is for the host that it was given for
    with session.send(prepared, allow_redirects=False, timeout=(min(CONNECT_TIMEOUT, timeout), timeout), **around) as response:
        read, size = [], 0
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            read.append(chunk)
            size += len(chunk)
            if size > limit or time.monotonic() - began > timeout:
                break
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, b"".join(read)[:limit], named, round(time.monotonic() - began, 3), whole=size <= limit)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _told(error: Exception, url: str, timeout: float) -> NoAnswerError:
    """What went wrong, in one sentence that names the host."""
    where = _where(url)
    match error:
        case requests.exceptions.InvalidHeader() | UnicodeError():
            return NoAnswerError(f"the key for {where} holds characters that no header can carry")  # the error would quote it
        case requests.exceptions.SSLError():
            return NoAnswerError(f"TLS with {where} failed: {cause(error)[:_QUOTED]}")
        case requests.exceptions.ProxyError():
            return NoAnswerError(f"the proxy on the way to {where} refused: {cause(error)[:_QUOTED]}")
        case requests.exceptions.Timeout():
            return NoAnswerError(f"no answer from {where} within {timeout:g} s")
        case requests.exceptions.RequestException() | HTTPError() | OSError():
            return NoAnswerError(f"no connection to {where}: {cause(error)[:_QUOTED]}")
        case _:
            return NoAnswerError(f"no HTTP answer from {where}: {type(error).__name__}: {str(error)[:_QUOTED]}")


def _where(url: str) -> str:
    """Scheme, host and port: a path may be long, and a URL may carry more than it should."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _message(answer: object) -> str:
    """The sentence in a JSON error, where it is found in one of the usual places."""
    for _ in range(3):
        if not isinstance(answer, Mapping):
            break
        code, inner = answer.get("code"), next((answer[key] for key in ("error", "message", "detail", "title") if answer.get(key)), None)
        if isinstance(inner, str):
            return f"{code}: {inner}" if isinstance(code, str) and code not in inner else inner
        answer = inner
    return ""
