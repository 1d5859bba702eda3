"""Gates end with the update: tried with the SDK's own dynamic-provider server, in process groups as the engine makes them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sdg.gates.cluster import ClusterRecord

# An engine: starts the server in a group of its own, as the engine does, passes its port on, and ends when it is told to.
ENGINE = """
import os, signal, subprocess, sys, time
server = subprocess.Popen([sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"], stdout=subprocess.PIPE, process_group=0)
signal.signal(signal.SIGINT, lambda *_: None)
print(server.pid, server.stdout.readline().decode().strip(), flush=True)
time.sleep(60)
"""
NOWHERE = json.dumps(
    {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
    }
)


class Update:
    """An engine process, the server that it started, and gates that wait in it."""

    def __init__(self, engine, server, stub):
        self.engine, self.server, self.stub = engine, server, stub
        self.results = []

    def start_gates(self, count):
        """Starts gates on a cluster that is not there, and returns once all have spoken."""
        properties = struct_pb2.Struct()
        properties.update(
            {
                "__provider": serialize_provider(ClusterRecord()),
                "gate": "kubernetes",
                "connection": {"kubeconfig": NOWHERE},
                "deadline": 60,
            }
        )
        threads = [threading.Thread(target=self._create, args=(properties,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for _ in range(count):
            assert "waiting for" in self.engine.stderr.readline()
        return threads

    def _create(self, properties):
        try:
            self.results.append(self.stub.Create(provider_pb2.CreateRequest(properties=properties)))
        except grpc.RpcError as error:
            self.results.append(error)


@contextmanager
def update():
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
    server_pid, port = engine.stdout.readline().split()
    server = psutil.Process(int(server_pid))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Update(engine, server, provider_pb2_grpc.ResourceProviderStub(channel))
    finally:
        engine.kill()
        engine.wait()
        for process in [*(server.children() if server.is_running() else []), server]:
            if process.is_running():
                process.kill()


def within(seconds, threads):
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("gates", [1, 6])
def test_cancel_ends_all_gates_even_more_than_the_server_has_threads_for(gates):
    with update() as running:
        waiting = running.start_gates(gates)
        running.stub.Cancel(empty_pb2.Empty(), timeout=2)
        assert within(2, waiting)
        ended = {result.properties["evidence"]["ended"] for result in running.results}
    assert ended == {"the update was cancelled"}


def test_sigint_in_the_engines_group_ends_gates_without_a_cancel():
    with update() as running:
        waiting = running.start_gates(1)
        os.killpg(running.engine.pid, signal.SIGINT)
        assert within(2, waiting)
        assert running.results[0].properties["status"] == "failed"


def test_nothing_outlives_a_killed_engine():
    with update() as running:
        waiting = running.start_gates(1)
        left = [running.server, *running.server.children()]
        running.engine.kill()
        assert within(2, waiting)
        _, alive = psutil.wait_procs(left, timeout=8)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
