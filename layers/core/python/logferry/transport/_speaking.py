"""HTTP/1.1 on an open connection (RFC 9112): a request out, an answer in, all of it within one time."""

import io
import re
import ssl
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from logferry.errors import Misconfigured
from logferry.transport import _faults
from logferry.transport._listening import Answer, listen
from logferry.transport._socket import Socket
from logferry.transport.target import Target

if TYPE_CHECKING:
    from logferry.transport._proxies import Proxy

__all__ = ["Clock", "ask", "body_of", "head", "tunnel"]

_BLOCK = 262_144
_GRACE = 0.1  # seconds beyond the time, to read what is there already
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[^\s\x00-\x1f\x7f][^\x00-\x08\x0a-\x1f\x7f]*)?")


class Clock(Struct, frozen=True):
    """The time that a request may take."""

    now: Callable[[], float]
    until: float
    given: float  # seconds in all, for messages

    def left(self) -> float:
        """Seconds; TimeoutError when there are none."""
        left = self.until - self.now()
        if left <= 0:
            raise TimeoutError
        return left


def head(method: str, path: str, headers: Mapping[str, str], length: int | None) -> bytes:
    """The request up to its body. Misconfigured for what would not be one header a name and a value."""
    if not _TOKEN.fullmatch(method):
        raise Misconfigured(f"{method!r} is not a method of HTTP")
    given = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    if length is not None:
        given["Content-Length"] = str(length)
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header that HTTP does not allow")
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def ask(sock: Socket, request: bytes, body: bytes, method: str, clock: Clock) -> Answer:
    """The answer's head. Whoever answers early (413) and hangs up, or reads no further, is listened to all the same."""
    broken: OSError | None = None
    try:
        if len(body) <= _BLOCK:
            _send(sock, request + body, clock)
        else:
            _send(sock, request, clock)
            _send(sock, body, clock)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        broken = error
    except TimeoutError as error:
        broken, clock = error, replace(clock, until=clock.now() + _GRACE)
    try:
        answer = listen(io.BufferedReader(_Arriving(sock, clock), 65_536), method)
    except (OSError, _faults.Garbled) as error:
        raise error if isinstance(error, ssl.SSLError) else broken or error from None  # TLS tells why it broke
    if broken and answer.status < 300:
        raise broken  # it cannot have taken what was not sent
    answer.is_last |= broken is not None
    return answer


def body_of(answer: Answer, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes of the body, unpacked, and whether that was all of it."""
    machine = _machine(answer.headers.get("Content-Encoding", ""))
    found, piece = bytearray(), b""
    for piece in answer.pieces():
        found += _unpacked(machine, piece, limit + 1 - len(found)) if machine else piece
        if len(found) > limit:
            return bytes(memoryview(found)[:limit]), False
    if machine and piece and not machine.eof:
        raise _faults.Garbled("its packed body is cut short")
    answer.is_last |= _is_followed(answer.reader)
    return bytes(found), True


def tunnel(sock: Socket, target: Target, proxy: "Proxy", clock: Clock, peer: str) -> None:
    """CONNECT (RFC 9110 9.3.6); Misconfigured or Transient if the proxy does not make it."""
    headers = {"Host": target.place}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization.reveal()
    answer = ask(sock, head("CONNECT", target.place, headers, None), b"", "CONNECT", clock)
    if not 200 <= answer.status < 300:
        raise _faults.of_proxy(answer.status, peer)


class _Arriving(io.RawIOBase):
    """What comes over a socket; each read has only what is left of the time, so that dripping gains none."""

    def __init__(self, sock: Socket, clock: Clock) -> None:
        self._socket, self._clock = sock, clock
        self.is_over = False  # then nothing is waited for any more

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a BufferedReader hands over this kind
        if self.is_over:
            return 0
        self._socket.settimeout(self._clock.left())
        return self._socket.recv_into(buffer)


def _send(sock: Socket, data: bytes, clock: Clock) -> None:
    left = memoryview(data)
    while left:
        sock.settimeout(clock.left())
        left = left[sock.send(left[:_BLOCK]) :]


def _is_followed(reader: io.BufferedReader) -> bool:
    """Whether more came than the answer, such as a second one."""
    if isinstance(reader.raw, _Arriving):
        reader.raw.is_over = True
    return bool(reader.peek(1))


def _machine(coding: str) -> "zlib._Decompress | None":
    """For gzip and deflate, which nobody was asked for; anything else is handed over as it came."""
    coding = coding.strip().lower()
    if coding in ("gzip", "x-gzip"):
        return zlib.decompressobj(31)
    return zlib.decompressobj() if coding == "deflate" else None


def _unpacked(machine: "zlib._Decompress", piece: bytes, limit: int) -> bytes:
    try:
        found = machine.decompress(piece, limit)
    except zlib.error:
        raise _faults.Garbled from None
    if machine.unused_data:  # it would be kept, however much of it comes
        raise _faults.Garbled("something stands behind its packed body")
    return found
