"""A syslog receiver over TCP, TLS or UDP: RFC 5424 messages with `key=value` or JSON text.

A stream is confirmed by its socket (`transport.wire`): bytes that the receiver's system acknowledged and nobody
objected to. UDP is confirmed by nothing. One payload is on its way at a time; serve one stream of a task at a time,
since what `confirm` says is true of all that was sent before it.
"""

import logging
import socket
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.config import Duration, Port, seconds
from logferry.destinations import Destination, Surroundings
from logferry.encoders import Body
from logferry.encoders.json_lines import JsonLines
from logferry.encoders.key_value import KeyValue
from logferry.encoders.rfc5424 import FACILITIES, SEVERITIES, Framing, Header, Oversize, Rfc5424, messages
from logferry.errors import Transient
from logferry.model import Confirmation, Limits, Payload
from logferry.transport.datagrams import MAX_DATAGRAM, Datagrams
from logferry.transport.tls import Trust
from logferry.transport.wire import Stream

__all__ = ["Config", "build", "encoder"]

log = logging.getLogger(__name__)

Host = Annotated[str, msgspec.Meta(pattern=r"^[^\s/@]+$", description="a host name or an IP address")]
Separator = Annotated[str, msgspec.Meta(min_length=1, max_length=8, description="a text of 1 to 8 characters")]
# 480: every receiver must take as much (RFC 5424 6.1). 1,400: one datagram within an Ethernet frame.
MessageBytes = Annotated[int, msgspec.Meta(ge=480, le=16 * 1024 * 1024, description="a number of bytes from 480")]
PayloadBytes = Annotated[int, msgspec.Meta(ge=1024, le=16 * 1024 * 1024, description="a number of bytes from 1024")]


class Config(config.Config, frozen=True, kw_only=True):
    """The options of docs/destinations/syslog_server.md."""

    host: Host
    port: Port | None = None
    protocol: Literal["tcp", "udp", "tls"] = "tcp"
    facility: int | str = "user"
    severity: int | str = "info"
    hostname: str | None = None
    tag: str | None = None
    format: Literal["rfc5424"] = "rfc5424"
    body: Literal["key_value", "json_lines"] = "key_value"
    sep: Separator = "||"
    leading_separator: bool = False
    escape: bool = False
    bom: bool = False
    framing: Framing | None = None
    max_message_bytes: MessageBytes | None = None
    oversize: Oversize = "split"
    max_bytes: PayloadBytes = 64 * 1024
    timeout: Duration = "120s"
    ca_file: str | None = None
    verify: bool = True
    cert_file: str | None = None
    key_file: str | None = None

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """A host with a port, an unknown facility or severity."""
        if name == "host" and value.count(":") == 1:
            return [f"host: {value!r} holds a port, write it as port"]
        names = {"facility": FACILITIES, "severity": SEVERITIES}.get(name)
        if names is None or value in names or (isinstance(value, int) and 0 <= value < len(names)):
            return []
        return [f"{name}: {value!r} is not 0-{len(names) - 1} or one of {', '.join(names)}"]

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = self._body_problems()
        if self.protocol == "udp" and self.framing:
            found.append(f"framing: {self.framing!r} does not apply to udp, where each message is a datagram")
        if self.protocol == "udp" and (self.max_message_bytes or 0) > MAX_DATAGRAM:
            found.append(
                f"max_message_bytes: {self.max_message_bytes} is over {MAX_DATAGRAM}, the most a datagram holds"
            )
        if self.protocol != "tls" and (self.ca_file or self.cert_file or self.key_file or not self.verify):
            found.append(
                f"protocol: {self.protocol!r} has no certificates (ca_file, cert_file, key_file, verify): use tls"
            )
        if self.key_file and not self.cert_file:
            found.append("cert_file: is missing, key_file needs it")
        return found

    def _body_problems(self) -> list[str]:
        if self.body == "json_lines":
            given = [name for name, default in _KEY_VALUE_ONLY.items() if getattr(self, name) != default]
            return [f"{name}: applies to body key_value only, not to json_lines" for name in given]
        if set(self.sep) & set("=\\\r\n"):
            return [f"sep: {self.sep!r} holds =, a backslash or a line break"]
        if self.escape and self.sep[0] in "nr":
            return [f"sep: {self.sep!r} begins with {self.sep[0]}, which escape writes for a line break"]
        return []


