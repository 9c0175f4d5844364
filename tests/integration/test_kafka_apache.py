"""kafka against Apache Kafka itself: logins, TLS, rights, sizes, a broker that is killed, what another client reads."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contract.adapter import records
from tests.fakes import kafka_python, shipment
from tests.fakes.ferry import ferry
from tests.fakes.kafka_broker import PASSWORD, USER, Broker

from logferry import packing
from logferry.config import load
from logferry.delivery import ParkBudget, Patience, Verdict, settle
from logferry.destinations import Destination, Surroundings, kafka
from logferry.destinations.kafka.balancers import murmur2
from logferry.encoders import Encoder
from logferry.errors import Misconfigured, Refused, Transient
from logferry.model import Limits, Origin, Payload, Record
from logferry.vault import Vault

pytestmark = pytest.mark.service("kafka")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all of these; tests keep apart by their topic."""
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.kill()


@contextlib.contextmanager
def opened(broker: Broker, listener: str = "plain", **options: Any) -> Iterator[tuple[Encoder, Destination]]:  # noqa: ANN401  # options of a task
    """Encoder and destination; the environment holds the right password as RIGHT."""
    chosen = load(kafka.Config, {"brokers": [broker.address(listener)], **options})
    around = Surroundings("t", Vault({"RIGHT": PASSWORD, "WRONG": "hunter2"}))
    made = kafka.build(chosen, around)
    try:
        yield kafka.encoder(chosen, around), made
    finally:
        made.close()


def login(mechanism: str, known_as: str = "RIGHT") -> dict[str, str]:
    """The option `auth`."""
    return {"mechanism": mechanism, "username": USER, "password": f"secret://env/{known_as}"}


def payload(encoder: Encoder, sent: Sequence[Record], begin: str = "MTc=") -> Payload:
    """All records in one."""
    parts = [(record.ordinal, encoder.encode(record)) for record in sent]
    (found,) = packing.pack(parts, Limits(max_bytes=10**9, max_records=10**6), encoder.frame)
    return found._replace(origin=Origin("0", begin, 0))


def settled(encoder: Encoder, to: Destination, sent: Payload, seconds: float = 20) -> Verdict:
    """As the engine does it, with real pauses."""
    patience = Patience(lambda: seconds, time.monotonic, time.sleep, lambda: 0.0)
    return settle(sent, to, encoder.frame, ParkBudget(9, 60, lambda: 0.0), patience)


def arrived(broker: Broker, topic: str, count: int) -> list[str]:
    """The records' numbers as another client reads them, sorted."""
    found = kafka_python.read(broker.address(), topic, count)
    return sorted(json.loads(message.value)["message"][:4] for message in found)


def numbers(count: int) -> list[str]:
    """`0000`, `0001`, …"""
    return [f"{number:04}" for number in range(count)]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_messages_arrive_once_with_key_and_time(broker: Broker, codec: str) -> None:
    """In each compression; the broker takes our checksum, its own reader our codec, and nothing is twice."""
    broker.make_topic(f"codec-{codec}")
    with opened(broker, topic=f"codec-{codec}", compress=codec, key="message") as (encoder, to):
        to.check(20)
        for begin in range(0, 2_000, 500):
            settled(encoder, to, payload(encoder, records(2_000, size=300)[begin : begin + 500], f"{begin}"))
    found = kafka_python.read(broker.address(), f"codec-{codec}", 2_000)
    sent = {record.fields["message"]: record.time * 1000 for record in records(2_000, size=300)}
    assert sorted(message.key.decode() for message in found) == sorted(map(str, sent))
    assert all(message.timestamp == sent[message.key.decode()] for message in found)


def test_fifty_thousand_records_arrive_once_and_the_ledger_verifies(broker: Broker, tmp_path: Path) -> None:
    """With SCRAM within TLS, read back by another client; the ledger's recount agrees."""
    broker.make_topic("shipment", 6)
    trust = {"ca_file": str(broker.authority.ca_file)}
    to = {"brokers": [broker.address("sasl_tls")], "topic": "shipment", "key": shipment.ID_FIELD, "compress": "lz4",
          "auth": login("SCRAM-SHA-512"), "tls": trust}  # fmt: skip
    with ferry(tmp_path, shards=2, settings=[("RIGHT", PASSWORD)]) as boat:
        sent = shipment.ship(boat, {"kafka": to})
    found = kafka_python.read(broker.address(), "shipment", shipment.COUNT)
    assert len(found) == shipment.COUNT
    assert {json.loads(message.value)[shipment.ID_FIELD] for message in found} == sent


