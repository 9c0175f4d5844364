"""The six requests that delivery needs, in versions that brokers from 2.1 to 4.x know; one has tagged fields."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from logferry.destinations.kafka.answers import judge
from logferry.destinations.kafka.batches import Batch
from logferry.destinations.kafka.link import Answer, Link, Peer, text
from logferry.destinations.kafka.sasl import Login, talk
from logferry.errors import DeliveryError, Misconfigured, Transient

__all__ = ["Taken", "Topic", "greet", "look_up", "new_producer", "produce", "produced"]

_PRODUCE, _METADATA, _HANDSHAKE, _VERSIONS, _PRODUCER, _AUTHENTICATE = 0, 3, 17, 18, 22, 36
_ALL = -1  # acks


class Topic(NamedTuple):
    """Who leads each partition (-1: nobody), and where the brokers are."""

    leaders: dict[int, int]
    brokers: dict[int, Peer]
    error: DeliveryError | None = None  # the cluster's own word of it


class Taken(NamedTuple):
    """What became of one batch: 0, or an error's number; single messages of it that were refused, with the reason."""

    code: int
    refused: dict[int, str]
    told: str
    wait: float | None  # seconds, when the broker is slowing us down


def greet(link: Link, login: Login | None, nonce: str, deadline: float) -> None:
    """Learn the broker's versions, and log in."""
    answer = link.ask(_VERSIONS, 0, b"", deadline)
    _sound(answer.take("h"), link)
    link.versions = {answer.take("h"): (answer.take("h"), answer.take("h")) for _ in answer.rows()}
    if login is None:
        return
    answer = link.ask(_HANDSHAKE, _version(link, _HANDSHAKE, 1, 1), text(login.mechanism), deadline)
    code = answer.take("h")
    offered = ", ".join(answer.text() for _ in answer.rows())
    _sound(code, link, offered and f"it offers {offered}")
    version = _version(link, _AUTHENTICATE, 0, 1)
    said = talk(login, nonce)
    message = next(said)
    while True:
        answer = link.ask(_AUTHENTICATE, version, struct.pack(">i", len(message)) + message, deadline)
        code, told = answer.take("h"), answer.text()
        _sound(code, link, told)
        theirs = answer.blob()
        lifetime = answer.take("q") / 1000 if version else 0.0
        try:
            message = said.send(theirs)
        except StopIteration:
            break
    if lifetime:
        link.end_within(0.9 * lifetime)


def look_up(link: Link, topic: str, deadline: float) -> Topic:
    """The topic's partitions; nothing is created."""
    body = struct.pack(">i", 1) + text(topic) + b"\0"
    try:
        answer = link.ask(_METADATA, _version(link, _METADATA, 4, 4), body, deadline)
    except Transient as error:
        if "closed the connection" in str(error):  # how a listener with a login treats strangers
            raise Transient(f"{error}; does it want auth or tls?") from error
        raise
    answer.take("i")
    brokers = {}
    for _ in answer.rows():
        number, host, port, _rack = answer.take("i"), answer.text(), answer.take("i"), answer.text()
        brokers[number] = Peer(host, port)
    answer.text()
    answer.take("i")
    leaders: dict[int, int] = {}
    against: DeliveryError | None = None
    for _ in answer.rows():
        code, name, _internal = answer.take("h"), answer.text(), answer.take("b")
        if code == 3:
            against = Misconfigured(
                f"topic {name}: is not there, and is not created here: make it, with kafka-topics.sh"
            )
        elif code:
            against = judge(code, f"topic {name}")
        for _ in answer.rows():
            answer.take("h")  # a partition without a leader says so by its number
            partition, leader = answer.take("i"), answer.take("i")
            leaders[partition] = leader
            for _ in range(2):
                answer.bytes(4 * len(answer.rows()))
    if not leaders and against is None:
        against = Transient(f"topic {topic}: has no partitions yet")
    return Topic(leaders, brokers, against)


def new_producer(link: Link, deadline: float) -> tuple[int, int]:
    """A number for our messages, and its epoch."""
    version = _version(link, _PRODUCER, 0, 3)
    if version < 2:
        answer = link.ask(_PRODUCER, version, text(None) + struct.pack(">i", 60_000), deadline)
    else:  # tagged fields in head and body, of which there are none; a null is 0
        body = struct.pack(">bbi", 0, 0, 60_000) + (struct.pack(">qh", -1, -1) if version == 3 else b"") + b"\0"
        answer = link.ask(_PRODUCER, version, body, deadline)
        answer.take("b")
    answer.take("i")
    _sound(answer.take("h"), link)
    return answer.take("q"), answer.take("h")


def produce(link: Link, topic: str, some: Sequence[Batch], deadline: float, wait: float) -> tuple[int, int]:
    """Write the batches, all for partitions that this broker leads; (number, version) for `produced`.

    `wait` is how many seconds the broker may wait for the replicas.
    """
    version = _version(link, _PRODUCE, 7 if any(batch.attributes == 4 for batch in some) else 3, 8)
    body = [text(None), struct.pack(">hii", _ALL, int(wait * 1000), 1), text(topic), struct.pack(">i", len(some))]
    for batch in some:
        body += (struct.pack(">ii", batch.partition, len(batch.sealed)), batch.sealed)
    return link.send(_PRODUCE, version, b"".join(body), deadline), version


def produced(link: Link, sent: tuple[int, int], deadline: float) -> dict[int, Taken]:
    """What became of each partition's batch."""
    number, version = sent
    answer = link.receive(number, deadline)
    found: dict[int, Taken] = {}
    for _ in answer.rows():
        answer.text()
        for _ in answer.rows():
            partition, taken = _taken(answer, version)
            found[partition] = taken
    throttled = answer.take("i") / 1000
    return {partition: taken._replace(wait=throttled or None) for partition, taken in found.items()}


def _taken(answer: Answer, version: int) -> tuple[int, Taken]:
    partition, code = answer.take("i"), answer.take("h")
    answer.bytes(16)  # offset and time of the broker's log
    if version >= 5:
        answer.take("q")
    refused, told = {}, ""
    if version >= 8:
        refused = {answer.take("i"): answer.text() for _ in answer.rows()}
        told = answer.text()
    return partition, Taken(code, refused, told, None)


def _version(link: Link, api: int, least: int, most: int) -> int:
    """The newest that both know; Misconfigured if there is none."""
    lowest, highest = link.versions.get(api, (0, -1))
    version = min(most, highest)
    if version < max(least, lowest):
        raise Misconfigured(f"{link.peer}: the broker knows request {api} in {lowest}-{highest}, not {least}-{most}")
    return version


def _sound(code: int, link: Link, told: str = "") -> None:
    if code:
        raise judge(code, str(link.peer), told)
