"""A server that misbehaves on demand: real sockets, one scripted behaviour for each request or connection.

A behaviour is a function of the connection's socket, after the request was read. `Misbehaving` runs the
behaviours of its script in order; when they are used up, the last one goes on.
"""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

__all__ = ["Misbehaving", "Request", "answer", "close", "drip", "mid_answer", "nobody", "reset", "silence"]

Behaviour = Callable[[socket.socket], None]


class Request(NamedTuple):
    """One request as it came."""

    line: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def answer(
    status: int, body: bytes | Mapping[str, object] = b"", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """A whole answer; the connection stays open."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {0 if status == 204 else len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + content

    def behave(connection: socket.socket) -> None:
        connection.sendall(message)

    return behave


def mid_answer(connection: socket.socket) -> None:
    """Half an answer, then the end of the connection."""
    connection.sendall(b'HTTP/1.1 200 Scripted\r\nContent-Length: 100\r\n\r\n{"text":"Suc')
    close(connection)


def drip(connection: socket.socket) -> None:
    """A byte of the body every 50 ms, for at most 10 s."""
    connection.sendall(b"HTTP/1.1 200 Scripted\r\nContent-Length: 200\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(200):
            connection.sendall(b" ")
            threading.Event().wait(0.05)


def close(connection: socket.socket) -> None:
    """An orderly end without a word."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def reset(connection: socket.socket) -> None:
    """An abrupt end: RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection: socket.socket) -> None:
    """Nothing at all, until the client gives up (at most 20 s)."""
    connection.settimeout(20)
    with contextlib.suppress(OSError):
        connection.recv(1)


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """A port of 127.0.0.1 that is taken, and where nobody listens: connecting is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Misbehaving:
    """The server; a context manager. `http=False`: a behaviour starts at once, with no request read."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None, http: bool = True) -> None:
        self._script: Sequence[Behaviour] = script
        self._tls = tls
        self._http = http
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.connections = 0
        self.requests: list[Request] = []
        self.turns = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in [self._listener, *self._open]:
            close(end)
        for thread in self._threads:
            thread.join(timeout=10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._start(lambda served=connection: self._serve(served))  # type: ignore[misc]  # the default binds the loop's value

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._open.append(connection)
            while connection.fileno() != -1:
                if self._http:
                    self.requests.append(_read(connection))
                self._next()(connection)
                if not self._http:
                    return

    def _next(self) -> Behaviour:
        with self._lock:
            self.turns += 1
            return self._script[min(self.turns, len(self._script)) - 1]


def _read(connection: socket.socket) -> Request:
    """One whole request; OSError at the end of the connection. No `makefile`: it would put off a `close`."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += _more(connection)
    head, _, body = found.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    pieces = [body]
    missing = int(headers.get("content-length", 0)) - len(body)
    while missing > 0:
        pieces.append(_more(connection))
        missing -= len(pieces[-1])
    return Request(line, headers, b"".join(pieces))


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise ConnectionResetError("the client went away")
    return chunk
