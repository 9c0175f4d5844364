"""UDP to one host: best effort, and said to be so.

The far side never answers. The one sign of trouble is an ICMP refusal, which the system reports on a later call.
"""

import errno
import os
import socket
import time
from collections.abc import Callable, Iterable

from logferry.errors import TooLarge, Transient
from logferry.transport.dial import Address, find_addresses
from logferry.transport.reach import Reach

__all__ = ["MAX_DATAGRAM", "Datagrams"]

MAX_DATAGRAM = 65_507  # bytes: IPv4's 65,535 without its header (20) and UDP's (8)


class Datagrams:
    """Sends messages, one a datagram. The socket is kept; one thread at a time."""

    def __init__(
        self, host: str, port: int, *, clock: Callable[[], float] = time.monotonic, reach: Reach = Reach()  # noqa: B008  # a constant
    ) -> None:  # fmt: skip
        self._host, self._port, self._clock, self._reach = host, port, clock, reach
        self._socket: socket.socket | None = None

    def resolve(self) -> None:
        """Raises Transient when the host has no address; says nothing about who listens there."""
        self._addresses()

    def write(self, messages: Iterable[bytes], time_out: float) -> None:
        """Hand each message to the system. Transient or TooLarge at the first that fails; those before it have left."""
        deadline = self._clock() + time_out
        try:
            sock = self._open()
            for message in messages:
                sock.settimeout(max(deadline - self._clock(), 0.001))
                sock.send(message)
        except OSError as error:
            self.close()
            kind = TooLarge if error.errno == errno.EMSGSIZE else Transient
            raise kind(f"{self._host}:{self._port}: {error.strerror or error}", in_doubt=True) from error

    def look(self) -> None:
        """Transient if a refusal has come back since the last write."""
        if self._socket is None:
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.close()
            raise Transient(f"{self._host}:{self._port}: {os.strerror(code)}")

    def close(self) -> None:
        """Let go of the socket; the next write opens one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            address = self._addresses()[0]
            sock = socket.socket(address.family, address.kind)
            try:
                sock.connect(address.where)
            except OSError:
                sock.close()
                raise
            self._socket = sock
        return self._socket

    def _addresses(self) -> list[Address]:
        return find_addresses(self._host, self._port, socket.SOCK_DGRAM, self._reach)
