"""One connection to one broker: requests and their answers, each with its length and number (Kafka protocol guide).

Times are seconds. One thread at a time. Numbers are big-endian, strings carry their length, a length of -1 is null.
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import NamedTuple

from logferry.errors import DeliveryError, Misconfigured, Transient
from logferry.transport.dial import open_socket
from logferry.transport.pulse import explain, look
from logferry.transport.reach import Reach
from logferry.transport.tls import advice, is_refusal

__all__ = ["Answer", "Link", "Peer", "text"]

MAX_IDLE = 55.0  # load balancers and address translators forget connections from 60 s on, without telling
_MOST = 16 * 1024 * 1024  # bytes of an answer; those that are asked for here have a few hundred
_CLIENT = "logferry"


class Peer(NamedTuple):
    """Where a broker is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Answer:
    """An answer's bytes, read from the front; Transient when they end too early."""

    def __init__(self, data: bytes, peer: Peer) -> None:
        self._data, self._at, self._peer = data, 0, peer

    def take(self, form: str) -> int:
        """One number, `form` as `struct` has it."""
        (found,) = struct.unpack(">" + form, self.bytes(struct.calcsize(">" + form)))
        return int(found)

    def text(self) -> str:
        """A string; a null is empty."""
        return self.bytes(max(self.take("h"), 0)).decode(errors="replace")

    def blob(self) -> bytes:
        """Bytes with a length of 32 bits."""
        return self.bytes(max(self.take("i"), 0))

    def rows(self) -> range:
        """As many as an array has."""
        count = self.take("i")
        if count > len(self._data):
            raise self._broken()
        return range(max(count, 0))

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        if self._at + count > len(self._data):
            raise self._broken()
        self._at += count
        return self._data[self._at - count : self._at]

    def _broken(self) -> Transient:
        return Transient(f"{self._peer}: an answer ends too early, does it speak Kafka?")


class Link:
    """A connection that speaks; `versions` are filled in by `calls.greet`."""

    def __init__(self, peer: Peer, clock: Callable[[], float], reach: Reach = Reach()) -> None:  # noqa: B008  # a constant
        self.peer = peer
        self._reach = reach
        self.versions: dict[int, tuple[int, int]] = {}
        self.until = float("inf")  # the broker ends the session then
        self._clock = clock
        self._socket: socket.socket | None = None
        self._number = 0
        self._used = clock()

    def open(self, context: ssl.SSLContext | None, deadline: float) -> None:
        """Connect, with TLS if there is a context. Raises Transient or Misconfigured."""
        try:
            left = max(deadline - self._clock(), 0.01)
            self._socket = open_socket(self.peer.host, self.peer.port, left, self._clock, self._reach)
        except Transient as error:
            raise Transient(f"{self.peer}: {error}; nothing was sent") from error
        if context is None:
            return
        try:
            self._socket.settimeout(self._left(deadline))
            self._socket = context.wrap_socket(self._socket, server_hostname=self.peer.host)
        except OSError as error:
            ended = isinstance(error, ConnectionError | TimeoutError | ssl.SSLEOFError)
            raise self._failed(error, "shaking hands" + "; does it speak TLS?" * ended) from error

    def listen(self, wait: float) -> None:
        """What the broker has against our certificate: with TLS 1.3 it says so after the handshake."""
        try:
            look(self._open_socket(), wait)
        except OSError as error:
            raise self._failed(error, "after shaking hands") from error

    def send(self, api: int, version: int, body: bytes, deadline: float) -> int:
        """Write a request; its number. Transient: the broker has not the whole of it."""
        self._number += 1
        head = struct.pack(">hhih", api, version, self._number, len(_CLIENT)) + _CLIENT.encode()
        sock = self._open_socket()
        try:
            sock.settimeout(self._left(deadline))
            sock.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        except OSError as error:
            raise self._failed(error, "writing") from error
        self._used = self._clock()
        return self._number

    def receive(self, number: int, deadline: float) -> Answer:
        """The answer to that request."""
        try:
            size = self._read(4, deadline)
            if size[:2] in (b"\x15\x03", b"HT"):  # the begin of an alert of TLS, or of HTTP
                self.close()
                raise Misconfigured(f"{self.peer}: no plain Kafka is spoken there: set tls, or another port")
            length = int.from_bytes(size, "big")
            if not 4 <= length <= _MOST:
                self.close()
                raise Transient(f"{self.peer}: an answer of {length} bytes, does it speak Kafka?")
            data = self._read(length, deadline)
        except OSError as error:
            raise self._failed(error, "waiting for an answer") from error
        if int.from_bytes(data[:4], "big") != number:
            self.close()
            raise Transient(f"{self.peer}: an answer to another request")
        self._used = self._clock()
        return Answer(data[4:], self.peer)

    def ask(self, api: int, version: int, body: bytes, deadline: float) -> Answer:
        """Write a request and read its answer."""
        return self.receive(self.send(api, version, body, deadline), deadline)

    def end_within(self, seconds: float) -> None:
        """The broker wants a new login after that."""
        self.until = self._clock() + seconds

    def is_fresh(self) -> bool:
        """Whether it can be used again: neither idle for long, nor at its session's end, nor ended by the broker."""
        now = self._clock()
        if self._socket is None or now - self._used > MAX_IDLE or now >= self.until:
            return False
        try:
            look(self._socket)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise Transient(f"{self.peer}: the connection is closed; nothing was sent")
        return self._socket

    def _read(self, count: int, deadline: float) -> bytes:
        sock, found = self._open_socket(), bytearray()
        while len(found) < count:
            sock.settimeout(self._left(deadline))
            piece = sock.recv(min(count - len(found), 65_536))
            if not piece:
                raise ConnectionResetError("the broker closed the connection")
            found += piece
        return bytes(found)

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def _failed(self, error: OSError, step: str) -> DeliveryError:
        """Drop the connection."""
        self.close()
        hint = advice(error).replace("protocol tcp", "leave tls out")
        kind = Misconfigured if is_refusal(error) else Transient
        return kind(f"{self.peer}: {explain(error)}, {step}{hint and '; ' + hint}")


def text(value: str | None) -> bytes:
    """A string as requests have it; None as null."""
    if value is None:
        return b"\xff\xff"
    data = value.encode()
    return struct.pack(">h", len(data)) + data
