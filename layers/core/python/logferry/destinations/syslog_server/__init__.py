"""A syslog receiver over TCP, TLS or UDP: a `format` (RFC 5424, RFC 3164) around a `body` (pairs, JSON, CEF, LEEF).

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
from logferry.destinations.syslog_server import parts, priority
from logferry.destinations.syslog_server.ways import Connected, Loose, Place
from logferry.encoders import Body
from logferry.encoders.framed import Framed, Framing, Oversize, Sizes
from logferry.errors import ConfigError
from logferry.from_field import FromField
from logferry.model import Limits
from logferry.syslog_header import Header, Sender
from logferry.transport.datagrams import MAX_DATAGRAM
from logferry.transport.tls import Trust

__all__ = ["Config", "build", "encoder"]

log = logging.getLogger(__name__)

PLACE = ("host", "port", "protocol")
_BESIDE = ("sep", "leading_separator", "escape", "bom", "timezone")

Host = Annotated[str, msgspec.Meta(pattern=r"^[^\s/@]+$", description="a host name or an IP address")]
# 480: every receiver must take as much (RFC 5424 6.1). 1,400: one datagram within an Ethernet frame.
MessageBytes = Annotated[int, msgspec.Meta(ge=480, le=16 * 1024 * 1024, description="a number of bytes from 480")]
PayloadBytes = Annotated[int, msgspec.Meta(ge=1024, le=16 * 1024 * 1024, description="a number of bytes from 1024")]
Part = Annotated[str | dict[str, Any], msgspec.Meta(description="a name, or a mapping of a name and its options")]


class Config(config.Config, frozen=True, kw_only=True):
    """The options of docs/destinations/syslog_server.md."""

    host: Host
    port: Port | None = None
    protocol: Literal["tcp", "udp", "tls"] = "tcp"
    facility: int | str | FromField = "user"
    severity: int | str | FromField = "info"
    hostname: str | None = None
    tag: str | None = None
    format: Part = "rfc5424"
    body: Part = "key_value"
    sep: str | None = None
    leading_separator: bool | None = None
    escape: bool | None = None
    bom: bool | None = None
    timezone: str | None = None
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
        return priority.problems(name, value) if name in ("facility", "severity") else []

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = self._part_problems()
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

    def beside(self) -> dict[str, Any]:
        """Options of the parts that stand beside them."""
        return {name: getattr(self, name) for name in _BESIDE if getattr(self, name) is not None}

    def _part_problems(self) -> list[str]:
        found: list[str] = []
        chosen = []
        for role, given in (("format", self.format), ("body", self.body)):
            try:
                chosen.append(parts.choose(role, given, self.beside())[0])
            except ConfigError as error:
                found.extend(error.problems)
        found = found or parts.strangers(chosen, self.beside())
        if not found:
            try:
                _message(self)
            except ConfigError as error:
                found.extend(error.problems)
        return found


def encoder(options: Config, _surroundings: Surroundings) -> Framed:
    """The body in a header, framed as the protocol wants it."""
    header, body, most = _message(options)
    most = min(most, 1400) if options.protocol == "udp" else most
    return Framed(
        header,
        body,
        # Datagrams are counted too: the count is the boundary in a payload, and `send` takes it off.
        framing=options.framing or ("lf" if options.protocol == "tcp" else "octet_counting"),
        priority=priority.reading(options.facility, options.severity),
        sizes=Sizes(options.max_message_bytes or most, options.oversize),
    )


def build(options: Config, surroundings: Surroundings) -> Destination:
    """The receiver; nothing is opened yet."""
    limits = Limits(max_bytes=options.max_bytes, max_records=10_000)
    port = options.port or (6514 if options.protocol == "tls" else 514)
    place = Place(options.host, port, seconds(options.timeout), surroundings.reach)
    if options.protocol == "udp":
        return Loose(place, limits)
    trust = None
    if options.protocol == "tls":
        trust = Trust(options.ca_file, options.verify, options.cert_file, options.key_file)
        if not options.verify:
            log.warning("certificate not verified", extra={"task": surroundings.task, "host": options.host})
    return Connected(place, trust, limits, surroundings.task)


def _message(options: Config) -> tuple[Header, Body, int]:
    """The parts and the usual limit of a message; ConfigError when one does not go with the other."""
    form, form_options = parts.choose("format", options.format, options.beside())
    kind, kind_options = parts.choose("body", options.body, options.beside())
    body: Body = kind.build(kind_options)
    sender = Sender(options.hostname or socket.gethostname(), options.tag, is_titled=body.is_titled)
    return form.build(form_options, sender), body, form.MAX_BYTES
