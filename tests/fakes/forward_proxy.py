"""A forward proxy on loopback: absolute-form requests for http, CONNECT for https, Basic credentials if wanted.

It resolves names by a table, so a test can ask for a host that is not a loopback address, and reach one all the same.
"""

import base64
import contextlib
import http.client
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

__all__ = ["ForwardProxy"]


class ForwardProxy:
    """A context manager; `routes` are ports of 127.0.0.1 by `host:port` as asked for, anything else is 502."""

    def __init__(self, routes: Mapping[str, int], *, credentials: str = "") -> None:
        self.asked: list[str] = []  # request lines that were let through
        self._wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else ""
        proxy = self

        class Handler(_Handler):
            owner, known = proxy, routes

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def lets_in(self, given: str) -> bool:
        """Whether these are the credentials."""
        return given == self._wanted or not self._wanted


class _Handler(BaseHTTPRequestHandler):
    owner: ForwardProxy
    known: Mapping[str, int]
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_CONNECT(self) -> None:
        """A tunnel."""
        port = self._port(self.path)
        if port is None:
            return
        with socket.create_connection(("127.0.0.1", port), timeout=10) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
            back.start()
            _pump(self.connection, far)
            back.join(timeout=10)
        self.close_connection = True

    def do_POST(self) -> None:
        """One request, sent on in origin form."""
        target = urlsplit(self.path)
        port = self._port(target.netloc)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if port is None:
            return
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        far = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(far):
            far.request(self.command, target._replace(scheme="", netloc="").geturl(), body, headers)
            answer = far.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815  # as above

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to stderr."""

    def _port(self, wanted: str) -> int | None:
        """Where to go; None, and the refusal is written, if nowhere."""
        if not self.owner.lets_in(self.headers.get("Proxy-Authorization", "")):
            self._refuse(407)
        elif wanted not in self.known:
            self._refuse(502)
        else:
            self.owner.asked.append(self.requestline)
            return self.known[wanted]
        return None

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
