"""The process that keeps a forward alive: `python -m sdg.forward.watchdog PORT KUBECONFIG NAMESPACE SERVICE REMOTE_PORT HEALTH [CONTEXT]`.

It runs kubectl's port-forward, asks through it every second, and starts kubectl again when the process ends or the answers stop: a
forward outlives the pod that it was bound to. SIGHUP: new credentials in the kubeconfig. SIGTERM: the end, of kubectl as well.

The forward answers again within 5 seconds of whatever was in its way being gone: at worst a pause between two starts of kubectl, its
start, and a question.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from setproctitle import setproctitle

from sdg.forward.control import answers
from sdg.forward.remains import WATCHDOG_TITLE, end, kubectls
from sdg.kube.portforward import Target, command

CHECK_EVERY = 1.0  # seconds between two questions while they are answered
CHECK_AGAIN = 0.25  # seconds until the next one while they are not
MISSES = 2  # questions in a row without an answer, after which kubectl is started again
START_GRACE = 3.0  # seconds that kubectl gets for its first answer
PAUSES = (0.5, 1.0, 2.0)  # seconds between two starts of kubectl; the longer ones while none answers: a cluster that is down costs little
LOG_LIMIT = 256 * 1024  # bytes of log, after which it starts anew


class Watchdog:
    """Keeps one kubectl running and answering."""

    def __init__(self, port: int, health: str, call: list[str]) -> None:
        self._port, self._health, self._call = port, health, call
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
        failed = 0
        while not self._ended:
            self._renewed = False
            _trim_log()
            answered = self._tend(subprocess.Popen(self._call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            failed = 0 if answered else min(failed + 1, len(PAUSES) - 1)
            self._pause(PAUSES[failed])

    def _tend(self, kubectl: subprocess.Popen[bytes]) -> bool:
        """Stays until kubectl has ended, by itself or because it is of no use any more; whether it ever answered."""
        answered, misses, started = False, 0, time.monotonic()
        try:
            while kubectl.poll() is None and misses < MISSES and not (self._ended or self._renewed):
                self._pause(CHECK_EVERY if answered and not misses else CHECK_AGAIN)
                if answers(self._port, self._health):
                    answered, misses = True, 0
                elif answered or time.monotonic() - started > START_GRACE:
                    misses += 1
        finally:
            if kubectl.poll() is None:
                kubectl.kill()
            kubectl.wait()
        return answered

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
    port, kubeconfig, namespace, service, remote_port, health, *context = arguments
    target = Target(namespace, service, int(remote_port))
    setproctitle(f"{WATCHDOG_TITLE}:{service}")
    end(kubectls(Path(kubeconfig)), patience=1.0)  # that a killed predecessor left: it holds the port
    Watchdog(int(port), health, command(Path(kubeconfig), context[0] if context else None, target, int(port))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
