"""Holds Helm in the middle of an install: its record is written, its Deployments wait for an answer of the API server."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rehearsal.pki import Pki
from rehearsal.state import HOST, StateDir

LONGEST = 30  # seconds: what the API server grants a webhook at most
NAME = "held-helm.sdg.test"


@contextmanager
def held_helm(stack: Any, release: str) -> Iterator[Callable[[], None]]:
    """Keeps the release's Deployments from being created, by a webhook of the virtual API server; gives what lets them go.

    Args:
        release: also the name of its namespace.
    """
    gone_on = threading.Event()
    pki = Pki(StateDir(stack.state).pki)
    server = _server(gone_on, pki)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    document = stack.state / "held-helm.json"
    document.write_text(json.dumps(_webhook(f"https://{HOST}:{server.server_port}/", pki, release)))
    try:
        stack.kubectl("apply", "--filename", str(document))
        yield gone_on.set
    finally:
        gone_on.set()
        stack.kubectl("delete", "--ignore-not-found", "--filename", str(document))
        server.shutdown()
        server.server_close()


def _server(gone_on: threading.Event, pki: Pki) -> ThreadingHTTPServer:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gone_on.wait(LONGEST)
            response = {"uid": review["request"]["uid"], "allowed": True}
            body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """An asker that was killed hears no answer, as is meant."""

    server = Server((HOST, 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate, pki.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def _webhook(url: str, pki: Pki, namespace: str) -> dict[str, Any]:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    webhook = {
        "name": NAME,
        "clientConfig": {"url": url, "caBundle": base64.b64encode(pki.authority.read_bytes()).decode()},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": LONGEST,
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": NAME}, "webhooks": [webhook]}
