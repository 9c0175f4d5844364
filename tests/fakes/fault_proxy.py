"""An HTTP proxy on loopback that passes calls on, but for the faults it was told to make, in order."""

import http.client
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

__all__ = ["Answer", "FaultProxy", "HalfAnswer", "LostAnswer", "PassedOn", "fault_proxy"]


@dataclass(frozen=True)
class Answer:
    """Answer this instead of passing the call on."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LostAnswer:
    """Pass the call on, then close the connection instead of answering."""


@dataclass(frozen=True)
class HalfAnswer:
    """Pass the call on, send half of the answer's body, close."""


@dataclass(frozen=True)
class PassedOn:
    """No fault: for calls in between."""


Fault = Answer | LostAnswer | HalfAnswer | PassedOn


@dataclass
class FaultProxy:
    """What a test holds: where to send, the faults still to be made, and the calls that came."""

    url: str
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)  # of each call


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy in front of `upstream` (http://host:port)."""
    handler: type[_Handler] = type("Handler", (_Handler,), {"upstream": urlsplit(upstream).netloc})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        handler.proxy = FaultProxy(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield handler.proxy
        finally:
            server.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    upstream: ClassVar[str]
    proxy: ClassVar[FaultProxy]
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = (
        True  # head and body are two writes, and the client's delayed answer to the first takes 40 ms
    )

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.proxy.calls.append(f"{self.command} {self.headers.get('X-Amz-Target', self.path)}")
        self.proxy.headers.append(dict(self.headers))
        fault = self.proxy.faults.popleft() if self.proxy.faults else None
        answer = fault if isinstance(fault, Answer) else self._upstream(body)
        if isinstance(fault, LostAnswer):
            self.close_connection = True
            return
        half = isinstance(fault, HalfAnswer)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
        self.close_connection = half or "Content-Length" in answer.headers or self.close_connection

    def _upstream(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            reply = connection.getresponse()
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP}
            return Answer(reply.status, reply.read(), kept)
        finally:
            connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815  # the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


_HOP = frozenset(("connection", "content-length", "transfer-encoding", "server", "date"))