@pytest.mark.parametrize("key", ["a", "www.example.com", "203.0.113.7", "日志投递"])
def test_a_key_is_where_kafka_s_own_producers_put_it(broker: Broker, key: str) -> None:
    """The partition that Kafka's default partitioner chooses, by an independent murmur2."""
    broker.make_topic(f"keyed-{murmur2(key.encode())}", partitions=12)
    theirs = kafka_python.load("kafka.partitioner.default").murmur2(key.encode())
    with opened(broker, topic=f"keyed-{murmur2(key.encode())}", key="host") as (encoder, to):
        settled(encoder, to, payload(encoder, [Record(0, 1774426530, 0, {"host": key})]))
    (message,) = kafka_python.read(broker.address(), f"keyed-{murmur2(key.encode())}", 1)
    assert message.partition == (theirs & 0x7FFFFFFF) % 12


@pytest.mark.parametrize("listener", ["sasl", "sasl_tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "scram-sha-512"])
def test_every_login_is_let_in(broker: Broker, mechanism: str, listener: str) -> None:
    """In the clear and within TLS."""
    topic = f"login-{listener}-{mechanism}"
    broker.make_topic(topic)
    trust = {"tls": {"ca_file": str(broker.authority.ca_file)}} if listener == "sasl_tls" else {}
    with opened(broker, listener, topic=topic, auth=login(mechanism), **trust) as (encoder, to):
        to.check(20)
        settled(encoder, to, payload(encoder, records(9)))
    assert arrived(broker, topic, 9) == numbers(9)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_for_a_person(broker: Broker, mechanism: str) -> None:
    """And is in no text."""
    with opened(broker, "sasl", topic="any", auth=login(mechanism, "WRONG")) as (_, to):
        with pytest.raises(Misconfigured, match="user name or password is wrong") as caught:
            to.check(20)
        assert "hunter2" not in str(caught.value)


def test_a_listener_that_wants_another_way_says_so(broker: Broker) -> None:
    """Each confusion of login and TLS has a word of advice; a certificate of an unknown authority is not taken."""
    said, unknown = [], {"auth": login("PLAIN")}
    for listener, options in (
        ("tls", {}), ("tls", {"tls": True}), ("plain", {"tls": True}), ("sasl", {}), ("plain", unknown),
    ):  # fmt: skip
        with opened(broker, listener, topic="any", **options) as (_, to):
            with pytest.raises((Misconfigured, Transient)) as caught:
                to.check(20)
            said.append((type(caught.value), str(caught.value).partition(": ")[2]))
    advice = ["set tls", "ca_file", "does it speak TLS?", "does it want auth or tls?", "look at auth and tls"]
    assert all(word in text for word, (_, text) in zip(advice, said, strict=True)), said
    assert [kind for kind, _ in said] == [Misconfigured, Misconfigured, Transient, Transient, Misconfigured]


def test_a_certificate_of_ours_lets_us_in(broker: Broker) -> None:
    """And is asked for where it is missing."""
    broker.make_topic("mutual")
    own, trust = broker.authority.issue(["client"]), {"ca_file": str(broker.authority.ca_file)}
    tls = {**trust, "cert_file": str(own.cert_file), "key_file": str(own.key_file)}
    with opened(broker, "mutual", topic="mutual", tls=tls) as (encoder, to):
        settled(encoder, to, payload(encoder, records(9)))
    assert arrived(broker, "mutual", 9) == numbers(9)
    with (
        opened(broker, "mutual", topic="mutual", tls=trust) as (_, to),
        pytest.raises(Misconfigured, match=r"cert_file"),
    ):
        to.check(20)


def test_a_topic_that_is_not_there_is_not_made(broker: Broker) -> None:
    """Though the broker would make it for whoever asks."""
    with opened(broker, topic="never-made") as (encoder, to):
        with pytest.raises(Misconfigured, match="topic never-made: is not there, and is not created here"):
            to.check(20)
        with pytest.raises(Misconfigured, match="topic never-made: is not there"):
            to.send(payload(encoder, records(1)), 20)
    with broker.admin() as admin:
        assert "never-made" not in str(admin.list_topics())


def test_a_topic_that_is_not_for_us_is_for_a_person(broker: Broker) -> None:
    """Only somebody else may write: held, with the rights that are needed."""
    admins = kafka_python.load("kafka.admin")
    broker.make_topic("locked")
    pattern = admins.ResourcePattern(admins.ResourceType.TOPIC, "locked")
    with broker.admin() as admin:
        admin.create_acls([
            admins.ACL("User:other", "*", operation, admins.ACLPermissionType.ALLOW, pattern)
            for operation in (admins.ACLOperation.DESCRIBE, admins.ACLOperation.WRITE)
        ])  # fmt: skip
    says = "not authorized for the topic: grant Write and Describe"
    with (
        opened(broker, "sasl", topic="locked", auth=login("PLAIN")) as (_, to),
        pytest.raises(Misconfigured, match=says),
    ):
        to.check(20)


def test_a_message_that_the_topic_does_not_take_is_parked_alone(broker: Broker) -> None:
    """The broker's own limit, lower than ours: all others arrive, the culprit is named."""
    broker.make_topic("narrow", max_message_bytes="20000")
    sent = [*records(9, size=900), *records(10, size=30_000)[9:], *records(20, size=900)[10:]]
    with opened(broker, topic="narrow") as (encoder, to):
        verdict = settled(encoder, to, payload(encoder, sent))
    assert (verdict.delivered, list(verdict.parked)) == (19, [9])
    assert "larger than the broker takes" in verdict.parked[9]
    assert arrived(broker, "narrow", 19) == [number for number in numbers(20) if number != "0009"]


def test_a_time_that_the_topic_does_not_take_is_refused_by_name(broker: Broker) -> None:
    """The broker names the messages of a batch that it does not like: those are parked, the others arrive."""
    broker.make_topic("timely", partitions=1, message_timestamp_after_max_ms="3600000")
    sent = [Record(one.ordinal, one.time, one.nanos, one.fields) for one in records(6)]
    sent[3] = Record(3, 4_102_444_800, 0, sent[3].fields)
    with opened(broker, topic="timely") as (encoder, to):
        settled(encoder, to, payload(encoder, records(1), "first"))  # the partition may have no leader yet
        with pytest.raises(Refused, match="error 32"):
            to.send(payload(encoder, sent), 20)
        verdict = settled(encoder, to, payload(encoder, sent))
    assert (verdict.delivered, list(verdict.parked)) == (5, [3])
    assert arrived(broker, "timely", 6) == ["0000", "0000", "0001", "0002", "0004", "0005"]


def test_a_broker_that_is_killed_loses_nothing_and_each_repeat_is_foretold(broker: Broker) -> None:
    """kill -9 while payloads are on their way, and started again: each message is there; twice only what was in doubt.

    Most often nothing is twice: the broker knows the numbers of its batches again once it has read its log.
    """
    broker.make_topic("killed")
    sent = records(8_000, size=300)
    with opened(broker, topic="killed", timeout="2s") as (encoder, to):
        batches = [payload(encoder, sent[start : start + 100], f"{start}") for start in range(0, len(sent), 100)]
        for batch in batches[:5]:
            settled(encoder, to, batch)
        again = threading.Thread(target=broker.restart)
        again.start()
        verdicts = [settled(encoder, to, batch, 60) for batch in batches[5:]]
        again.join()
    assert {verdict.delivered for verdict in verdicts} == {100}
    found = Counter(arrived(broker, "killed", len(sent)))
    assert sorted(found) == numbers(len(sent))
    doubtful = {f"{ordinal:04}" for verdict in verdicts for ordinal in verdict.repeated}
    assert {number for number, times in found.items() if times > 1} <= doubtful
    assert max(found.values()) <= 2
