"""TLS within TLS: the way to a far side through a proxy that is itself spoken to over TLS."""

import ssl
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Nested"]

_Found = TypeVar("_Found")
_PIECE = 65_536


class Nested:
    """As a socket, as far as a request needs one. The handshake is done when it is made."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str) -> None:
        self._outer = outer
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._until = time.monotonic() + (outer.gettimeout() or 0.0)
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._step(self._tls.do_handshake)

    def settimeout(self, left: float) -> None:
        """The time for all that comes, not for each piece of it."""
        self._until = time.monotonic() + left

    def fileno(self) -> int:
        """The outer socket's: it can be read when something came."""
        return self._outer.fileno()

    def pending(self) -> int:
        """How many bytes came that nobody has read."""
        return self._tls.pending() + self._arrived.pending + self._outer.pending()

    def send(self, data: memoryview) -> int:
        """How many bytes of it were sent."""
        return self._step(lambda: self._tls.write(data))

    def recv_into(self, buffer: memoryview) -> int:
        """How many bytes came; 0 at the end."""
        try:
            return self._step(lambda: self._tls.read(len(buffer), buffer))  # type: ignore[return-value]  # with a buffer it tells how much
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return 0

    def close(self) -> None:
        """Close the outer connection."""
        self._outer.close()

    def _step(self, work: Callable[[], _Found]) -> _Found:
        """Do it as often as it wants to read first; what it has to send is sent."""
        while True:
            try:
                found = work()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            else:
                self._flush()
                return found

    def _fill(self) -> None:
        self._give_time()
        piece = self._outer.recv(_PIECE)
        if piece:
            self._arrived.write(piece)
        else:
            self._arrived.write_eof()

    def _flush(self) -> None:
        data = memoryview(self._leaving.read())
        while data:
            self._give_time()
            data = data[self._outer.send(data) :]

    def _give_time(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._outer.settimeout(left)
