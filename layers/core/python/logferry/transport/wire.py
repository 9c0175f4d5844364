"""One TCP or TLS stream that reports every byte it cannot vouch for.

A socket answers nothing, so three questions stand in for an answer: has the peer's kernel acknowledged all bytes
(Linux: SIOCOUTQ is 0; elsewhere unknown and taken as yes), has the peer sent an alert or closed, and has the
connection lived longer than `grace`. A TLS 1.3 server refuses a client's certificate after the client's handshake
has returned, and some servers accept and close at once: neither shows earlier. Bytes that the peer's kernel took
and its program never read cannot be seen from here.

Times are seconds. The socket is kept between writes. One thread at a time.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable

from logferry.errors import Misconfigured, Transient
from logferry.transport.dial import open_socket
from logferry.transport.pulse import NOTHING_YET, Closed, explain, look, queued
from logferry.transport.reach import Reach
from logferry.transport.tls import Trust, advice, client_context, is_refusal

__all__ = ["GRACE", "Stream"]

GRACE = 0.5  # a refusal takes a round trip and the server's own work; measured on loopback: under 20 ms
MAX_IDLE = 55.0  # load balancers and address translators forget connections from 60 s on, without telling
_TICK = 0.01
_MARK = 1024  # bytes: a whole message with its time, for most


class _Late(OSError):
    """Our own deadline, told apart from a socket's."""


class Stream:
    """Writes to one host; `drain` says whether what was written has left for good."""

    def __init__(
        self, host: str, port: int, trust: Trust | None = None, *,
        clock: Callable[[], float] = time.monotonic, grace: float = GRACE, reach: Reach = Reach(),  # noqa: B008  # a constant
    ) -> None:  # fmt: skip
        self._host, self._port, self._trust = host, port, trust
        self._clock, self._grace, self._reach = clock, grace, reach
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._born = self._used = 0.0
        self._unconfirmed = 0  # bytes written since the last drain
        self._lost = ""  # why bytes written since the last drain are in doubt
        self._told = False  # a drain has said so
        self._first = b""  # how the bytes since the last drain begin

    def connect(self, time_out: float) -> None:
        """Be connected. Raises Transient, or Misconfigured when the peer or its certificate is not acceptable."""
        if self._socket is not None and not self._unconfirmed and self._clock() - self._used > MAX_IDLE:
            with contextlib.suppress(Transient):  # nothing is in doubt
                self._hang_up(0.0)
        if self._socket is not None:
            try:
                look(self._socket)
            except OSError as error:
                in_doubt = self._unconfirmed
                failure = self._failed(error, in_doubt)
                if in_doubt:
                    raise failure from error
        if self._socket is None:
            self._dial(self._clock() + time_out)

    def write(self, data: bytes, time_out: float) -> None:
        """Hand all of it to the system, connecting if need be; Transient if that does not happen in time."""
        if self._told or data[:_MARK] == self._first:  # the caller begins anew from its last save
            self._lost, self._told = "", False
        deadline = self._clock() + time_out
        self.connect(time_out)
        before = self._unconfirmed
        if not before and not self._lost:
            self._first = data[:_MARK]
        self._unconfirmed += len(data)
        try:
            self._push(memoryview(data), deadline)
        except OSError as error:
            raise self._failed(error, before) from error
        self._used = self._clock()

    def drain(self, time_out: float) -> None:
        """Return when all that was written is acknowledged and the peer has not objected; else Transient.

        Once a connection failed with bytes in doubt it raises, until the caller begins anew: by the first write after
        it was told here, or by writing what it wrote first since the last drain.
        """
        if self._socket is not None and self._unconfirmed and not self._lost:
            try:
                self._watch(self._socket, self._clock() + time_out)
            except OSError as error:
                self._failed(error, self._unconfirmed)
            else:
                self._unconfirmed = 0
        if self._lost:
            self._told = True
            raise Transient(self._lost)

    def reload(self) -> None:
        """Read the certificate files again at the next connection."""
        self._context = None

    def close(self, time_out: float = 1.0) -> None:
        """Drain, say goodbye (close_notify), let go; Transient if bytes are in doubt or the peer objects now."""
        try:
            self.drain(time_out)
        finally:
            self._hang_up(time_out)

    def _dial(self, deadline: float) -> None:
        if self._trust is not None and self._context is None:
            self._context = client_context(self._trust)
        try:
            sock = open_socket(self._host, self._port, deadline - self._clock(), self._clock, self._reach)
        except Transient as error:
            raise Transient(f"{self._place}: {error}") from error
        try:
            self._socket = self._greet(sock, deadline)
        except OSError as error:
            sock.close()
            kind = Misconfigured if is_refusal(error) else Transient
            hint = "does it speak TLS?" if isinstance(error, TimeoutError) else advice(error)
            hint = "does it want a client certificate?" if isinstance(error, Closed) else hint
            raise kind(f"{self._place}: {explain(error)}{hint and '; ' + hint}") from error

    def _greet(self, sock: socket.socket, deadline: float) -> socket.socket:
        """With TLS shake hands, and wait for a refusal that comes later; the connection counts from now."""
        if self._context is not None:
            sock.settimeout(max(deadline - self._clock(), _TICK))
            sock = self._context.wrap_socket(sock, server_hostname=self._host)
        self._born = self._used = self._clock()
        if self._context is not None:
            try:
                self._watch(sock, max(deadline, self._born + self._grace))
            except OSError:
                sock.close()
                raise
        return sock

    def _push(self, view: memoryview, deadline: float) -> None:
        sock = self._socket
        while view and sock is not None:
            left = deadline - self._clock()
            if left <= 0:
                raise _Late("time is up while writing")
            sock.settimeout(left)
            view = view[sock.send(view) :]

    def _watch(self, sock: socket.socket, deadline: float) -> None:
        """Until nothing is queued and the grace is over; OSError for an objection, or when it takes too long."""
        while True:
            look(sock)
            now, waiting = self._clock(), queued(sock)
            if not waiting and now >= self._born + self._grace:
                look(sock)  # an objection may have come with the last acknowledgement
                return
            if now >= deadline:
                raise _Late(f"time is up, {waiting} bytes not acknowledged")
            look(sock, _TICK)

    def _failed(self, error: OSError, in_doubt: int) -> Transient:
        """Drop the connection; remember that `in_doubt` bytes written before may never have been read."""
        told = advice(error)
        message = f"{self._place}: {explain(error)}{told and '; ' + told}"
        if in_doubt:
            self._lost = f"{message}; {in_doubt} bytes written before are in doubt"
        self._unconfirmed = 0
        if self._socket is not None:
            self._socket.close()  # never with a reset: that could destroy what the peer has yet to read
            self._socket = None
        return Transient(message)

    def _hang_up(self, time_out: float) -> None:
        sock, self._socket = self._socket, None
        if sock is None:
            return
        try:
            sock.settimeout(time_out)
            if isinstance(sock, ssl.SSLSocket):
                sock.unwrap()
            else:
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)
        except (*NOTHING_YET, ssl.SSLEOFError):
            pass  # peers that end without a goodbye of their own are common
        except OSError as error:
            if error.errno:
                raise Transient(f"{self._place}: {explain(error)} on closing") from error
        finally:
            sock.close()

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"
