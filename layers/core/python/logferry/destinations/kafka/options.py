"""The options of `kafka`; docs/destinations/kafka.md says what each means. Sizes are bytes before compression."""

import ipaddress
import re
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.config import Duration, SecretRef, seconds
from logferry.destinations.kafka import message
from logferry.encoders.output import Form
from logferry.errors import ConfigError
from logferry.transport.tls import Trust

__all__ = ["Auth", "Config", "Tls", "broker"]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="a text of 1 to 1024 characters")]
Brokers = Annotated[
    tuple[Text, ...], msgspec.Meta(min_length=1, max_length=50, description="a list of 1 to 50 HOST:PORT")
]
Topic = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9._-]{1,249}$(?!\n)", description="1 to 249 letters, digits, dots, dashes and underscores"
    ),
]
Codec = Literal["none", "no", "gzip", "snappy", "lz4", "zstd"]
Mechanism = Literal[
    "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "plain", "scram-sha-256", "scram-sha-512"
]  # fmt: skip
Balancer = Literal[
    "LeastBytes", "Hash", "RoundRobin", "CRC32Balancer", "Murmur2Balancer",
    "kafka.LeastBytes", "kafka.Hash", "kafka.RoundRobin", "kafka.CRC32Balancer", "kafka.Murmur2Balancer",
]  # fmt: skip
# 900,000 and what is written around each record stay below what a broker takes by default: 1,048,588.
# A request over 100 MiB (socket.request.max.bytes) is answered by the end of the connection.
Bytes = Annotated[int, msgspec.Meta(ge=1000, le=64 * 1024 * 1024, description="a number of bytes from 1000")]
Records = Annotated[int, msgspec.Meta(ge=1, le=100_000)]

_PORT = 9092
_FORM = "expected HOST, HOST:PORT or [IPv6]:PORT"
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class Auth(config.Config, frozen=True, kw_only=True):
    """Who we are; without it nobody is asked."""

    mechanism: Mechanism
    username: Text
    password: SecretRef

    @property
    def kind(self) -> str:
        """The mechanism's name on the wire."""
        return self.mechanism.upper()


class Tls(config.Config, frozen=True, kw_only=True):
    """Whom to trust."""

    on: bool = True
    ca_file: Text | None = None
    verify: bool = True
    cert_file: Text | None = None
    key_file: Text | None = None

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = []
        if self.key_file and not self.cert_file:
            found.append("cert_file: is missing, key_file needs it")
        if self.ca_file and not self.verify:
            found.append("ca_file: has no use with verify: false; leave one of them out")
        return found


class Config(Form, frozen=True, kw_only=True):
    """The options of docs/destinations/kafka.md, those of the form of a record among them."""

    brokers: Brokers
    topic: Topic
    key: Text | None = None
    balancer: Balancer = "Murmur2Balancer"
    consistent: bool = False
    compress: Codec = "none"
    auth: Auth | None = None
    tls: bool | Tls = False
    timeout: Duration = "30s"
    max_message_bytes: Bytes = 1_000_000
    max_bytes: Bytes = 900_000
    max_records: Records = 5_000

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """The form of addresses, of the topic's name and of the key."""
        if name == "brokers":
            return [problem for one in value for problem in _broker_problems(one)] + _twice(value)
        if name == "topic" and value in (".", ".."):
            return [f"topic: {value!r} is not allowed by Kafka, expected another name"]
        try:
            if name == "key" and value is not None:
                message.key_of(value)
        except ConfigError as error:
            return [problem.replace("template:", "key:", 1) for problem in error.problems]
        return super().field_problems(name, value)

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = super().problems()
        if seconds(self.timeout) <= 0:
            found.append(f"timeout: {self.timeout} is not more than 0s")
        if self.consistent and self.chooser not in ("CRC32Balancer", "Murmur2Balancer"):
            found.append(f"consistent: is for CRC32Balancer and Murmur2Balancer only, the balancer is {self.chooser}")
        if self.key is None and self.chooser == "Hash":
            found.append("key: is missing, balancer Hash needs it (without keys it is RoundRobin)")
        return found

    @property
    def chooser(self) -> str:
        """The balancer's bare name."""
        return self.balancer.removeprefix("kafka.")

    @property
    def trust(self) -> Trust | None:
        """Whom to trust; None without TLS."""
        if isinstance(self.tls, bool):
            return Trust() if self.tls else None
        if not self.tls.on:
            return None
        return Trust(self.tls.ca_file, self.tls.verify, self.tls.cert_file, self.tls.key_file)


def broker(text: str) -> tuple[str, int]:
    """`host:9092` or `[::1]:9092` taken apart; ValueError for anything else."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@\[\]]+))(?::([0-9]{1,5}))?", text)
    if found is None:
        raise ValueError("no host and port")
    port = int(found[3] or _PORT)
    if not 1 <= port <= 65535:
        raise ValueError("the port is not between 1 and 65535")
    if found[1]:
        return str(ipaddress.IPv6Address(found[1])), port
    host = found[2]
    if re.fullmatch(r"[0-9.]+", host):
        return str(ipaddress.IPv4Address(host)), port
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.rstrip(".").split(".")):
        raise ValueError("no host name")
    return host, port


def _broker_problems(text: str) -> list[str]:
    try:
        broker(text)
    except ValueError:
        return [f"brokers: {text[:60]!r} is no broker, {_FORM}"]
    return []


def _twice(brokers: tuple[str, ...]) -> list[str]:
    return ["brokers: one is listed twice, expected each once"] if len(set(brokers)) < len(brokers) else []
