"""One run of a Pulumi program inside the language host."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pulumi
import pulumi.runtime

from rehearsal.plugins.protocol import language_pb2

_THREADS_PER_RESOURCE = 4  # as the SDK's own executor: a resource registration holds several blocking calls


class Program:
    """A program, the settings that the engine runs it with, and what became of it."""

    def __init__(self, request: language_pb2.RunRequest, engine_address: str) -> None:
        self._request = request
        self._engine_address = engine_address
        self._path = Path(request.info.program_directory, request.info.entry_point).resolve()

    def run(self) -> language_pb2.RunResponse:
        """Run the program to its end. Never raises: what goes wrong is told to the user through the engine.

        `bail` says that the user was told already, so the engine adds nothing of its own.
        """
        return contextvars.copy_context().run(self._run)

    def _run(self) -> language_pb2.RunResponse:
        self._configure()
        loop = asyncio.new_event_loop()
        executor = ThreadPoolExecutor(max_workers=max(self._request.parallel, 1) * _THREADS_PER_RESOURCE)
        loop.set_default_executor(executor)
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(pulumi.runtime.run_in_stack(self._execute))
        except pulumi.RunError as error:
            return _failed(str(error))
        except SystemExit as error:
            return language_pb2.RunResponse() if not error.code else _failed(_exit_sentence(error))
        except grpc.RpcError as error:
            # The engine ends the monitor first when it shuts down: then there is nobody to tell.
            if isinstance(error, grpc.Call) and error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
                return language_pb2.RunResponse(bail=True)
            return _failed(f"Program failed with an unhandled exception:\n{self._user_traceback()}")
        except Exception:  # noqa: BLE001 -- a program may raise anything
            return _failed(f"Program failed with an unhandled exception:\n{self._user_traceback()}")
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            sys.stdout.flush()
            sys.stderr.flush()
        return language_pb2.RunResponse()

    def _configure(self) -> None:
        # The SDK works with abandoned futures whenever a resource fails; asyncio would complain about each.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        request = self._request
        pulumi.runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
        pulumi.runtime.configure(
            pulumi.runtime.Settings(
                project=request.project,
                stack=request.stack,
                monitor=request.monitor_address,
                engine=self._engine_address,
                parallel=request.parallel,
                dry_run=request.dryRun,
                organization=request.organization or "organization",
                root_directory=request.info.root_directory,
            )
        )

    def _execute(self) -> None:
        os.chdir(self._request.pwd or self._path)
        sys.argv = [str(self._path), *self._request.args]
        directory = str(self._path if self._path.is_dir() else self._path.parent)
        # Stays after the program's last line: callbacks that run later may import too.
        sys.path.insert(0, directory)
        if self._path.is_dir() and not (self._path / "__main__.py").is_file():
            raise pulumi.RunError(f"unable to find main python program `__main__.py` in `{self._path}`")
        runpy.run_path(str(self._path), run_name="__main__")

    def _user_traceback(self) -> str:
        """Return the current traceback from the program's first line on: what lies above is of no use to the user."""
        main = {str(self._path), str(self._path / "__main__.py")}
        frames = traceback.extract_tb(sys.exc_info()[2])
        first = next((index for index, frame in enumerate(frames) if frame.filename in main), 0)
        return traceback.format_exc(limit=first - len(frames))


def _failed(message: str) -> language_pb2.RunResponse:
    pulumi.log.error(message)
    return language_pb2.RunResponse(bail=True)


def _exit_sentence(error: SystemExit) -> str:
    if isinstance(error.code, int):
        return f"Program exited with non-zero exit code: {error.code}"
    return str(error.code)
