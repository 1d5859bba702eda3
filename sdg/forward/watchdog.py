"""The process that keeps a forward alive: `python -m sdg.forward.watchdog PORT KUBECONFIG NAMESPACE SERVICE REMOTE_PORT [CONTEXT]`.

It runs kubectl's port-forward, asks through it every few seconds, and starts kubectl again when the process ends or the answers stop: a
forward outlives the pod that it was bound to. SIGHUP: new credentials in the kubeconfig. SIGTERM: the end, of kubectl as well.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from setproctitle import setproctitle

from sdg.forward.control import answers
from sdg.forward.remains import WATCHDOG_TITLE
from sdg.kube.portforward import Target, command

CHECK_EVERY = 2.0  # seconds between two questions
MISSES = 2  # questions in a row without an answer, after which kubectl is started again
RESPAWN_PAUSE = 0.5  # seconds between two starts of kubectl, so that a cluster that is down costs little
LOG_LIMIT = 256 * 1024  # bytes of log, after which it starts anew


class Watchdog:
    """Keeps one kubectl running and answering."""

    def __init__(self, port: int, call: list[str]) -> None:
        self._port, self._call = port, call
        self._signalled, self._signal = os.pipe()  # an Event could deadlock: handlers run inside whatever they interrupt
        self._ended = False
        self._renewed = False
        self._handlers = {
            signal.SIGTERM: self._end,
            signal.SIGINT: self._end,
            signal.SIGHUP: self._renew,
            signal.SIGCHLD: self._wake,  # kubectl ended: no need to wait for the next check
        }

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        while not self._ended:
            self._renewed = False
            _trim_log()
            self._tend(subprocess.Popen(self._call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            self._pause(RESPAWN_PAUSE)

    def _tend(self, kubectl: subprocess.Popen[bytes]) -> None:
        """Stays until kubectl has ended, by itself or because it is of no use any more."""
        misses = 0
        try:
            while kubectl.poll() is None and misses < MISSES and not (self._ended or self._renewed):
                self._pause(CHECK_EVERY)
                misses = 0 if kubectl.poll() is None and answers(self._port) else misses + 1
        finally:
            if kubectl.poll() is None:
                kubectl.kill()
            kubectl.wait()

    def _pause(self, seconds: float) -> None:
        ready, _, _ = select.select([self._signalled], [], [], seconds)
        if ready:
            os.read(self._signalled, 64)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ended = True
        self._wake(number, frame)

    def _renew(self, number: int, frame: FrameType | None) -> None:
        self._renewed = True
        self._wake(number, frame)

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        os.write(self._signal, b"!")


def _trim_log() -> None:
    if sys.stderr.seekable() and sys.stderr.tell() > LOG_LIMIT:
        sys.stderr.truncate(0)


def main(arguments: list[str]) -> None:
    port, kubeconfig, namespace, service, remote_port, *context = arguments
    target = Target(namespace, service, int(remote_port))
    setproctitle(f"{WATCHDOG_TITLE}:{service}")
    Watchdog(int(port), command(Path(kubeconfig), context[0] if context else None, target, int(port))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
