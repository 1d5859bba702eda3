"""What every provider plugin shares: the gRPC service, property bags in and out, errors, cancellation.

A plugin implements `Provider` on plain Python values; `main` serves it. Errors are exceptions: `ProviderError` fails the step with its
sentence, `PartialFailure` says that the resource exists all the same, so that the engine keeps it in the state.
"""

# ruff: noqa: ARG002 -- what a provider does not use, the protocol still passes

from __future__ import annotations

import enum
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2

from rehearsal.plugins import process
from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.properties import Properties, decode, encode
from rehearsal.plugins.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

_Reply = TypeVar("_Reply")


class ProviderError(Exception):
    """A call failed and changed nothing that the state should know of."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code


class PartialFailure(ProviderError):  # noqa: N818 -- named for what happened
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


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The gRPC face of a `Provider`.

    `Handshake` is refused, as the recorded official plugins refuse it: the engine then speaks to both in the same way.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "method Handshake not implemented")
        raise AssertionError("abort raises")

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._provider.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        return self._answer(context, lambda: _checked(self._provider.check_config(_call(request), decode(request.news))))

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        old = decode(request.old_inputs) or decode(request.olds)
        return self._answer(context, lambda: _difference(self._provider.diff_config(_call(request), old, decode(request.news))))

    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:
        def configure() -> provider_pb2.ConfigureResponse:
            self._provider.configure(Configuration(dict(request.variables), decode(request.args)))
            autonaming = self._provider.accepts_autonaming
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=autonaming)

        return self._answer(context, configure)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        def check() -> provider_pb2.CheckResponse:
            olds, news = decode(request.olds), decode(request.news)
            return _checked(self._provider.check(_call(request), olds, news, request.randomSeed, _autonaming(request)))

        return self._answer(context, check)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        def diff() -> provider_pb2.DiffResponse:
            state, old, news = decode(request.olds), decode(request.old_inputs), decode(request.news)
            return _difference(self._provider.diff(_call(request), state, old, news))

        return self._answer(context, diff)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        def create() -> provider_pb2.CreateResponse:
            id_, state = self._provider.create(_call(request), decode(request.properties))
            return provider_pb2.CreateResponse(id=id_, properties=encode(state))

        return self._answer(context, create)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        def read() -> provider_pb2.ReadResponse:
            live = self._provider.read(_call(request), decode(request.properties), decode(request.inputs))
            if live is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(id=live.id, properties=encode(live.state), inputs=encode(live.inputs))

        return self._answer(context, read)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        def update() -> provider_pb2.UpdateResponse:
            state, old, news = decode(request.olds), decode(request.old_inputs), decode(request.news)
            return provider_pb2.UpdateResponse(properties=encode(self._provider.update(_call(request), state, old, news)))

        return self._answer(context, update)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        def delete() -> empty_pb2.Empty:
            self._provider.delete(_call(request), decode(request.properties), decode(request.old_inputs))
            return empty_pb2.Empty()

        return self._answer(context, delete)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        def invoke() -> provider_pb2.InvokeResponse:
            return provider_pb2.InvokeResponse(**{"return": encode(self._provider.invoke(request.tok, decode(request.args)))})

        return self._answer(context, invoke)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext) -> provider_pb2.GetSchemaResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the rehearsal's stand-in has no schema; for an import, pass --generate-code=false")
        raise AssertionError("abort raises")

    def Construct(self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext) -> provider_pb2.ConstructResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.type}: the rehearsal's stand-in does not expand components")
        raise AssertionError("abort raises")

    def _answer(self, context: grpc.ServicerContext, work: Callable[[], _Reply]) -> _Reply:
        try:
            return work()
        except PartialFailure as failure:
            _abort_partially(context, failure)
        except ProviderError as error:
            context.abort(error.code, str(error))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the engine must be answered
            # A fault of the plugin itself: its traceback belongs in the log, the sentence beside the resource.
            traceback.print_exc()
            context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__} in the provider plugin: {error}")
        raise AssertionError("abort raises")


def main(make: Callable[[EngineLog], Provider]) -> NoReturn:
    """Serve the provider that `make` builds, as the plugin process that the engine started."""
    provider = make(EngineLog(process.engine_address(sys.argv[1:])))
    process.at_exit(provider.cancelled.set)
    process.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server))
    raise AssertionError("serving ends with the process")


def _call(request: object) -> Call:
    return Call(
        urn=getattr(request, "urn", ""),
        type=getattr(request, "type", ""),
        name=getattr(request, "name", ""),
        id=getattr(request, "id", ""),
        preview=getattr(request, "preview", False),
        timeout=getattr(request, "timeout", 0.0),
        ignore_changes=tuple(getattr(request, "ignoreChanges", ())),
    )


def _autonaming(request: provider_pb2.CheckRequest) -> Autonaming:
    if not request.HasField("autonaming"):
        return Autonaming()
    options = request.autonaming
    mode = provider_pb2.CheckRequest.AutonamingOptions.Mode
    return Autonaming(options.proposed_name, options.mode == mode.ENFORCE, options.mode == mode.DISABLE)


def _checked(checked: Checked) -> provider_pb2.CheckResponse:
    failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in checked.failures]
    return provider_pb2.CheckResponse(inputs=encode(checked.inputs), failures=failures)


def _difference(difference: Difference) -> provider_pb2.DiffResponse:
    kinds = provider_pb2.DiffResponse
    detailed = {
        path: provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Name(change.value), inputDiff=path in difference.removed_inputs)
        for path, change in (difference.detailed or {}).items()
    }
    return provider_pb2.DiffResponse(
        changes=kinds.DIFF_SOME if difference.changed else kinds.DIFF_NONE,
        replaces=list(difference.replaces),
        diffs=list(difference.properties),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=difference.detailed is not None,
    )


def _abort_partially(context: grpc.ServicerContext, failure: PartialFailure) -> NoReturn:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.id,
        properties=encode(failure.state),
        reasons=failure.reasons,
        inputs=encode(failure.inputs) if failure.inputs is not None else None,
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=failure.code.value[0], message=str(failure), details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(failure.code, str(failure))
    raise AssertionError("abort raises")
