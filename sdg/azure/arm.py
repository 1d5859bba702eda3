"""Azure's resource manager (ARM) over HTTP, as far as this project asks it: reads, and questions that are asked with POST.

Azure's public cloud alone. Other clouds have other login hosts, DNS zones, regions and model lists, which nobody here has tried;
`sdg.azure.account` refuses them.
"""

from __future__ import annotations

from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit, urlunsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from sdg.azure.errors import (
    LONGEST,
    ArmAnswerError,
    ArmError,
    ArmForbiddenError,
    ArmNotFoundError,
    ArmRefusedError,
    ArmUnavailableError,
    ArmUnreachableError,
    LoginError,
)
from sdg.kube.errors import cause
from sdg.this_host import is_loopback

PUBLIC: Final = "https://management.azure.com"
SCOPE: Final = "https://management.azure.com/.default"
"""What a token must be for, wherever ARM is asked."""

CONNECT_TIMEOUT: Final = 5.0  # seconds
ANSWER_TIMEOUT: Final = 30.0  # seconds; the list of VM sizes is the slowest, some seconds
LONGEST_WAIT: Final = 15.0  # seconds that an answer may ask us to wait before we ask again; a longer wait is told to the user instead
RETRIES: Final = 3
BACKOFF: Final = 0.5  # seconds; at once, then after 1, then after 2
WHOLE_TIMEOUT: Final = 60.0  # seconds for one question with all its repetitions
MOST_PAGES: Final = 200
_PORTS: Final = {"https": ":443", "http": ":80"}

Json = dict[str, Any]


class ArmReader(Protocol):
    """What the preflight asks ARM. Paths start with `/`; parameters such as `$filter` come as `**{"$filter": "…"}`.

    Every method raises ArmError: LoginError without a login that ARM takes, ArmNotFoundError, ArmForbiddenError, another
    ArmRefusedError with ARM's code, ArmUnavailableError, ArmUnreachableError, ArmAnswerError.
    """

    def get(self, path: str, api_version: str, **params: str) -> Json:
        """One object."""

    def list(self, path: str, api_version: str, **params: str) -> list[Json]:
        """Everything in a list, whose pages are followed."""

    def check(self, path: str, api_version: str, body: Json) -> Json:
        """A question that is asked with POST and changes nothing, such as whether a name is free."""


