"""Syslog over UDP, TCP or TLS: one JSON line a message, RFC 5424 and 3164 read strictly, framing judged a message.

A line holds header (the format), facility, severity, time, host, app, procid, msgid, data, bom, msg and framing, and of
a CEF or LEEF text its parts as event; a message that breaks the rules is kept as wrong (why), raw and framing. Messages
are in the file before more is read, and closing the sink first reads what has already come.
"""

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, TypeVar

import msgspec
import orjson

from logferry import config
from logferry.errors import ConfigError
from logferry_local.sinks import Place, Sink
from logferry_local.sinks._frames import Frame, Frames
from logferry_local.sinks._lines import Lines
from logferry_local.sinks._messages import judge

__all__ = ["Options", "open_sink"]

log = logging.getLogger(__name__)
T = TypeVar("T")
_PAUSE = 0.2  # seconds without news after which a connection looks whether the sink is closing
_LAST = 5.0  # seconds that reading may go on once it is


class Options(config.Config, frozen=True, kw_only=True):
    """The sink's own options."""

    protocol: Annotated[str, msgspec.Meta(description="tcp, udp or tls")] = "tcp"
    cert: Annotated[str, msgspec.Meta(description="PEM file of the certificate, for tls")] = ""
    key: Annotated[str, msgspec.Meta(description="PEM file of its key, for tls")] = ""
    client_ca: Annotated[str, msgspec.Meta(description="PEM file; clients must show a certificate it signed")] = ""

    def problems(self) -> list[str]:
        """What the types cannot say."""
        if self.protocol not in ("tcp", "udp", "tls"):
            return [f"protocol: {self.protocol!r} is not tcp, udp or tls"]
        if self.protocol == "tls" and not (self.cert and self.key):
            return ["cert: tls needs cert and key"]
        if self.protocol != "tls" and (self.cert or self.key or self.client_ca):
            return [f"cert: {self.protocol} has no certificates, use --protocol tls"]
        return []


def open_sink(place: Place, options: Options) -> Sink:
    """Listens when it returns."""
    return _Syslog(place, options)


class _Syslog:
    def __init__(self, place: Place, options: Options) -> None:
        self.messages = self.wrong = 0
        self._tls = _context(options) if options.protocol == "tls" else None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._until = 0.0
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        if options.protocol == "udp":
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            self._socket.bind((place.host, place.port))
        else:
            self._socket = socket.create_server((place.host, place.port), family=family)
        self._socket.settimeout(_PAUSE)
        self._lines = Lines(place.out)
        self.address = f"{options.protocol}://{place.host}:{self._socket.getsockname()[1]}"
        self._start(self._datagrams if options.protocol == "udp" else self._accept)

    def close(self) -> None:
        """Take what has already come, then stop."""
        if self._closing.is_set():
            return
        self._until = time.monotonic() + _LAST
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout=_LAST + 2 * _PAUSE)
        self._socket.close()
        self._lines.close()
        if self.wrong:
            log.warning("messages broke the rules", extra={"wrong": self.wrong, "messages": self.messages})

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for connection in self._read(lambda: self._socket.accept()[0]):
            self._start(lambda served=connection: self._serve(served))  # type: ignore[misc]  # the default binds the loop's value

    def _serve(self, connection: socket.socket) -> None:
        frames = Frames()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            connection.settimeout(_LAST)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            connection.settimeout(_PAUSE)
            for chunk in self._read(lambda: connection.recv(256 * 1024)):
                self._take(frames.feed(chunk))
                if not chunk or frames.lost:
                    break
            if isinstance(connection, ssl.SSLSocket):
                connection.unwrap()
        self._take(frames.rest())

    def _datagrams(self) -> None:
        for message in self._read(lambda: self._socket.recv(65_536)):
            self._take([Frame(message, "datagram")])

    def _read(self, receive: Callable[[], T]) -> Iterator[T]:
        """What comes; once the sink is closing, only what is there."""
        while not (self._closing.is_set() and time.monotonic() > self._until):
            try:
                yield receive()
            except TimeoutError:
                if self._closing.is_set():
                    return

    def _take(self, frames: Iterable[Frame]) -> None:
        lines = [judge(frame) for frame in frames]
        if lines:
            self._lines.write(orjson.dumps(line) for line in lines)
            with self._lock:
                self.messages += len(lines)
                self.wrong += sum("wrong" in line for line in lines)


def _context(options: Options) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.cert, options.key)
    except OSError as error:  # also what OpenSSL cannot read
        raise ConfigError(
            [f"cert: {options.cert}, key: {options.key}: {error.strerror}"], subject="sink syslog"
        ) from None
    if options.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(options.client_ca)
        except OSError as error:
            raise ConfigError([f"client_ca: {options.client_ca}: {error.strerror}"], subject="sink syslog") from None
    return context
