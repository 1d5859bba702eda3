"""Messages from a plugin to the user, through the engine."""

from __future__ import annotations

import sys
import threading

import grpc

from rehearsal.plugins.protocol import GRPC_OPTIONS, engine_pb2, engine_pb2_grpc


class EngineLog:
    """Diagnostics shown beside the resource they are about; without an engine they go to stderr."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def warning(self, urn: str, message: str) -> None:
        """Show a warning that stays."""
        self._send(engine_pb2.WARNING, urn, message, ephemeral=False)

    def info(self, urn: str, message: str) -> None:
        """Show a message that stays."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=False)

    def status(self, urn: str, message: str) -> None:
        """Show what is being waited for; the next status of the same resource takes its place."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=True)

    def _send(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool) -> None:
        stub = self._connected()
        if stub is None:
            sys.stderr.write(f"{message}\n")
            return
        try:
            stub.Log(engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral), timeout=5)
        except grpc.RpcError as error:
            # The engine is shutting down; a message that nobody can read is not worth failing a call.
            sys.stderr.write(f"{message} ({error.code()})\n" if isinstance(error, grpc.Call) else f"{message}\n")

    def _connected(self) -> engine_pb2_grpc.EngineStub | None:
        with self._lock:
            if self._stub is None and self._address:
                channel = grpc.insecure_channel(self._address, options=GRPC_OPTIONS)
                self._stub = engine_pb2_grpc.EngineStub(channel)
            return self._stub
