"""Encoded records wait by the thousand to be packed: each takes the memory of its bytes, and no more."""

import tracemalloc

import pytest

from logferry.encoders import Encoder
from logferry.encoders.hec import Hec
from logferry.encoders.json_lines import JsonLines
from logferry.encoders.key_value import KeyValue
from logferry.encoders.log_groups import LogGroups
from logferry.model import Record

RECORD = Record(0, 1_780_000_000, 0, {f"field_{number}": "value" * 4 for number in range(30)})


@pytest.mark.parametrize(
    "encoder",
    [Hec({}), JsonLines(), KeyValue(), LogGroups(lambda _topic, _source, _tags: b"", 1 << 20)],
    ids=["hec", "json_lines", "key_value", "log_groups"],
)
def test_parts_hold_no_unused_memory(encoder: Encoder) -> None:
    """A JSON writer's spare room must not stay behind each part."""
    size = len(encoder.encode(RECORD))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        parts = [encoder.encode(RECORD) for _ in range(500)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(parts) < size + 100
