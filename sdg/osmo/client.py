"""The OSMO HTTP API, release 6.3, as far as this project uses it.

Not found is status 400 here, writes answer 200, and the logs and events of a workflow that is alive are streams that never end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from sdg.kube.errors import cause
from sdg.osmo.errors import OsmoAnswerError, OsmoNotFoundError, OsmoRefusedError, OsmoUnavailableError, OsmoUnreachableError
from sdg.osmo.model import ALIVE, Node, Pool, Token, Workflow

Read = TypeVar("Read")

CONNECT_TIMEOUT = 2.0  # seconds
ANSWER_TIMEOUT = 5.0  # seconds
SUBMIT_TIMEOUT = 60.0  # seconds: a submit contacts image registries; the gateway cuts at 60 s
LIST_LIMIT = 1000  # the largest page that the service gives
STREAM_SILENCE = 0.4  # seconds without a new line after which a stream counts as read

_NOT_FOUND = ("is not found", "not found", "does not exist", "does not exits")  # sic


class OsmoClient:
    """Asks one OSMO service.

    Args:
        base_url: where the gateway answers, without a path.
        user: the identity to act as. Minimal installations trust this header; others take it from a token at the gateway.
        timeout: seconds until an answer must have come; submits have their own.
    """

    def __init__(self, base_url: str, user: str = "admin", timeout: float = ANSWER_TIMEOUT) -> None:
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy from the environment would never reach a forward on this host
        self._session.headers["x-osmo-user"] = user

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def version(self) -> str:
        """The service's version, as in "6.3.1"."""
        return self._read(lambda answer: ".".join(str(answer[part]) for part in ("major", "minor", "revision")), "GET", "/api/version")

    def pools(self) -> dict[str, Pool]:
        """All pools by name."""
        return self._read(lambda answer: {name: Pool.of(pool) for name, pool in answer["pools"].items()}, "GET", "/api/pool")

    def resources(self, pool: str) -> list[Node]:
        """The nodes that a pool offers; none right after an installation, and then nothing can be submitted."""
        params = {"pools": [pool]}
        return self._read(lambda answer: [Node.of(node) for node in answer["resources"]], "GET", "/api/resources", params=params)

    def submit(self, pool: str, spec: str) -> str:
        """Submits the text of a workflow spec; returns the workflow's id."""
        path, body = f"/api/pool/{_part(pool)}/workflow", {"file": spec}
        return self._read(lambda answer: str(answer["name"]), "POST", path, json=body, timeout=SUBMIT_TIMEOUT)

    def workflow(self, workflow_id: str) -> Workflow:
        """The state of a workflow; raises OsmoNotFoundError."""
        return self._read(Workflow.of, "GET", f"/api/workflow/{_part(workflow_id)}")

    def workflows(self, name: str, pool: str, limit: int = 20, timeout: float | None = None) -> list[Workflow]:
        """The newest workflows of this user whose name contains `name`, newest first, without their tasks."""
        params = {"name": name, "pools": [pool], "order": "DESC", "limit": str(limit)}
        return self._read(
            lambda answer: [Workflow.of(workflow) for workflow in answer["workflows"]],
            "GET",
            "/api/workflow",
            timeout=timeout,
            params=params,
        )

    def alive(self) -> list[Workflow]:
        """The workflows of all users and pools that have not ended, oldest first, without their tasks."""
        found: list[Workflow] = []
        more = True
        while more:
            params = {
                "statuses": sorted(ALIVE),
                "all_users": "true",
                "all_pools": "true",
                "order": "ASC",
                "limit": str(LIST_LIMIT),
                "offset": str(len(found)),
            }
            page, more = self._read(
                lambda answer: ([Workflow.of(workflow) for workflow in answer["workflows"]], bool(answer["more_entries"])),
                "GET",
                "/api/workflow",
                params=params,
            )
            found += page
            more = more and bool(page)
        return found

    def logs(self, workflow_id: str, task: str | None = None, last_n: int = 20, deadline: float = 2.0) -> list[str]:
        """The last lines that a workflow or one of its tasks wrote, as far as they come within `deadline` seconds."""
        params = {"last_n_lines": str(last_n), **({"task_name": task} if task else {})}
        return self._lines(f"/api/workflow/{_part(workflow_id)}/logs", params, deadline)[-last_n:]

    def events(self, workflow_id: str, deadline: float = 1.0) -> list[str]:
        """What the cluster said about a workflow's pods, oldest first: `TIMESTAMP [task] Reason: message`."""
        return self._lines(f"/api/workflow/{_part(workflow_id)}/events", {}, deadline)

    def cancel(self, workflow_id: str, message: str = "", timeout: float | None = None) -> None:
        """Asks for a workflow's end, which comes later; one that has ended already is no error."""
        params = {"message": message} if message else {}
        try:
            self._ask("POST", f"/api/workflow/{_part(workflow_id)}/cancel", params=params, timeout=timeout)
        except OsmoRefusedError as error:
            if "already finished" not in str(error):
                raise

    def ensure_user(self, user: str, roles: Sequence[str]) -> None:
        """Creates a user with its roles, or gives the missing ones to the user that exists."""
        path = f"/api/auth/user/{_part(user)}"
        try:
            held = self._read(lambda answer: {role["role_name"] for role in answer.get("roles") or []}, "GET", path)
        except OsmoNotFoundError:
            self._ask("POST", "/api/auth/user", json={"id": user, "roles": list(roles)})
            return
        for role in roles:
            if role not in held:
                self._ask("POST", f"{path}/roles", json={"role_name": role})

    def tokens(self, user: str) -> list[Token]:
        """The access tokens of a user, without their values."""
        return self._read(lambda answer: [Token.of(token) for token in answer], "GET", f"/api/auth/user/{_part(user)}/access_token")

    def accepts(self, token: str) -> bool:
        """Whether somebody can log in with a token: it exists and has not expired."""
        try:
            self._ask("POST", "/api/auth/jwt/access_token", json={"token": token})
        except OsmoRefusedError:
            return False
        return True

    def mint_token(self, user: str, name: str, roles: Sequence[str], valid_days: int, description: str = "") -> str:
        """Makes an access token and returns its value, which cannot be read again. A token of that name is replaced.

        Args:
            valid_days: days from today (UTC); the service allows up to 365.
        """
        self.delete_token(user, name)
        expires_at = (datetime.now(UTC) + timedelta(days=valid_days)).date().isoformat()
        params = {"expires_at": expires_at, "description": description, "roles": list(roles)}
        answer = self._ask("POST", self._token_path(user, name), params=params)
        if not isinstance(answer, str):
            raise OsmoAnswerError("the answer to a token request holds no token")
        return answer

    def delete_token(self, user: str, name: str) -> None:
        """Revokes a token; a missing one is no error."""
        try:
            self._ask("DELETE", self._token_path(user, name))
        except OsmoNotFoundError:
            return

    @staticmethod
    def _token_path(user: str, name: str) -> str:
        return f"/api/auth/user/{_part(user)}/access_token/{_part(name)}"

    def _read(self, reader: Callable[[Any], Read], method: str, path: str, **options: Any) -> Read:  # noqa: ANN401 (options of requests)
        """What `reader` makes of an answer; raises OsmoAnswerError where it cannot."""
        answer = self._ask(method, path, **options)
        try:
            return reader(answer)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            what = f"{type(error).__name__}: {error}"
            raise OsmoAnswerError(f"{method} {path} answered in a shape that is not known ({what}): {str(answer)[:120]}") from error

    def _ask(self, method: str, path: str, timeout: float | None = None, **options: Any) -> Any:  # noqa: ANN401 (JSON)
        try:
            response = self._session.request(
                method, self._base + path, timeout=(CONNECT_TIMEOUT, timeout or self._timeout), allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise OsmoUnreachableError(f"{method} {path}: {cause(error)}") from error
        _raise_for_status(response)
        try:
            return response.json()
        except ValueError as error:
            raise OsmoAnswerError(f"{method} {path} answered no JSON but {response.text[:120]!r}") from error

    def _lines(self, path: str, params: Mapping[str, str], deadline: float) -> list[str]:
        end = time.monotonic() + deadline
        try:
            response = self._session.get(self._base + path, params=params, stream=True, timeout=(CONNECT_TIMEOUT, deadline))
        except requests.ReadTimeout:
            return []  # alive, and silent so far: not even headers
        except requests.RequestException as error:
            raise OsmoUnreachableError(f"GET {path}: {cause(error)}") from error
        with closing(response):
            _raise_for_status(response)
            return b"".join(_until(response, end)).decode("utf-8", errors="replace").splitlines()


def _until(response: requests.Response, end: float) -> Iterator[bytes]:
    """The bytes of a stream until it ends, falls silent, or time is up."""
    socket = getattr(response.raw.connection, "sock", None)
    try:
        while (left := end - time.monotonic()) > 0:
            if socket is not None:
                socket.settimeout(min(left, STREAM_SILENCE))
            chunk = response.raw.read1(65536)
            if not chunk:
                return
            yield chunk
    except (HTTPError, OSError):  # silence ends a read with a time-out
        return


def _raise_for_status(response: requests.Response) -> None:
    status = response.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    message, code = _message(response)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise OsmoUnavailableError(status, message)
    if code in ("DATABASE", "USER") and any(words in message for words in _NOT_FOUND):
        raise OsmoNotFoundError(status, message, code)
    raise OsmoRefusedError(status, message, code)


def _message(response: requests.Response) -> tuple[str, str]:
    """OSMO's words and its error code; text answers come from the gateway."""
    try:
        body = response.json()
    except (ValueError, requests.RequestException):
        return response.text.strip()[:300] or "no text", ""
    if not isinstance(body, dict):
        return str(body)[:300], ""
    if "detail" in body:
        return str(body["detail"])[:300], ""
    return str(body.get("message") or body), str(body.get("error_code") or "")


def _part(value: str) -> str:
    """One segment of a path."""
    return quote(value, safe="")
