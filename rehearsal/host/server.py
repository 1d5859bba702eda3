"""The virtual host's server: `python -m rehearsal.host.server STATE`.

It answers for every program of the host, outside of the fence that holds the programs themselves: it keeps what is installed, and brings
the virtual cluster up and takes it away as MicroK8s comes and goes.
"""

from __future__ import annotations

import getpass
import hmac
import json
import logging
import secrets
import signal
import sys
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rehearsal.cluster import StartFailed, VirtualCluster
from rehearsal.faults import Fields, stored
from rehearsal.host import stand_ins
from rehearsal.host.calls import Answer, Call, Host, refused
from rehearsal.host.client import ADDRESS
from rehearsal.host.cluster import VirtualMicroK8s
from rehearsal.host.machine import Machine, load, save
from rehearsal.host.microk8s import MicroK8s
from rehearsal.host.small import PROGRAMS
from rehearsal.host.snap import NAME, Snapd
from rehearsal.processes import ProcessEnded
from rehearsal.state import HOST, StateDir, read_json, write_private
from rehearsal.tools import Tools

log = logging.getLogger(__name__)
POLL: Final = 0.1  # seconds between looks at a fault that keeps MicroK8s from running
BUSY: Final = {"snap": ("install", "remove"), "microk8s": ("enable", "disable")}
"""What changes the host, and therefore happens one after the other."""


class Workstation:
    """The host: its machine, its programs, and the cluster behind MicroK8s."""

    def __init__(self, state: StateDir, machine: Machine) -> None:
        self._state, self._machine = state, machine
        self._tools = Tools.locate()
        self._changing = threading.Lock()
        self._stopped = threading.Event()
        self._boot: threading.Thread | None = None
        self._host = Host(machine, self._keep, self._fault, state.host, self._link)
        self._snapd = Snapd(self._host, self.boot, self._remove)
        self._microk8s = MicroK8s(self._host, VirtualMicroK8s(state, self._tools))

    def resume(self) -> None:
        """What the machine does when it is switched on."""
        self._link()
        if NAME in self._machine.snaps:
            self.boot()

    def answer(self, call: Call) -> Answer:
        """What the called program says and does."""
        if call.arguments[:1] and call.arguments[0] in BUSY.get(call.program, ()):
            with self._changing:
                return self._answer(call)
        return self._answer(call)

    def _answer(self, call: Call) -> Answer:
        if call.program == "snap":
            return self._snapd.answer(call)
        if call.program == NAME and NAME in self._machine.snaps:
            return self._microk8s.answer(call)
        program = PROGRAMS.get(call.program)
        return program(call, self._host) if program else refused(f"{call.program}: not found", 127)

    def boot(self) -> None:
        """MicroK8s comes up by itself, as its services do."""
        self._stopped.clear()
        self._boot = threading.Thread(target=self._start_cluster, name="boot", daemon=True)
        self._boot.start()

    def _start_cluster(self) -> None:
        while self._fault("host.microk8s") is not None and not self._stopped.wait(POLL):
            pass
        if self._stopped.is_set():
            return
        try:
            VirtualCluster(self._state, self._tools).start(self._machine.profile, storage_class=False)
        except (StartFailed, ProcessEnded):
            log.exception("MicroK8s does not come up")

    def _remove(self) -> None:
        self._stopped.set()
        if self._boot:
            self._boot.join()
        VirtualCluster(self._state, self._tools).wipe()

    def _keep(self) -> None:
        save(self._machine, self._state.machine)

    def _fault(self, name: str) -> Fields | None:
        return stored(self._state.faults).get(name)

    def _link(self) -> None:
        stand_ins.link(self._state.host, self._machine)


def _handler(workstation: Workstation, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers one call per request, to whoever can read the host's folder."""

        def do_POST(self) -> None:
            if not hmac.compare_digest(self.headers.get("Authorization", ""), token):
                self.send_error(403)
                return
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            body = json.dumps(asdict(_answered(workstation, asked))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 -- the interface
            pass

    return Handler


def _answered(workstation: Workstation, asked: dict[str, Any]) -> Answer:
    call = Call(
        asked["program"], tuple(asked["arguments"]), bool(asked["root"]), getpass.getuser(), Path(asked["directory"]), asked["stdin"]
    )
    log.info("%s%s %s", "root: " if call.root else "", call.program, " ".join(call.arguments))
    try:
        return workstation.answer(call)
    except Exception as error:  # whatever is wrong with it, whoever called must hear of it
        log.exception("%s", call.program)
        return refused(f"{call.program}: the rehearsal's host failed: {type(error).__name__}: {error}", 70)


def main(arguments: list[str]) -> int:
    """Serves until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    state = StateDir(Path(arguments[0]).absolute())
    machine = load(state.machine)
    if machine is None:
        log.error("%s describes no machine", state.machine)
        return 1
    port, token = int(str(read_json(state.ports)["host"])), secrets.token_urlsafe(16)
    workstation = Workstation(state, machine)
    server = ThreadingHTTPServer((HOST, port), _handler(workstation, token))
    server.daemon_threads = True

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    workstation.resume()
    write_private(state.host / ADDRESS, json.dumps({"port": port, "token": token}))
    server.serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