_KEY_VALUE_ONLY = {"sep": "||", "leading_separator": False, "escape": False}


def encoder(options: Config, _surroundings: Surroundings) -> Rfc5424:
    """The body in a header, framed as the protocol wants it."""
    body: Body = JsonLines()
    if options.body == "key_value":
        body = KeyValue(options.sep, leading_separator=options.leading_separator, escape=options.escape)
    header = Header(
        facility=_number(options.facility, FACILITIES), severity=_number(options.severity, SEVERITIES),
        hostname=options.hostname or socket.gethostname(), app_name=options.tag, bom=options.bom,
    )  # fmt: skip
    # Datagrams are counted too: the count is the boundary in a payload, and `send` takes it off.
    framing = options.framing or ("lf" if options.protocol == "tcp" else "octet_counting")
    limit = options.max_message_bytes or (1400 if options.protocol == "udp" else 8192)
    return Rfc5424(header, body, framing=framing, max_bytes=limit, oversize=options.oversize)


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The receiver; nothing is opened yet."""
    limits = Limits(max_bytes=options.max_bytes, max_records=10_000)
    if options.protocol == "udp":
        return _Udp(Datagrams(options.host, options.port or 514), limits, seconds(options.timeout))
    trust = None
    if options.protocol == "tls":
        trust = Trust(options.ca_file, options.verify, options.cert_file, options.key_file)
        if not options.verify:
            log.warning("certificate not verified", extra={"task": surroundings.task, "host": options.host})
    return _Tcp(options, trust, limits, surroundings.task)


class _Tcp:
    """TCP or TLS."""

    confirmation: Confirmation = "socket"

    def __init__(self, options: Config, trust: Trust | None, limits: Limits, task: str) -> None:
        self.limits = limits
        self._stream = Stream(options.host, options.port or (6514 if trust else 514), trust)
        self._trust = trust
        self._stamp = trust.stamp() if trust else ()
        self._time_out = seconds(options.timeout)
        self._task = task

    def check(self, time_out: float) -> None:
        """Connect; with TLS also wait for a refusal of our certificate."""
        self._stream.connect(min(self._time_out, time_out))

    def send(self, payload: Payload, time_out: float) -> None:
        """Give it to the system; `confirm` says whether it left."""
        self._stream.write(payload.body, min(time_out, self._time_out))

    def confirm(self, time_out: float) -> None:
        """Drain, and look for an alert, a reset or the end."""
        self._stream.drain(min(time_out, self._time_out))

    def refresh(self) -> bool:
        """Whether a certificate file has changed; the next connection reads it."""
        before, self._stamp = self._stamp, self._trust.stamp() if self._trust else ()
        self._stream.reload()
        return before != self._stamp

    def close(self) -> None:
        """Say goodbye; trouble is logged, since there is nobody left to send again."""
        try:
            self._stream.close()
        except Transient as error:
            log.warning("closed in doubt", extra={"task": self._task, "reason": str(error)})


class _Udp:
    """Datagrams: best effort."""

    confirmation: Confirmation = "none"

    def __init__(self, datagrams: Datagrams, limits: Limits, time_out: float) -> None:
        self.limits = limits
        self._datagrams = datagrams
        self._time_out = time_out

    def check(self, time_out: float) -> None:  # noqa: ARG002  # the resolver's own time-out applies
        """The host has an address; that somebody listens cannot be known."""
        self._datagrams.resolve()

    def send(self, payload: Payload, time_out: float) -> None:
        """One datagram a message."""
        self._datagrams.write(messages(payload.body), min(time_out, self._time_out))

    def confirm(self, time_out: float) -> None:  # noqa: ARG002  # the protocol's
        """Only a refusal that has come back can be told."""
        self._datagrams.look()

    def refresh(self) -> bool:
        """There are no secrets."""
        return False

    def close(self) -> None:
        """Let go of the socket."""
        self._datagrams.close()


def _number(value: int | str, names: tuple[str, ...]) -> int:
    return names.index(value) if isinstance(value, str) else value
