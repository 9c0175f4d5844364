"""kafka for the contract suite: a broker that does as it is told, and knows sequence numbers and one password."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import Row, records
from tests.fakes.certificates import Authority
from tests.fakes.kafka_peer import KafkaPeer, Say
from tests.fakes.misbehaving import Misbehaving, close, nobody, reset, silence

from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient

SECRET = "not-for-the-log-file"
_AUTH = {"mechanism": "PLAIN", "username": "ferry", "password": "secret://env/CONTRACT_SECRET"}
MINIMAL: dict[str, object] = {"brokers": ["127.0.0.1:1"], "topic": "waf", "auth": _AUTH}
PLACES = ("connected", "brokers", "tls")

FarSide = Callable[[Path], AbstractContextManager[Mapping[str, object]]]


class _Peer(NamedTuple):
    options: Mapping[str, object]
    broker: KafkaPeer

    def received(self, count: int) -> list[str]:  # noqa: ARG002  # an answer means that it is kept
        """The messages; there is nothing to wait for."""
        return [orjson.loads(message.value)["message"] for message in self.broker.messages]


@contextlib.contextmanager
def peer(_folder: Path) -> Iterator[_Peer]:
    """The broker, with one partition, so that there is an order."""
    with KafkaPeer(password=SECRET) as broker:
        yield _Peer(MINIMAL | {"brokers": [broker.address]}, broker)


def rows() -> list[Row]:
    """One row for each behaviour."""
    maybe = "it may have been taken"
    return [
        Row("refused", _refused, Transient, "refused.*nothing was sent"),
        Row("unresolvable", _unresolvable, Transient, r"no-such-host\.invalid.*nothing was sent"),
        Row("closed", _scripted(close), Transient, f"closed the connection.*{maybe}", also=_doubts),
        Row("reset", _scripted(reset), Transient, f"(?i)reset.*{maybe}", also=_doubts),
        Row("silent", _scripted(silence), Transient, f"timed out.*{maybe}", time_out=0.5, also=_doubts),
        Row("closed_mid_answer", _scripted(_mid_answer), Transient, maybe, also=_doubts),
        Row("delay", _scripted(Say(89, throttle=7000)), Transient, "error 89", also=_waits(7)),
        Row("oversize", _scripted(Say(10)), TooLarge, "error 10"),
        Row("oversize_one", _scripted(Say(10)), Refused, "error 10", records=records(1), also=_repairs({0}, set())),
        Row("partial_refusal", _scripted(Say(87, [(1, "no")])), Refused, "error 87", also=_repairs({1}, set())),
        Row("refused_as_a_whole", _scripted(Say(87)), Permanent, "error 87"),
        *(Row(f"error_{code}", _scripted(Say(code)), Transient, f"error {code}") for code in (3, 6, 7, 19, 45, 59, 99)),
        *(Row(f"error_{code}", _scripted(Say(code)), Misconfigured, f"error {code}") for code in (17, 29, 31, 44, 76)),
        Row("no_topic", _broker(topic_error=3), Misconfigured, "topic waf: is not there"),
        Row("topic_not_for_us", _broker(topic_error=29), Misconfigured, "not authorized for the topic"),
        Row("topic_without_leader", _broker(topic_error=5), Transient, "no leader"),
        Row("not_kafka", _talk(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Misconfigured, "no plain Kafka"),
        Row("endless", _talk(b"\x7f\xff\xff\xff"), Transient, "an answer of 2147483647 bytes"),
        Row("cut", _talk(b"\0\0\0\x06\0\0\0\x01\0\0"), Transient, "ends too early"),
        Row("tls_trusted", _tls("127.0.0.1"), None),
        Row("tls_wrong_host", _tls("kafka.example"), Misconfigured, "certificate not accepted.*not valid"),
        Row("tls_unknown_ca", _tls("127.0.0.1", trusted=False), Misconfigured, "certificate not accepted.*issuer"),
        Row("tls_expired", _tls("127.0.0.1", expired=True), Misconfigured, "certificate not accepted.*expired"),
    ]


def _doubts(error: DeliveryError) -> bool:
    return error.in_doubt


def _waits(seconds: float) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Transient) and error.retry_after == seconds


def _repairs(refused: set[int], delivered: set[int]) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Refused) and set(error.refused) == refused and error.delivered == delivered


@contextlib.contextmanager
def _refused(_folder: Path) -> Iterator[Mapping[str, object]]:
    with nobody() as port:
        yield MINIMAL | {"brokers": [f"127.0.0.1:{port}"]}


@contextlib.contextmanager
def _unresolvable(_folder: Path) -> Iterator[Mapping[str, object]]:
    yield MINIMAL | {"brokers": ["no-such-host.invalid:9092"]}


def _mid_answer(connection: socket.socket) -> None:
    connection.sendall(b"\0\0\0\x64\0\0")
    close(connection)


def _scripted(*script: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with KafkaPeer(*script, password=SECRET) as broker:  # type: ignore[arg-type]  # steps
            yield MINIMAL | {"brokers": [broker.address]}

    return far_side


def _broker(topic_error: int) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with KafkaPeer(password=SECRET, topic_error=topic_error) as broker:
            yield MINIMAL | {"brokers": [broker.address]}

    return far_side


def _talk(words: bytes) -> FarSide:
    def behave(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(words)
        silence(connection)

    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Mapping[str, object]]:
        with Misbehaving(behave, http=False) as server:
            yield MINIMAL | {"brokers": [f"127.0.0.1:{server.port}"]}

    return far_side


def _tls(host: str, *, trusted: bool = True, expired: bool = False) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        authority = Authority(folder / "authority")
        context: ssl.SSLContext = authority.issue([host], expired=expired).server_context()
        with KafkaPeer(password=SECRET, tls=context) as broker:
            trust: object = {"ca_file": str(authority.ca_file)} if trusted else True
            yield MINIMAL | {"brokers": [broker.address], "tls": trust}

    return far_side
