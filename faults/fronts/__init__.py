"""What stands in front of a sink, passes everything on, and misbehaves when it is told to.

Real sockets on loopback. Every front counts how often it misbehaved (`met`), answered with a status (`refusals`) or
broke something off (`breaks`), and keeps what the system took for it and it never passed on (`swallowed`).
"""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

__all__ = ["ALWAYS", "SINGLED_OUT", "Front", "Mischief", "reset"]

ALWAYS = 10**9
SINGLED_OUT = ("culprit", "large")  # there may be only one of them
_TICK = 0.05


@dataclass(frozen=True)
class Mischief:
    """What a front does instead of passing on.

    `status` answers it; `refused` stops listening and resets all connections; `reset_mid_body` resets within a payload;
    `reset_after_body` takes all of it, and resets before it says so; `slow` takes its time; `silent` says nothing more
    (a stream: reads nothing more, and is reset in the end); `dropped` loses every second datagram.
    """

    kind: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False  # the status is answered after the sink has taken the payload
    body: str = "<html>scripted</html>"
    only: str = ""  # `culprit`: payloads with that word; `large`: those over 1,500 bytes; `payloads`, `polls`


class Front:
    """Listens on a port of loopback that it keeps, also where it stops listening for a while."""

    KIND: ClassVar[int] = socket.SOCK_STREAM
    AFTER: ClassVar[int] = 0  # requests, bytes or datagrams that pass before a mischief begins: more than a batch

    def __init__(self, target: int, tls: ssl.SSLContext | None = None, buffer: int = 0) -> None:
        self.target, self.tls = target, tls
        self.met = self.breaks = self.refusals = 0
        self.swallowed = bytearray()
        self._buffer = buffer
        self._mischief: Mischief | None = None
        self._after = self._times = 0
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._calm = threading.Event()
        self._calm.set()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._socket = self._listen(0)
        self.port: int = self._socket.getsockname()[1]

    def misbehave(self, mischief: Mischief, *, after: int | None = None, times: int = ALWAYS) -> None:
        """From now on, once `after` has passed, this many times."""
        with self._lock:
            if not self._calm.is_set() or self._socket.fileno() == -1:
                self.behave()
            self._mischief, self._times = mischief, times
            usual = {"culprit": 0, "large": 0, "polls": 1}.get(mischief.only, self.AFTER)
            self._after = usual if after is None else after
            self._calm.clear()

    def behave(self) -> None:
        """Pass everything on again."""
        with self._lock:
            self._mischief = None
            self._calm.set()
            if self._socket.fileno() == -1:
                self._socket = self._listen(self.port)

    def close(self) -> None:
        """Pass on what has come, then stop."""
        self.behave()
        self._closing.set()
        for thread in self._threads:
            thread.join(10)
        self._socket.close()

    def next_mischief(self, passing: int = 1, fits: Callable[[Mischief], bool] = lambda _: True) -> Mischief | None:
        """What is to be done to what comes now, None to pass it on; counted. Whatever passes is `passing` much."""
        with self._lock:
            mischief = self._mischief
            if mischief is None or self._times <= 0 or not fits(mischief):
                return None
            if self._after > 0:
                self._after -= passing
                return None
            self._times -= 1
            self.met += 1
            self.refusals += mischief.kind == "status"
            return mischief

    def broke(self) -> None:
        """Count it."""
        with self._lock:
            self.breaks += 1

    def go_deaf(self) -> None:
        """Stop listening, and reset every connection."""
        self.broke()
        with self._lock:
            self._socket.close()
            for connection in list(self._open):
                reset(connection)

    def start(self, work: Callable[[], None]) -> None:
        """In a thread that `close` waits for."""
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def closing(self) -> bool:
        """Whether nothing new is to be waited for."""
        return self._closing.is_set()

    def accept(self) -> None:
        """Serve one connection after the other, each in its thread, also after a deaf while."""
        while not self.closing:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                self._closing.wait(_TICK)
                continue
            self.start(lambda served=connection: self._guard(served))  # type: ignore[misc]  # the default binds the loop's value

    def serve(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        raise RuntimeError(f"{type(self).__name__} has no connections: {connection}")

    def _guard(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            connection.settimeout(10)
            if self.tls is not None:
                try:
                    connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                except OSError:
                    self.met += self._mischief is not None  # the client did not like the certificate
                    raise
            self._open.add(connection)
            stack.callback(self._open.discard, connection)
            self.serve(connection)

    def _listen(self, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, self.KIND)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        until = time.monotonic() + 5
        while True:
            try:
                made.bind(("127.0.0.1", port))
                break
            except OSError:  # the last thread to listen has not yet noticed
                if time.monotonic() > until:
                    made.close()
                    raise
                time.sleep(_TICK / 5)
        made.settimeout(_TICK)
        if self.KIND == socket.SOCK_STREAM:
            made.listen(64)
        return made


def reset(connection: socket.socket) -> None:
    """An abrupt end: RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
