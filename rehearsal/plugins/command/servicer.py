"""Where the official Command provider speaks the protocol otherwise than the Kubernetes one."""

# ruff: noqa: ARG002 -- the protocol passes what an answer may not need

from __future__ import annotations

import grpc

from rehearsal.plugins.protocol import provider_pb2
from rehearsal.plugins.servicer import Servicer


class CommandServicer(Servicer):
    """Answers `Handshake`, says more in `Configure`, and has no `DiffConfig`, all as recorded."""

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True, accepts_byte_string=True
        )

    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "DiffConfig is not implemented")
        raise AssertionError("abort raises")
