"""The Python language host: what the engine starts to run a Pulumi program, and to start policy packs written in Python.

It answers as the official `pulumi-language-python` does, which is not among the Go modules that can be had. The program runs inside this
process, so that gRPC and protobuf are imported once; a policy pack runs in a child of its own.
"""

# ruff: noqa: ARG002 -- the protocol passes what an answer may not need

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.protobuf import empty_pb2

from rehearsal.plugins import environment, process
from rehearsal.plugins.protocol import language_pb2, language_pb2_grpc, plugin_pb2


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The engine's view of Python."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._run = threading.Lock()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=f"v{environment.sdk_version()}")

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        # The engine interrupts this process next; a program that still waits for resources ends with it.
        return empty_pb2.Empty()

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        metadata = {"toolchain": "Auto", "toolchainVersion": environment.pip_version(), "typechecker": "None"}
        interpreter = environment.interpreter(request.info)
        return language_pb2.AboutResponse(executable=str(interpreter), version=platform.python_version(), metadata=metadata)

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        packages = [
            plugin_pb2.PackageDependency(name=plugin.name, kind="resource", version=f"v{plugin.version}", server=plugin.server)
            for plugin in environment.resource_plugins()
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        dependencies = [language_pb2.DependencyInfo(name=name, version=version) for name, version in environment.packages()]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        message = f"Dependencies are those of {sys.prefix}; install them there (`make setup`).\n"
        yield language_pb2.InstallDependenciesResponse(stdout=message.encode())

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        from rehearsal.plugins.program import Program  # noqa: PLC0415 -- most calls need neither the SDK nor a child

        interpreter = environment.interpreter(request.info)
        if interpreter.parent.resolve() != Path(sys.executable).parent.resolve():
            return language_pb2.RunResponse(
                error=f"the stack asks for the virtual environment {interpreter.parent.parent}, but this language host belongs to "
                f"{sys.prefix}; start the rehearsal from the environment that the program runs in"
            )
        with self._run:
            return Program(request, self._engine_address).run()

    def RunPlugin(self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext) -> Iterator[language_pb2.RunPluginResponse]:
        from rehearsal.plugins.child import Child  # noqa: PLC0415 -- most calls need neither the SDK nor a child

        child = Child(request)
        context.add_callback(child.end)
        process.at_exit(child.end)
        yield from child.output()


def main() -> None:
    """Serve as the plugin process that the engine started."""
    host = LanguageHost(process.engine_address(sys.argv[1:]))
    process.serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server))


if __name__ == "__main__":
    main()
