"""What a provider plugin is: a `Provider` on plain Python values, which `rehearsal.plugins.servicer` serves to the engine.

Errors are exceptions: `ProviderError` fails the step with its sentence, `PartialFailure` says that the resource exists all the same, so
that the engine keeps it in the state.
"""

# ruff: noqa: ARG002 -- what a provider does not use, the protocol still passes

from __future__ import annotations

import enum
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.properties import Properties


class ProviderError(Exception):
    """A call failed and changed nothing that the state should know of."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code


class PartialFailure(ProviderError):
    """A resource exists but did not become what was asked for: the engine keeps it and tries again next time."""

    def __init__(self, message: str, id: str, state: Properties, reasons: Sequence[str] = (), inputs: Properties | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.id = id
        self.state = state
        self.reasons = [message, *reasons]
        self.inputs = inputs


class Change(enum.Enum):
    """How one property differs; the values are the protocol's."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5

    @property
    def replaces(self) -> bool:
        """Whether a resource with this change must be made anew."""
        return self in {Change.ADD_REPLACE, Change.DELETE_REPLACE, Change.UPDATE_REPLACE}


@dataclass(frozen=True)
class Configuration:
    """What the stack or the program configured the provider with."""

    variables: Mapping[str, str]
    arguments: Properties


@dataclass(frozen=True)
class Call:
    """Which resource a call is about. `timeout` is the user's custom timeout in seconds, 0 when there is none."""

    urn: str
    type: str
    name: str
    id: str = ""
    preview: bool = False
    timeout: float = 0.0
    ignore_changes: Sequence[str] = ()


@dataclass(frozen=True)
class Autonaming:
    """How a name is made when the program gives none: the engine's proposal, and whether it must or must not be used."""

    proposed: str = ""
    enforced: bool = False
    disabled: bool = False


@dataclass(frozen=True)
class Checked:
    """Inputs as they will be stored, and what is wrong with them as (property, sentence)."""

    inputs: Properties
    failures: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Difference:
    """What an update would do. `detailed` is None when the plugin gives no details."""

    changed: bool
    detailed: Mapping[str, Change] | None = None
    replaces: Sequence[str] = ()
    properties: Sequence[str] = ()
    delete_before_replace: bool = False
    removed_inputs: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Live:
    """A resource as it is: its id, its state, and the inputs that would make it so."""

    id: str
    state: Properties
    inputs: Properties


class Provider:
    """One provider plugin. What it does not override is refused by gRPC's own "not implemented"."""

    version = "0.0.0"
    accepts_autonaming = False

    def __init__(self, log: EngineLog | None = None) -> None:
        self.log = log or EngineLog("")
        self.cancelled = threading.Event()

    def check_config(self, call: Call, news: Properties) -> Checked:
        """Validate the provider's own settings."""
        return Checked(news)

    def diff_config(self, call: Call, olds: Properties, news: Properties) -> Difference:
        """Compare the provider's own settings."""
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        return Difference(bool(changed), properties=changed)

    def configure(self, configuration: Configuration) -> None:
        """Take the settings that the following calls work with."""

    def check(self, call: Call, olds: Properties, news: Properties, seed: bytes, autonaming: Autonaming) -> Checked:
        """Validate and complete inputs."""
        raise NotImplementedError

    def diff(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Difference:
        """Compare a stored resource with new inputs."""
        raise NotImplementedError

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Create a resource and return its id and state; in a preview, what can be told of them."""
        raise NotImplementedError

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        """Look at a resource; None when it is gone."""
        raise NotImplementedError

    def update(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Properties:
        """Change a resource in place and return its state."""
        raise NotImplementedError

    def delete(self, call: Call, state: Properties, old_inputs: Properties) -> None:
        """Delete a resource."""
        raise NotImplementedError

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Run a function of the provider."""
        raise ProviderError(f"{token}: the rehearsal's stand-in does not know this function")
