"""Lambda's Runtime API for one function instance: hands over one invocation after the other, takes what came of it.

Limits: a reply of 6 MB and 100 bytes, as the service has it; one invocation at a time. Loopback only.
Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01).
"""

import json
import re
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

__all__ = ["MAX_REPLY", "TOO_LARGE", "Ending", "Invocation", "RuntimeApi"]

MAX_REPLY = 6_291_556  # bytes
TOO_LARGE = "Function.ResponseSizeTooLarge"
_VERSION = "/2018-06-01/runtime"
_OF_ONE = re.compile(rf"{_VERSION}/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the runtime is told of one call."""

    request_id: str
    event: bytes
    arn: str
    timeout: float  # seconds from the moment it is handed over


class Ending(NamedTuple):
    """What the runtime said: `response`, `error` or `init` (it could not load the function)."""

    how: str
    body: Any


class RuntimeApi:
    """A server that is there until `close`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Invocation | None = None
        self._running: str | None = None
        self._ending: Ending | None = None
        self._closed = False
        self.loaded = False  # the runtime asked for work: its function is there
        api = self

        class Handler(_Handler):
            runtime = api

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def offer(self, invocation: Invocation) -> None:
        """Let the runtime have it as soon as it asks."""
        with self._changed:
            self._waiting, self._ending = invocation, None
            self._changed.notify_all()

    def wait(self, seconds: float) -> Ending | None:
        """What came of it, or None after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending is not None, seconds)
            return self._ending

    def handed_over(self) -> bool:
        """Whether the runtime has the invocation: then its time runs."""
        with self._changed:
            return self._waiting is None

    def close(self) -> None:
        """Whoever waits for work is let go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self) -> Invocation | None:
        """For the handler: the next invocation, however long it takes; None once closed."""
        with self._changed:
            self.loaded = True
            self._changed.wait_for(lambda: self._closed or self._waiting is not None)
            given, self._waiting = self._waiting, None
            self._running = given.request_id if given else None
            return given

    def told(self, request_id: str | None, ending: Ending) -> bool:
        """For the handler: whether that is the end of what is running (None: of the start)."""
        with self._changed:
            if self._ending is not None or request_id != self._running:
                return False
            self._ending, self._running, self._waiting = ending, None, None
            self._changed.notify_all()
            return True


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet about a runtime that was killed while it was connected: that is how sandboxes end."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    runtime: RuntimeApi

    def do_GET(self) -> None:  # http.server's name
        given = self.runtime.next() if self.path == f"{_VERSION}/invocation/next" else None
        if given is None:
            self._answer(404 if not self.path.endswith("/next") else 503, {"errorType": "NotFound"})
            return
        deadline = int((time.time() + given.timeout) * 1000)
        self._send(200, given.event, {
            "Lambda-Runtime-Aws-Request-Id": given.request_id, "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": given.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        })  # fmt: skip

    def do_POST(self) -> None:  # http.server's name
        size = int(self.headers.get("Content-Length", "0"))
        found = _OF_ONE.fullmatch(self.path)
        if size > MAX_REPLY:
            self.close_connection = True  # what was sent is not read
            text = f"Response payload size exceeded maximum allowed payload size ({MAX_REPLY} bytes)."
            problem = {"errorType": TOO_LARGE, "errorMessage": text}
            if found:
                self.runtime.told(found[1], Ending("error", problem))
            self._answer(413, problem)
            return
        body = self.rfile.read(size)
        if found:
            request_id, ending = found[1], Ending(found[2], _json(body))
        elif self.path == f"{_VERSION}/init/error":
            request_id, ending = None, Ending("init", _json(body))
        else:
            self._answer(404, {"errorType": "NotFound"})
            return
        known = self.runtime.told(request_id, ending)
        self._answer(202 if known else 400, {"status": "OK"} if known else {"errorType": "InvalidRequestID"})

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what a function prints is the only log."""

    def _answer(self, status: int, body: dict[str, str]) -> None:
        self._send(status, json.dumps(body).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json(body: bytes) -> Any:  # noqa: ANN401  # whatever the function returned
    try:
        return json.loads(body or b"null")
    except ValueError:
        return body.decode("utf-8", "replace")
