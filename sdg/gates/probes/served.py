"""What an endpoint answers over HTTP: whether it is ready, which models it lists, how its function is, and one real request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Protocol

from sdg.catalog.endpoint_causes import endpoint_causes
from sdg.catalog.near import nearest
from sdg.gates.checks import Check, Status, judge
from sdg.gates.probes import model_requests
from sdg.gates.probes.endpoint import Endpoint
from sdg.gates.probes.one_request import OneRequest, Outcome
from sdg.gates.probes.web import Answer, NoAnswerError, ask
from sdg.kube.errors import KubeError
from sdg.nvcf.client import ACTIVE, NvcfClient, states
from sdg.nvcf.errors import NvcfError, NvcfForbiddenError, NvcfNotFoundError, NvcfUnauthorizedError
from sdg.nvcf.reference import FunctionReference

_KEPT: Final = 20  # models of a list that the evidence keeps
_NAMED: Final = 5  # models of a list that a check names
_PAGE: Final = 1000  # models of a list that are looked at
_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_LONGEST: Final = 200  # characters of a model's name
_NVCF_STATUS: Final[Mapping[type[NvcfError], HTTPStatus]] = {
    NvcfUnauthorizedError: HTTPStatus.UNAUTHORIZED,
    NvcfForbiddenError: HTTPStatus.FORBIDDEN,
    NvcfNotFoundError: HTTPStatus.NOT_FOUND,
}


class Way(Protocol):
    """How an endpoint's origin is reached: directly, or by a forward."""

    def base_url(self) -> str:
        """Where it answers; raises KubeError."""
        ...

    def broke(self) -> None:
        """Called when nothing answered there."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


@dataclass(frozen=True, slots=True)
class Direct:
    """An address that needs no forward."""

    root: str

    def base_url(self) -> str:
        return self.root

    def broke(self) -> None:
        """There is nothing to renew."""

    def close(self) -> None:
        """There is nothing to end."""


class Served:
    """Asks one endpoint. Not to be used from two threads at once.

    Args:
        key: that requests carry; empty for none.
        with_request: whether the one real request is sent as well.
    """

    def __init__(self, endpoint: Endpoint, key: str, way: Way, *, with_request: bool) -> None:
        self._endpoint, self._key, self._way = endpoint, key, way
        self._listed: list[str] = []
        asks = with_request and endpoint.request != "none"
        expected = f"an answer to one small request ({endpoint.request})"
        self._request = OneRequest(endpoint.subject, expected, self._send) if asks else None

    def checks(self) -> list[Check]:
        """Everything that is asked; the real request only when all else is well."""
        found = list(self._state())
        if self._request and all(check.status is Status.PASSED for check in found):
            found.append(self._request.check())
        return found

    def evidence(self) -> Mapping[str, object]:
        request = self._request.evidence() if self._request else {}
        return {**({"listed": self._listed[:_KEPT]} if self._listed else {}), **({"request": request} if request else {})}

    def _state(self) -> Iterator[Check]:
        endpoint = self._endpoint
        if endpoint.ready:
            yield self._asked("endpoint-ready", endpoint.ready, f"HTTP 200 from {endpoint.ready}", lambda _: "")
        elif not endpoint.models:
            yield self._reachable()
        if endpoint.models:
            yield self._asked("endpoint-models", f"{endpoint.base_path}/models", f"a list of models with {endpoint.model}", self._unlisted)
        if endpoint.function and self._key:
            yield self._function()

    def _asked(self, name: str, path: str, expected: str, lacking: Callable[[Answer], str]) -> Check:
        """The check on a page that has to answer 200 and to lack nothing."""
        try:
            answer = self._get(path)
        except (NoAnswerError, KubeError) as error:
            return self._unanswered(name, expected, error)
        if answer.status != HTTPStatus.OK:
            return self._refused(name, expected, answer)
        wrong = lacking(answer)
        return judge(name, self._endpoint.subject, not wrong, observed=wrong or expected, expected=expected, remedy=self._other_model())

    def _reachable(self) -> Check:
        """Whether anything answers: there is no page to ask that costs nothing. A key that is refused is told all the same."""
        expected = "an answer"
        try:
            answer = self._get(self._endpoint.base_path or "/")
        except (NoAnswerError, KubeError) as error:
            return self._unanswered("endpoint-reachable", expected, error)
        if answer.status in _REFUSED and self._key:
            return self._refused("endpoint-reachable", expected, answer)
        return Check("endpoint-reachable", self._endpoint.subject, Status.PASSED, f"HTTP {answer.status}", expected)

    def _get(self, path: str) -> Answer:
        try:
            return ask("GET", f"{self._way.base_url()}{path}", headers=self._endpoint.headers(self._key))
        except NoAnswerError:
            self._way.broke()
            raise

    def _unlisted(self, answer: Answer) -> str:
        """Why a list of models is not the one that was hoped for; empty when it is."""
        self._listed = []
        found = listed(answer.json())
        if found is None:
            return "no list of models" if answer.whole else "an answer that is too long for a list of models"
        self._listed = found
        wanted = self._endpoint.model
        if wanted in found:
            return ""
        close = [*nearest(wanted, found), *found][:_NAMED]
        return f"ModelMissing: serves {', '.join(dict.fromkeys(close)) or 'none'}, wanted {wanted}"

    def _other_model(self) -> str:
        if self._endpoint.provider == "external":
            return (
                f"Name one that it serves as `model` of {self._endpoint.name} under `sdg:inference.endpoints`, or have it serve this one."
            )
        return "Clients that say the wanted name get 404: something else answers there, or it was started with another name."

    def _unanswered(self, name: str, expected: str, error: Exception) -> Check:
        remedies = {
            "nim-operator": "Look at the log of its pod: it is running, and its API server is not.",
            "external": f"Check `url` of {self._endpoint.name} under `sdg:inference.endpoints`, and this host's way there.",
        }
        remedy = remedies.get(self._endpoint.provider, "Check this host's way there, its proxy, and `sdg:mirror.apis`.")
        return Check(name, self._endpoint.subject, Status.FAILED, f"Unreachable: {error}", expected, remedy, stuck=True)

    def _refused(self, name: str, expected: str, answer: Answer) -> Check:
        words, remedy = self._why(answer)
        return Check(name, self._endpoint.subject, Status.FAILED, words, expected, remedy, stuck=True)

    def _why(self, answer: Answer) -> tuple[str, str]:
        """What an answer that is no 200 says, with its cause's name before it, and what to do."""
        cause = endpoint_causes().of_answer(self._endpoint.provider, answer.status, answer.words)
        if cause is None:
            return answer.words, "Its answer says what it lacks."
        return f"{cause.name}: {answer.words}", cause.advice(name=self._endpoint.name)

    def _function(self) -> Check:
        """Whether the function of NVCF is active."""
        function = self._endpoint.function
        assert function is not None  # noqa: S101 (for the type checker: whoever calls has looked)
        name, subject, expected = "nvcf-function", f"function/{function.id}", ACTIVE
        try:
            with NvcfClient(function.api, self._key) as client:
                versions = states(client.versions(function.id), FunctionReference(function.id, function.version or None, ""))
        except NvcfError as error:
            cause = endpoint_causes().of_answer("nvcf", _NVCF_STATUS.get(type(error), 0), str(error))
            words = f"{cause.name if cause else type(error).__name__.removesuffix('Error')}: {error}"
            return Check(name, subject, Status.FAILED, words, expected, cause.advice() if cause else error.remedy, stuck=True)
        seen = ", ".join(sorted({version.status for version in versions})) or "no such version"
        active = any(version.is_active for version in versions)
        remedy = "Deploy it at https://nvcf.ngc.nvidia.com/functions, or name another one under `sdg:inference.functions`."
        return replace(judge(name, subject, active, observed=seen, expected=expected, remedy=remedy), stuck=not active)

    def _send(self) -> Outcome:
        endpoint = self._endpoint
        began = time.monotonic()
        try:
            answer = ask(
                "POST",
                f"{self._way.base_url()}{endpoint.path}",
                headers=endpoint.headers(self._key),
                body=model_requests.body(endpoint.request, endpoint.model, endpoint.path),
                timeout=model_requests.SECONDS[endpoint.request],
                limit=model_requests.LIMIT,
            )
        except NoAnswerError as error:
            self._way.broke()
            return Outcome(good=False, words=f"Unreachable: {error}", remedy=self._unanswered("", "", error).remedy)
        if answer.status != HTTPStatus.OK:
            words, remedy = self._why(answer)
            return Outcome(good=False, words=words, remedy=remedy)
        wrong = model_requests.lacking(answer, endpoint.path)
        if wrong:
            return Outcome(good=False, words=f"NoCompletion: {wrong}", remedy="It answers, but not as OpenAI's API does.")
        return Outcome(good=True, words=f"answered in {answer.seconds:.1f} s", seconds=round(time.monotonic() - began, 3))


def listed(answer: object) -> list[str] | None:
    """The names in a list of models as OpenAI's API gives it; None for anything else."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list):
        return None
    return [str(entry["id"])[:_LONGEST] for entry in data[:_PAGE] if isinstance(entry, Mapping) and isinstance(entry.get("id"), str)]
