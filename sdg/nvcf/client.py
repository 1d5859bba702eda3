"""The API of NVIDIA Cloud Functions, as far as this project asks it: which functions an organisation has, and how they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import requests
from requests.auth import AuthBase

from sdg.kube.errors import cause
from sdg.nvcf.errors import (
    NvcfAnswerError,
    NvcfError,
    NvcfForbiddenError,
    NvcfNotFoundError,
    NvcfUnauthorizedError,
    NvcfUnavailableError,
    NvcfUnreachableError,
)
from sdg.nvcf.reference import FunctionReference
from sdg.this_host import is_loopback

LIST: Final = "/v2/nvcf/functions"
CONNECT_TIMEOUT: Final = 5.0  # seconds
ANSWER_TIMEOUT: Final = 15.0  # seconds
ACTIVE: Final = "ACTIVE"
"""The one status of a function that answers; others are DEPLOYING, INACTIVE and ERROR."""
_LONGEST: Final = 200  # characters of an answer that an error quotes


@dataclass(frozen=True, slots=True)
class Function:
    """One version of a function.

    Attributes:
        name: for people.
        status: `ACTIVE`, `DEPLOYING`, `INACTIVE`, `ERROR`, or what NVIDIA adds.
    """

    id: str
    version: str
    name: str
    status: str

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Function:
        """From an entry of an answer; versions are missing in some."""
        return cls(str(entry["id"]).lower(), str(entry.get("versionId") or "").lower(), str(entry.get("name") or ""), str(entry["status"]))


class NvcfClient:
    """Asks one NVCF. May be used from one thread at a time.

    Args:
        base_url: where it answers: `Mirror.api(reference.API)`. Plain HTTP only on this machine.
        key: never shown in an error.
        timeout: seconds until an answer must have begun.

    Raises:
        NvcfError: the key would be sent in plain text.
    """

    def __init__(self, base_url: str, key: str, timeout: float = ANSWER_TIMEOUT) -> None:
        self._base, self._timeout = base_url.rstrip("/"), timeout
        local = is_loopback(self._base)
        if not (local or self._base.lower().startswith("https://")):
            raise NvcfError(f"{base_url} is not https: the key would be sent there in plain text. Correct sdg:mirror.apis.")
        self._session = requests.Session()
        self._session.trust_env = not local  # a proxy of the environment would never reach this machine
        self._session.auth = _Bearer(key)  # with an object of its own nothing of ~/.netrc takes the key's place
        self._session.headers["Accept"] = "application/json"

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def functions(self) -> tuple[Function, ...]:
        """Every version of every function of the key's organisation.

        Raises:
            NvcfError: which one, says the class.
        """
        return self._listed(LIST)

    def versions(self, function: str) -> tuple[Function, ...]:
        """Every version of one function, also of one that another organisation shares.

        Raises:
            NvcfNotFoundError: there is none that this key may see.
            NvcfError: which one, says the class.
        """
        return self._listed(f"{LIST}/{function}/versions")

    def _listed(self, path: str) -> tuple[Function, ...]:
        answer = self._ask(path)
        try:
            return tuple(Function.of(entry) for entry in answer["functions"])
        except (KeyError, TypeError, AttributeError) as error:
            raise NvcfAnswerError(f"GET {path} answered no list of functions: {str(answer)[:_LONGEST]}") from error

    def _ask(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        try:
            # a redirect would take the key to who knows where
            response = self._session.get(self._base + path, timeout=(CONNECT_TIMEOUT, self._timeout), allow_redirects=False)
        except requests.RequestException as error:
            raise NvcfUnreachableError(f"{self._base} does not answer ({cause(error)})") from error
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response, path)
        try:
            return response.json()
        except requests.JSONDecodeError as error:
            raise NvcfAnswerError(f"GET {path} answered no JSON but {response.text[:_LONGEST]!r}") from error


class _Bearer(AuthBase):
    """Adds the key to a request."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def states(functions: Iterable[Function], wanted: FunctionReference) -> tuple[Function, ...]:
    """Those of some functions that a reference means: one version where it names one, else all versions."""
    return tuple(
        each for each in functions if each.id == wanted.function and (wanted.version is None or each.version in ("", wanted.version))
    )


def _refusal(response: requests.Response, path: str) -> NvcfError:
    status = response.status_code
    asked = f"GET {path} answered {status}"
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return NvcfUnauthorizedError(asked)
        case HTTPStatus.FORBIDDEN:
            return NvcfForbiddenError(asked)
        case HTTPStatus.NOT_FOUND:
            return NvcfNotFoundError(asked)
        case _ if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return NvcfUnavailableError(asked)
        case _:
            return NvcfAnswerError(f"{asked}: {response.text[:_LONGEST]!r}")
