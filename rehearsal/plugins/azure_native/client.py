"""Asking the simulated Azure. Only an address of this machine is ever asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.plugins.provider import ProviderError
from rehearsal.state import HOST, StateDir

STATE_VARIABLE = "SDG_REHEARSAL_STATE"
"""Names the rehearsal's folder; set by the plugin's own executable."""
SERVICE = "arm"
NO_AZURE = (
    "a rehearsal never talks to the real Azure, and no simulated one is running; start it, or deploy this stack outside the rehearsal"
)
LONGEST = 7200.0
"""Seconds that an operation may take, as in the official provider."""
_OK = 200


class Refused(Exception):
    """The simulated Azure refuses. `accepted` says that the resource exists all the same."""

    def __init__(self, message: str, *, accepted: bool = False) -> None:
        super().__init__(message)
        self.accepted = accepted


class Client:
    """One simulated Azure.

    Args:
        environment: where the rehearsal's folder is named.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = environment.get(STATE_VARIABLE, "")

    def ask(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Hand a call on and return the answer.

        Raises:
            Refused: ARM or the provider refuses; the sentence is theirs.
            ProviderError: there is no simulated Azure, or it stopped answering.
        """
        connection = http.client.HTTPConnection(HOST, self._port(), timeout=LONGEST)
        try:
            connection.request("POST", f"/rehearsal/{call}", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except OSError as error:
            raise ProviderError(f"{NO_AZURE} ({error})") from None
        finally:
            connection.close()
        return _read(status, content)

    def _port(self) -> int:
        url = StateDir(Path(self._folder)).service_urls().get(SERVICE, "") if self._folder else ""
        place, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        if place != HOST or not port.isdigit():
            raise ProviderError(NO_AZURE)
        return int(port)


def _read(status: int, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        raise ProviderError(f"the simulated Azure answered {status}: {content[:200].decode(errors='replace')}") from None
    if status == _OK and isinstance(answer, dict):
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        raise Refused(f'Code="{error.get("code")}" Message="{error.get("message")}"', accepted=bool(answer.get("accepted")))
    raise Refused(str(answer.get("message") if isinstance(answer, dict) and "message" in answer else answer))
