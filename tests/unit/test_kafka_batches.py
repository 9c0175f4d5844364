"""Batches and checksums against kafka-python's reader; codecs; the logins of the RFCs."""

import base64
from collections.abc import Callable, Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import kafka_python

from logferry.destinations.kafka import sasl
from logferry.destinations.kafka.balancers import choosing
from logferry.destinations.kafka.batches import Batch, batches
from logferry.destinations.kafka.checksum import by_blocks, by_loop, crc32c
from logferry.destinations.kafka.codecs import ATTRIBUTES, compressing
from logferry.destinations.kafka.message import HEAD
from logferry.errors import Misconfigured
from logferry.vault import Secret

Messages = list[tuple[int, bytes | None, bytes]]  # time, key, value
MESSAGES: Messages = [(1_774_426_530_005 + 7 * number, b"k%d" % number, b"value " * number) for number in range(300)]


def made(messages: Messages, codec: str = "none", partitions: int = 1) -> list[Batch]:
    """Sealed, by producer 5 in epoch 2, from sequence 40."""
    parts = [HEAD.pack(time, -1 if key is None else len(key)) + (key or b"") + value for time, key, value in messages]
    choose = choosing("RoundRobin", lambda: 0.0)
    found = batches(parts, lambda key, size: choose(key, size, partitions), compressing(codec), ATTRIBUTES[codec])
    for batch in found:
        batch.seal((5, 2), 40)
    return found


def read(batch: Batch) -> Messages:
    """As kafka-python reads it, its checksum verified."""
    found = kafka_python.load("kafka.record.memory_records").MemoryRecords(batch.sealed).next_batch()
    assert found.validate_crc()
    assert (found.producer_id, found.producer_epoch, found.base_sequence) == (5, 2, 40)
    messages = [(one.timestamp, one.key, one.value) for one in found]
    assert found.max_timestamp == max(time for time, _, _ in messages)
    return messages


@pytest.mark.parametrize("codec", ["none", "no", "gzip", "snappy", "lz4", "zstd"])
def test_a_batch_is_read_by_another_client(codec: str) -> None:
    """In each compression; all but none are smaller."""
    (batch,) = made(MESSAGES, codec)
    assert read(batch) == MESSAGES
    assert (len(batch.sealed) < 100_000) == (codec not in ("none", "no"))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**42), st.none() | st.binary(max_size=200), st.binary(max_size=20_000)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_messages_come_out_as_they_went_in(messages: Messages) -> None:
    """Times before the first one, empty and absent keys, values of any length."""
    (batch,) = made(messages)
    assert read(batch) == messages


def test_each_partition_gets_a_batch_that_knows_its_parts() -> None:
    """In the order of the payload."""
    found = made(MESSAGES, partitions=3)
    assert {batch.partition: batch.indexes for batch in found} == {n: list(range(n, 300, 3)) for n in range(3)}
    assert [read(batch) for batch in found] == [MESSAGES[number::3] for number in range(3)]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 700))
def test_checksums_agree(start: bytes, repeats: int) -> None:
    """From snappy's frames, byte by byte, and kafka-python's; within a frame, over its end, over several."""
    data = start * repeats
    assert by_blocks(data) == by_loop(data)
    assert by_loop(data[:1000]) == kafka_python.load("kafka.record._crc32c").crc(data[:1000])


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 200_001])
def test_checksums_agree_at_the_borders_of_frames(size: int) -> None:
    """What compresses well and what does not; the published check value of CRC-32C, too."""
    for data in (bytes(size), bytes(range(251)) * (size // 251)):
        assert crc32c(data) == by_loop(data)
    assert crc32c(b"123456789") == 0xE3069283


def _answers(login: sasl.Login, nonce: str) -> tuple[Generator[bytes, bytes, None], bytes]:
    talk = sasl.talk(login, nonce)
    return talk, next(talk)


def test_plain_is_that_of_the_rfc() -> None:
    """RFC 4616: no other identity, name, password."""
    _, said = _answers(sasl.Login("PLAIN", "tim", Secret("tanstaaftanstaaf")), "")
    assert said == b"\0tim\0tanstaaftanstaaf"


def test_scram_is_that_of_the_rfc() -> None:
    """The exchange that RFC 7677 prints for SCRAM-SHA-256, from both sides."""
    talk, said = _answers(sasl.Login("SCRAM-SHA-256", "user", Secret("pencil")), "rOprNGfwEbeRWgbNEkqO")
    assert said == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    said = talk.send(f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode())
    assert said == f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()
    with pytest.raises(StopIteration):
        talk.send(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(
    "first",
    [
        b"r=other,s=AAAA,i=4096",
        b"r=mine1,s=AAAA,i=1",
        b"r=mine1,s=AAAA,i=99999999",
        b"r=mine1,s=AAAA,i=x",
        b"r=mine1,s=AAAA,i=" + b"9" * 5_000,
        b"",
        b"\xff",
    ],
)
def test_a_broker_that_cannot_be_right_is_not_believed(first: bytes) -> None:
    """Another number than ours, too few or too many rounds, nonsense."""
    talk, _ = _answers(sasl.Login("SCRAM-SHA-512", "user", Secret("pencil")), "mine")
    with pytest.raises(Misconfigured, match="auth:"):
        talk.send(first)


def test_a_broker_that_does_not_know_the_password_is_not_believed() -> None:
    """Its proof is looked at."""
    talk, _ = _answers(sasl.Login("SCRAM-SHA-512", "a=b,c", Secret("pencil")), "mine")
    talk.send(b"r=mine1,s=" + base64.b64encode(b"salt") + b",i=4096")
    with pytest.raises(Misconfigured, match="does not prove"):
        talk.send(b"v=" + base64.b64encode(b"no"))


def test_a_name_with_a_comma_is_quoted() -> None:
    """RFC 5802: =2C and =3D."""
    _, said = _answers(sasl.Login("SCRAM-SHA-256", "a=b,c", Secret("pencil")), "mine")
    assert said == b"n,,n=a=3Db=2Cc,r=mine"


@pytest.mark.parametrize("pack", [by_loop, by_blocks])
def test_a_checksum_of_nothing_is_zero(pack: Callable[[bytes], int]) -> None:
    """Both ways."""
    assert pack(b"") == 0
