"""A front of HTTP: posts and puts are answered wrongly, cut or kept waiting; everything else passes."""

import gzip
import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from faults.fronts import SINGLED_OUT, Front, Mischief, reset
from logferry.sls.compression import unpack

__all__ = ["WebFront"]

SLOW = 0.2  # seconds before an answer, within every time-out
_LARGE = 1_500


class _Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    length: int


class WebFront(Front):
    """Keep-alive in front, one connection a request behind."""

    AFTER: ClassVar[int] = 6

    def __init__(self, target: int, tls: ssl.SSLContext | None = None, buffer: int = 0) -> None:
        super().__init__(target, tls, buffer)
        self.start(self.accept)

    def serve(self, connection: socket.socket) -> None:
        """Request after request."""
        held = b""
        connection.settimeout(0.2)
        while connection.fileno() != -1:
            while b"\r\n\r\n" not in held:
                more = self._more(connection)
                if not more:
                    return
                held += more
            head, _, held = held.partition(b"\r\n\r\n")
            request = _parse(head)
            while len(held) < request.length:
                more = self._more(connection)
                if not more:
                    return
                held += more
            body, held = held[: request.length], held[request.length :]
            self._answer(connection, request, body)

    def _more(self, connection: socket.socket) -> bytes:
        while True:
            try:
                return connection.recv(65_536)
            except TimeoutError:
                if self.closing:
                    return b""

    def _answer(self, connection: socket.socket, request: _Request, body: bytes) -> None:
        mischief = None
        if request.method in ("POST", "PUT"):
            mischief = self.next_mischief(fits=lambda one: _fits(one, request, body))
        if mischief is None:
            connection.sendall(self._ask(request, body))
        elif mischief.kind == "refused":
            self.go_deaf()
        elif mischief.kind == "reset_mid_body":
            self._half(request, body)
            self.broke()
            reset(connection)
        elif mischief.kind == "reset_after_body":
            self._ask(request, body)
            self.broke()
            reset(connection)
        elif mischief.kind == "silent":
            self._ask(request, body)
            self.broke()
            self._calm.wait(5)  # longer than the task's time-out
            connection.close()
        elif mischief.kind == "slow":
            time.sleep(SLOW * (0.5 + self.met % 4 / 4))  # not all at the same moment
            connection.sendall(self._ask(request, body))
        else:
            if mischief.taken:
                self._ask(request, body)
            connection.sendall(_message(mischief.status, mischief.headers, mischief.body.encode()))

    def _ask(self, request: _Request, body: bytes) -> bytes:
        """The sink's own answer."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.target, timeout=10)
        try:
            upstream.request(request.method, request.path, body, dict(request.headers))
            reply = upstream.getresponse()
            headers = {name: value for name, value in reply.getheaders() if name.lower() not in _HOP}
            return _message(reply.status, headers, reply.read())
        finally:
            upstream.close()

    def _half(self, request: _Request, body: bytes) -> None:
        """The sink gets half a body, then the end."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.target, timeout=10)
        upstream.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body[: len(body) // 2])
        upstream.close()


_HOP = frozenset(("connection", "content-length", "transfer-encoding", "server", "date"))


def _parse(head: bytes) -> _Request:
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    method, path, _ = line.split(" ")
    return _Request(method, path, headers, int(headers.get("content-length", 0)))


def _fits(mischief: Mischief, request: _Request, body: bytes) -> bool:
    if mischief.only not in SINGLED_OUT:
        return not mischief.only or request.path.endswith("/ack") == (mischief.only == "polls")
    text = _unpacked(request.headers, body)
    return b"culprit" in text if mischief.only == "culprit" else len(text) > _LARGE


def _unpacked(headers: Mapping[str, str], body: bytes) -> bytes:
    if headers.get("content-encoding") == "gzip":
        return gzip.decompress(body)
    kind = headers.get("x-log-compresstype", "")
    return unpack(kind, body, int(headers["x-log-bodyrawsize"])) if kind else body


def _message(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
