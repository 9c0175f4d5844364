"""Payloads stay within limits and lose nothing."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from logferry.model import Limits
from logferry.packing import pack, pick, split


def frame(parts: Sequence[bytes]) -> bytes:
    """Join with a newline."""
    return b"\n".join(parts)


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 60), st.integers(1, 7))
def test_every_part_travels_once_in_order_within_limits(parts: list[bytes], max_bytes: int, max_records: int) -> None:
    """Packing keeps all parts in order; only a part that is too large by itself exceeds the limit, alone."""
    limits = Limits(max_bytes=max_bytes, max_records=max_records)
    payloads = list(pack(enumerate(parts), limits, frame))
    assert [part for payload in payloads for part in payload.parts] == parts
    assert [ordinal for payload in payloads for ordinal in payload.ordinals] == list(range(len(parts)))
    for payload in payloads:
        assert len(payload.parts) <= max_records
        assert len(payload.body) <= max_bytes or len(payload.parts) == 1
        assert payload.body == frame(payload.parts)


def test_splitting_frames_again_and_keeps_ordinals() -> None:
    """Two halves hold the same parts under the same ordinals."""
    [payload] = pack(((i * 10, b"%d" % i) for i in range(5)), Limits(max_bytes=100, max_records=9), frame)
    first, second = split(payload, frame)
    assert (first.body, second.body) == (b"0\n1", b"2\n3\n4")
    assert [*first.ordinals, *second.ordinals] == [0, 10, 20, 30, 40]


def test_picking_takes_the_named_parts() -> None:
    """A picked payload holds just the parts at these indexes."""
    [payload] = pack(((i, b"%d" % i) for i in range(5)), Limits(max_bytes=100, max_records=9), frame)
    assert pick(payload, [1, 4], frame).body == b"1\n4"
