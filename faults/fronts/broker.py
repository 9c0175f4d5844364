"""A front of a Kafka broker: requests to produce are cut or kept waiting; everything else passes.

What the broker says of its own address is rewritten, so that the client comes back to the front.
"""

import socket
import ssl
import struct
import time
from typing import ClassVar

from faults.fronts import Front, reset

__all__ = ["BrokerFront"]

_PRODUCE, _METADATA = 0, 3
_SLOW = 0.2  # seconds before an answer, within every time-out


class BrokerFront(Front):
    """One connection behind for each in front."""

    AFTER: ClassVar[int] = 6

    def __init__(self, target: int, tls: ssl.SSLContext | None = None, buffer: int = 0) -> None:
        super().__init__(target, tls, buffer)
        self.start(self.accept)

    def serve(self, connection: socket.socket) -> None:
        """Request after request."""
        connection.settimeout(0.2)
        with socket.create_connection(("127.0.0.1", self.target), 10) as upstream:
            while connection.fileno() != -1:
                request = self._frame(connection)
                if not request:
                    return
                if int.from_bytes(request[4:6], "big") == _PRODUCE:
                    self._produce(connection, upstream, request)
                    continue
                answer = self._ask(upstream, request)
                if int.from_bytes(request[4:6], "big") == _METADATA:
                    answer = self._rewritten(answer)
                connection.sendall(answer)

    def _produce(self, connection: socket.socket, upstream: socket.socket, request: bytes) -> None:
        mischief = self.next_mischief()
        kind = mischief.kind if mischief else ""
        if kind == "refused":
            self.go_deaf()
        elif kind == "reset_mid_body":
            upstream.sendall(request[: len(request) // 2])
            self.broke()
            reset(connection)
        elif kind in ("reset_after_body", "silent"):
            self._ask(upstream, request)
            self.broke()
            if kind == "silent":
                self._calm.wait(5)  # longer than the task's time-out
            reset(connection)
        else:
            time.sleep(_SLOW if kind == "slow" else 0)
            connection.sendall(self._ask(upstream, request))

    def _ask(self, upstream: socket.socket, request: bytes) -> bytes:
        upstream.sendall(request)
        return self._frame(upstream)

    def _frame(self, connection: socket.socket) -> bytes:
        """A request or an answer with its length; nothing at the end of the connection."""
        head = self._exactly(connection, 4)
        return head and head + self._exactly(connection, int.from_bytes(head, "big"))

    def _exactly(self, connection: socket.socket, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                more = connection.recv(count - len(found))
            except TimeoutError:
                if self.closing:
                    return b""
                continue
            if not more:
                return b""
            found += more
        return found

    def _rewritten(self, answer: bytes) -> bytes:
        """The port of its one broker: behind length, number, throttle, count and the broker's number comes the host."""
        (host,) = struct.unpack_from(">h", answer, 20)
        at = 22 + host
        return answer[:at] + struct.pack(">i", self.port) + answer[at + 4 :]