class Arm:
    """Asks one ARM. May be used from several threads.

    Args:
        base_url: where ARM answers: `Mirror.api(PUBLIC)`. Plain HTTP only on this machine.
        credential: gives tokens.
        relogin: what to do where ARM does not take these tokens, a sentence.
        longest_wait: seconds that an answer may ask us to wait.

    Raises:
        ArmError: a token would be sent in plain text.
    """

    def __init__(
        self,
        base_url: str,
        credential: TokenCredential,
        *,
        relogin: str = "",
        backoff: float = BACKOFF,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._base, self._relogin = base_url.rstrip("/"), relogin
        self._origin = _origin(self._base)
        local = is_loopback(self._base)
        if not (local or self._base.lower().startswith("https://")):
            raise ArmError(f"{base_url} is not https: a token would be sent there in plain text. Correct sdg:mirror.apis.")
        self._enforce_https = not local
        # a proxy of the environment would never reach this machine
        transport = RequestsTransport(connection_timeout=CONNECT_TIMEOUT, read_timeout=ANSWER_TIMEOUT, use_env_settings=not local)
        self._pipeline: Pipeline[HttpRequest, HttpResponse] = Pipeline(transport, _policies(credential, backoff, longest_wait))
        self._pipeline.__enter__()

    def close(self) -> None:
        self._pipeline.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def get(self, path: str, api_version: str, **params: str) -> Json:
        """One object; see ArmReader."""
        return self._ask(HttpRequest("GET", self._base + path, params={"api-version": api_version, **params}))

    def list(self, path: str, api_version: str, **params: str) -> list[Json]:
        """Everything in a list; see ArmReader."""
        request = HttpRequest("GET", self._base + path, params={"api-version": api_version, **params})
        found: list[Json] = []
        for _ in range(MOST_PAGES):
            answer = self._ask(request)
            values = answer.get("value")
            if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
                raise ArmAnswerError(f"GET {path} answered no list: {str(answer)[:LONGEST]}")
            found += values
            link = answer.get("nextLink")
            if not link:
                return found
            request = HttpRequest("GET", self._page(path, str(link)))
        raise ArmAnswerError(f"GET {path} answers more than {MOST_PAGES} pages")

    def check(self, path: str, api_version: str, body: Json) -> Json:
        """A question with a body; see ArmReader."""
        return self._ask(HttpRequest("POST", self._base + path, params={"api-version": api_version}, json=body))

    def _page(self, path: str, link: str) -> str:
        """The next page's URL: a token goes to nobody but the ARM that is asked, so ARM's own address becomes that of its mirror."""
        origin = _origin(link)
        if origin == self._origin:
            return link
        if origin == PUBLIC:
            return self._base + urlunsplit(urlsplit(link)._replace(scheme="", netloc=""))
        raise ArmAnswerError(f"GET {path} goes on at {origin}, which is not {self._origin}; it was not asked there")

    def _ask(self, request: HttpRequest) -> Json:
        asked = f"{request.method} {urlsplit(request.url).path}"
        try:
            ran: PipelineResponse[HttpRequest, HttpResponse] = self._pipeline.run(
                request, enforce_https=self._enforce_https, timeout=WHOLE_TIMEOUT
            )
        except AzureError as error:
            raise ArmUnreachableError(f"{self._origin} does not answer ({asked}: {cause(error)})") from error
        response = ran.http_response
        _raise_for_status(response, asked, self._relogin)
        try:
            answer = response.json()
        except ValueError as error:
            raise ArmAnswerError(f"{asked} answered no JSON but {response.text()[:LONGEST]!r}") from error
        if not isinstance(answer, dict):
            raise ArmAnswerError(f"{asked} answered no object: {str(answer)[:LONGEST]}")
        return answer


class _Retry(RetryPolicy[HttpRequest, HttpResponse]):
    """Asks again as long as nobody waits for long: an answer that wants a long pause is the answer."""

    def __init__(self, backoff: float, longest_wait: float) -> None:
        super().__init__(
            retry_total=RETRIES, retry_connect=1, retry_read=1, retry_status=RETRIES, retry_backoff_factor=backoff, timeout=WHOLE_TIMEOUT
        )
        self._longest_wait = longest_wait

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        wait = self.get_retry_after(response)
        if wait is not None and wait > self._longest_wait:
            return False
        return bool(super().is_retry(settings, response))


def _policies(credential: TokenCredential, backoff: float, longest_wait: float) -> list[SansIOHTTPPolicy[Any, Any] | Any]:
    return [
        RequestIdPolicy(),
        HeadersPolicy({"Accept": "application/json"}),
        UserAgentPolicy("sdg"),
        _Retry(backoff, longest_wait),
        BearerTokenCredentialPolicy(credential, SCOPE),
    ]


def _origin(url: str) -> str:
    """Scheme, host and port, the port left out where the scheme says it: ARM's own links have it now and then."""
    parts = urlsplit(url)
    netloc = parts.netloc.removesuffix(_PORTS.get(parts.scheme, ""))
    return f"{parts.scheme}://{netloc}".lower()


def _raise_for_status(response: HttpResponse, asked: str, relogin: str) -> None:
    status = response.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    code, message = _error(response)
    if status == HTTPStatus.UNAUTHORIZED:
        raise LoginError(f"Azure refuses the login: {code}: {message}.", remedy=relogin)
    kinds: dict[int, type[ArmRefusedError]] = {HTTPStatus.NOT_FOUND: ArmNotFoundError, HTTPStatus.FORBIDDEN: ArmForbiddenError}
    kind = kinds.get(status, ArmRefusedError)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ArmUnavailableError
    raise kind(status, code, message, asked)


def _error(response: HttpResponse) -> tuple[str, str]:
    """ARM's code and words; what stands before ARM answers text, or nothing."""
    try:
        body = response.json()
    except ValueError:
        return "", response.text().strip()[:LONGEST] or str(response.reason or "no text")
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", str(error)[:LONGEST]
    code, message = error.get("code"), error.get("message")
    return str(code or ""), str(message or error)[:LONGEST].rstrip(".")
