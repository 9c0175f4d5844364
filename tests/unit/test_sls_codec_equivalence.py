"""The decoder against the reference, against the vendor's decoder, and against arbitrary bytes."""

import contextlib
from collections.abc import Iterator
from typing import Any

from aliyun.log.pulllog_response import PullLogResponse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fakes import log_groups

from logferry import plan as plans
from logferry.errors import SourceError
from logferry.model import Record
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups

Vendor: Any = PullLogResponse  # the SDK has no types


def shown(records: Iterator[Record]) -> list[tuple[Record, list[str]]]:
    """The records with the order of their fields."""
    return [(record, list(record.fields)) for record in records]


@settings(max_examples=600, deadline=None)
@given(data=log_groups.group_lists, plan=log_groups.plans())
def test_push_down_equals_the_reference(data: bytes, plan: Plan) -> None:
    """For any plan and any log groups, decoding only what is needed gives what the reference gives, order included."""
    batch = LogGroups(data, "b", "e")
    fast, slow = Tally(), Tally()
    own = batch.count - len(list(batch.records()))
    assert shown(batch.select(plan, fast)) == shown(plans.select(plan, batch.records(), slow))
    assert (fast.filtered, fast.sampled_out) == (slow.filtered + own, slow.sampled_out)


@settings(max_examples=200, deadline=None)
@given(data=log_groups.complete_lists)
def test_records_equal_the_vendors(data: bytes) -> None:
    """Times and fields are the vendor's, but for its tuple around the nanoseconds, and its dropping of broken bytes."""
    answer = Vendor(data, {"x-log-count": "0", "x-log-bodyrawsize": "0", "x-log-cursor": "c"})
    theirs = [
        {key: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for key, value in log.items()}
        for log in Vendor.loggroups_to_flattern_list(answer.loggroup_list)
    ]
    assert [as_vendor(record) for record in LogGroups(data, "b", "e").records()] == theirs


def as_vendor(record: Record) -> dict[str, Any]:
    """Our record in the vendor's flat form."""
    time_part = {"__time_ns_part__": (record.nanos,)} if record.nanos else {}
    return {"__time__": record.time, **time_part, **record.fields}


@settings(deadline=None)
@given(data=log_groups.group_lists)
def test_every_original_stands_for_itself(data: bytes) -> None:
    """The original of each log, read alone, gives the same record: same fields, same raw bytes."""
    batch = LogGroups(data, "b", "e")
    for record in batch.records():
        [alone] = LogGroups(log_groups.delimited(1, batch.original(record.ordinal)), "b", "e").records()
        assert (alone.time, alone.nanos, alone.fields, alone.raw) == (
            record.time,
            record.nanos,
            record.fields,
            record.raw,
        )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Log groups with a few bytes changed or the tail cut."""
    data = bytearray(draw(log_groups.group_lists))
    for _ in range(draw(st.integers(0, 3))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=200) | damaged(), plan=log_groups.plans())
@example(data=b"\x0b" * 200, plan=Plan())
def test_arbitrary_bytes_give_records_or_a_source_error(data: bytes, plan: Plan) -> None:
    """Whatever arrives, the decoder answers with records or with a SourceError."""
    with contextlib.suppress(SourceError):
        batch = LogGroups(data, "b", "e")
        assert len(list(batch.select(plan, Tally()))) <= batch.count
        for ordinal in range(batch.count):
            batch.original(ordinal)
