"""The gRPC face of a provider plugin: messages in and out, errors, the process around it."""

# ruff: noqa: ARG002 -- the protocol passes what an answer may not need

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2

from rehearsal.plugins import process
from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.properties import decode, encode
from rehearsal.plugins.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from rehearsal.plugins.provider import Autonaming, Call, Checked, Configuration, Difference, PartialFailure, Provider, ProviderError

_Reply = TypeVar("_Reply")


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


def main(make: Callable[[EngineLog], Provider], servicer: type[Servicer] = Servicer) -> NoReturn:
    """Serve the provider that `make` builds, as the plugin process that the engine started."""
    provider = make(EngineLog(process.engine_address(sys.argv[1:])))
    process.at_exit(provider.cancelled.set)
    process.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer(provider), server))
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
