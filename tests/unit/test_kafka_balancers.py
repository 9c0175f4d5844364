"""The five balancers against published partitions, and what they do with messages without a key."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import kafka_python

from logferry.destinations.kafka.balancers import choosing, fnv1a, murmur2

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden/kafka/balancers.json").read_text())
COUNTS: list[int] = GOLDEN["partitions"]
KEYED = [(row, name) for row in GOLDEN["keys"] for name in ("Hash", "CRC32Balancer", "Murmur2Balancer") if row[name]]


def first() -> float:
    """Counters begin at 0, whatever is random is partition 0."""
    return 0.0


@pytest.mark.parametrize(("row", "name"), KEYED, ids=lambda value: value if isinstance(value, str) else value["key"])
def test_a_key_goes_where_the_original_sends_it(row: dict[str, Any], name: str) -> None:
    """For 3, 6, 12 and 100 partitions."""
    choose, key = choosing(name, first), bytes.fromhex(row["key"])
    assert [choose(key, 10, count) for count in COUNTS] == row[name]


@pytest.mark.parametrize("row", GOLDEN["keys"], ids=lambda row: row["key"])
def test_hashes_are_the_published_ones(row: dict[str, Any]) -> None:
    """FNV-1a and murmur2, 32 bits each."""
    key = bytes.fromhex(row["key"])
    assert (f"0x{fnv1a(key):08x}", f"0x{murmur2(key):08x}") == (row["fnv1a"], row["murmur2"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_murmur2_is_that_of_kafka_s_own_clients(key: bytes) -> None:
    """kafka-python's, which is the Java client's."""
    theirs = kafka_python.load("kafka.partitioner.default").murmur2(key)
    assert murmur2(key) == theirs & 0xFFFFFFFF


@pytest.mark.parametrize("name", ["CRC32Balancer", "Murmur2Balancer"])
def test_consistent_sends_all_without_a_key_to_one_partition(name: str) -> None:
    """CRC-32 counts an empty key as none, too."""
    choose = choosing(name, lambda: 0.99, consistent=True)
    assert [choose(None, 10, count) for count in COUNTS] == GOLDEN["no_key_consistent"][name]
    assert [choose(b"", 10, count) for count in COUNTS] == GOLDEN["no_key_consistent"][name]


@pytest.mark.parametrize(("name", "key"), [("CRC32Balancer", None), ("CRC32Balancer", b""), ("Murmur2Balancer", None)])
def test_without_a_key_any_partition_may_be_chosen(name: str, key: bytes | None) -> None:
    """`chance` decides, over all partitions; murmur2 hashes an empty key all the same."""
    shares = [number / 12 for number in range(12)]
    assert [choosing(name, lambda: share)(key, 10, 12) for share in shares] == list(range(12))  # noqa: B023  # called at once


def test_hash_takes_turns_only_for_messages_without_a_key() -> None:
    """Keyed messages do not advance the counter."""
    case = GOLDEN["hash_in_turn"]
    choose = choosing("Hash", first)
    keys = [None if key is None else key.encode() for key in case["keys"]]
    assert [choose(key, 10, case["partitions"]) for key in keys] == case["expected"]


def test_round_robin_begins_anywhere_and_wraps_at_32_bits() -> None:
    """One behind the other, over the end of the counter."""
    choose = choosing("RoundRobin", lambda: (2**32 - 2) / 2**32)
    assert [choose(b"key", 10, 3) for _ in range(4)] == [2, 0, 0, 1]
    assert [choosing("RoundRobin", first)(None, 10, 3) for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("case", GOLDEN["least_bytes"])
def test_least_bytes_counts_keys_and_values(case: str) -> None:
    """The lowest number among equals; all counters begin anew when the number of partitions changes."""
    choose, steps = choosing("LeastBytes", first), GOLDEN["least_bytes"][case]
    assert [choose(None, size, count) for count, size, _ in steps] == [expected for *_, expected in steps]


def test_least_bytes_begins_at_random() -> None:
    """So that functions that live for one message each do not all choose partition 0."""
    shares = iter([0.9, 0.1, 0.5])
    assert choosing("LeastBytes", lambda: next(shares))(None, 10, 3) == 1


def test_bytes_are_spread_evenly() -> None:
    """No partition gets much more than another."""
    choose, sums = choosing("LeastBytes", first), Counter[int]()
    for number in range(1_000):
        sums[choose(None, 100 + number % 50, 7)] += 100 + number % 50
    assert max(sums.values()) - min(sums.values()) < 200
