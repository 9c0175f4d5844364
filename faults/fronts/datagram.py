"""A front of datagrams: refused, or every second one lost."""

import socket
import ssl
import time
from typing import ClassVar

from faults.fronts import Front

__all__ = ["DatagramFront"]


class DatagramFront(Front):
    """One socket."""

    KIND: ClassVar[int] = socket.SOCK_DGRAM
    AFTER: ClassVar[int] = 140

    def __init__(self, target: int, tls: ssl.SSLContext | None = None, buffer: int = 4 * 1024 * 1024) -> None:
        super().__init__(target, tls, buffer or 4 * 1024 * 1024)
        self._upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._upstream.connect(("127.0.0.1", target))
        self.start(self._relay)

    def close(self) -> None:
        """Pass on what has come, then stop."""
        super().close()
        self._upstream.close()

    def _relay(self) -> None:
        lost = False
        while True:
            try:
                message = self._socket.recv(65_536)
            except TimeoutError:
                if self.closing:
                    return
                continue
            except OSError:  # deaf for a while
                time.sleep(0.02)
                continue
            mischief = self.next_mischief()
            lost = mischief is not None and not lost
            if mischief is not None and mischief.kind == "refused":
                self.swallowed += message + b"\n"
                self.go_deaf()
            elif lost:
                self.swallowed += message + b"\n"
            else:
                self._upstream.send(message)
