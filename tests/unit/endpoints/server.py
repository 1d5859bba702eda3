"""A server of one model on a local port, as endpoints of every provider are to the gate."""

import email
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "Qwen/Qwen2.5-14B-Instruct"


class Server:
    """Answers as OpenAI's API does, unless `answers` says something else of a path; remembers what it was asked."""

    def __init__(self, *models, key=""):
        self.models, self.key = list(models or [MODEL]), key
        self.answers = {}  # path: (status, body), or a function of the handler that answers by itself
        self.asked = []  # (method, path, headers, body)
        self.url = ""

    def paths(self, method=None):
        return [path for asked, path, *_ in self.asked if method in (None, asked)]

    def posts(self):
        return [json.loads(body) for method, _, _, body in self.asked if method == "POST"]

    def form(self, wanted):
        """The parts of a form that was sent to a path."""
        headers, body = next((headers, body) for _, path, headers, body in self.asked if path == wanted)
        return email.message_from_string(f"Content-Type: {headers['Content-Type']}\n\n{body}").get_payload()

    def answer(self, handler, body):
        path = handler.path.partition("?")[0]
        self.asked.append((handler.command, path, dict(handler.headers), body))
        own = self.answers.get(path)
        if callable(own):
            own(handler)
            return
        status, found = own or self._usual(handler, path)
        say(handler, status, found)

    def _usual(self, handler, path):
        held = handler.headers.get("Authorization", "").removeprefix("Bearer ") or handler.headers.get("api-key", "")
        if self.key and held != self.key:
            return 401, {"error": {"message": "invalid key"}}
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
        if path.endswith("/health/ready"):
            return 200, {"status": "ready"}
        if path.endswith("/images/edits"):
            return 200, {"created": 0, "data": [{"b64_json": "aGVsbG8="}]}
        if handler.command == "POST":
            return 200, {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
        return 404, {"detail": "Not Found"}


def say(handler, status, found, **headers):
    payload = found if isinstance(found, bytes) else (found if isinstance(found, str) else json.dumps(found)).encode()
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(payload)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(payload)


@contextmanager
def serving(*models, key=""):
    """A `Server` that answers while the block lasts."""
    server = Server(*models, key=key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            server.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace"))

        do_GET = do_POST = _answer  # noqa: N815 (the interface)

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_):  # whoever asked has gone
            pass

    listening = Quiet(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server.url = f"http://127.0.0.1:{listening.server_port}"
    threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
