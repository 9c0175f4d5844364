"""A front of a stream: it is cut, slow or no longer read; what it took and never passed on is kept to be counted."""

import contextlib
import socket
import ssl
import time
from typing import ClassVar

from faults.fronts import Front, Mischief, reset

__all__ = ["StreamFront"]

_MID = 3_000  # bytes of a connection that pass before it is cut: within a batch
_SLOW = 0.01  # seconds to a chunk of 2 kB
_TAKEN = 30_000  # bytes that are taken and never passed on: one or two batches


class StreamFront(Front):
    """One connection behind for each in front."""

    AFTER: ClassVar[int] = 26_000

    def __init__(self, target: int, tls: ssl.SSLContext | None = None, buffer: int = 0) -> None:
        super().__init__(target, tls, buffer)
        self.start(self.accept)

    def serve(self, connection: socket.socket) -> None:
        """Chunk after chunk, to the end."""
        connection.settimeout(0.2)
        with socket.create_connection(("127.0.0.1", self.target), 10) as upstream:
            passed = b""
            while True:
                try:
                    chunk = connection.recv(2_048)
                except TimeoutError:
                    if self.closing:
                        return
                    continue
                if not chunk:
                    return
                mischief = self.next_mischief(len(chunk))
                if mischief is None or mischief.kind == "slow":
                    time.sleep(_SLOW if mischief else 0)
                    upstream.sendall(chunk)
                    passed = chunk
                else:
                    self._cut(mischief, (passed, chunk), connection, upstream)
                    return

    def _cut(
        self, mischief: Mischief, seen: tuple[bytes, bytes], connection: socket.socket, upstream: socket.socket
    ) -> None:
        """End the connection. What was passed on last may hold the begin of the message that the cut goes through."""
        passed, chunk = seen
        if mischief.kind == "reset_mid_body":
            chunk += self._exactly(connection, _MID - len(chunk), 0.3)
            upstream.sendall(chunk)
        elif mischief.kind == "reset_after_body":
            chunk += self._exactly(connection, _TAKEN - len(chunk), 3)
        elif mischief.kind == "silent":
            self.broke()
            self._calm.wait(20)
        self._swallow(connection, passed + chunk)
        if mischief.kind == "refused":
            self.go_deaf()
        else:
            self.broke()
            reset(connection)

    def _exactly(self, connection: socket.socket, count: int, seconds: float) -> bytes:
        found, until = b"", time.monotonic() + seconds
        while len(found) < count and time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                chunk = connection.recv(count - len(found))
                if not chunk:
                    break
                found += chunk
        return found

    def _swallow(self, connection: socket.socket, taken: bytes) -> None:
        """Keep it to be counted, with what the system has taken besides: looked at, so that it takes no more.

        TLS can only be read, and the system goes on taking meanwhile: there more is excused than need be.
        """
        connection.settimeout(0)
        with contextlib.suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                while more := connection.recv(65_536):
                    taken += more
            else:
                taken += connection.recv(2**20, socket.MSG_PEEK)
        self.swallowed += taken + b"\n"
