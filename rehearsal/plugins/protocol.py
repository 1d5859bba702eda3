"""The engine's gRPC messages and services, without the cost of importing the SDK around them.

`import pulumi.runtime.proto` first runs `pulumi/__init__.py`, a quarter of a second that a plugin spends for nothing: the engine starts
each plugin anew for every preview, update and refresh. The generated modules need only each other, so they are loaded under a name of
their own. A program that imports `pulumi` later in the same process gets the same message classes: protobuf keys them by descriptor.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        errors_pb2,
        language_pb2,
        language_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:
    _NAME = "pulumi_protocol"
    if _NAME not in sys.modules:
        _sdk = importlib.util.find_spec("pulumi")
        _package = types.ModuleType(_NAME)
        _package.__path__ = [f"{_sdk.submodule_search_locations[0]}/runtime/proto"]
        sys.modules[_NAME] = _package

    from pulumi_protocol import (
        engine_pb2,
        engine_pb2_grpc,
        errors_pb2,
        language_pb2,
        language_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )

MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes in one message; the engine's own limit, since a large chart's values and manifests travel in one."""

GRPC_OPTIONS = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]

__all__ = [
    "GRPC_OPTIONS",
    "MESSAGE_LIMIT",
    "engine_pb2",
    "engine_pb2_grpc",
    "errors_pb2",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
