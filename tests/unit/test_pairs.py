"""Encoding without records: the same bytes, ordinals, counts and times as by way of records."""

from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fakes import log_groups

from logferry.encoded import encoded
from logferry.encoders import Encoder
from logferry.encoders.framed import Framed, Sizes
from logferry.encoders.key_value import KeyValue
from logferry.encoders.rfc5424 import Config, build
from logferry.errors import Permanent, SourceError
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.syslog_header import Sender
from logferry.window import Pending

HEADER = build(Config(), Sender("host", "app"))
PLANS = [Plan(), Plan(keep=lambda raw: len(raw) % 3 > 0)]


class Plain:
    """An encoder that is asked for records only."""

    def __init__(self, inner: Encoder) -> None:
        self.encode, self.frame = inner.encode, inner.frame


def run(data: bytes, plan: Plan, encoder: Encoder) -> tuple[object, ...]:
    """All that comes of a batch, or its error."""
    pending, tally, refused = Pending(LogGroups(data, "b", "e")), Tally(), dict[int, str]()

    def refuse(ordinal: int, error: Permanent) -> None:
        refused[ordinal] = str(error)

    try:
        parts = list(encoded(pending, plan, encoder, tally, refuse))
    except SourceError as error:
        return (str(error),)
    return parts, refused, pending.time, tally.filtered, tally.sampled_out


def framed(framing: Literal["lf", "octet_counting"], oversize: Literal["split", "truncate", "park"]) -> Framed:
    """A message of at most 120 bytes, so that some are over it."""
    return Framed(HEADER, KeyValue(leading_separator=True), framing=framing, sizes=Sizes(120, oversize))


TWICE = bytes.fromhex("0a1f0a1d0805120a0a016b12016112016212080a016b12016212050a016c1200")


@settings(max_examples=300, deadline=None)
@example(data=TWICE, number=0, framing="lf", oversize="split")
@given(
    data=log_groups.group_lists, number=st.sampled_from([0, 1]), framing=st.sampled_from(["lf", "octet_counting"]),
    oversize=st.sampled_from(["split", "truncate", "park"]),
)  # fmt: skip
def test_both_ways_give_the_same(
    data: bytes, number: int, framing: Literal["lf", "octet_counting"], oversize: Literal["split", "truncate", "park"]
) -> None:
    """For any log groups: duplicate and empty keys, broken UTF-8, line breaks, odd logs among plain ones."""
    encoder, again = framed(framing, oversize), framed(framing, oversize)
    try:
        LogGroups(data, "b", "e")
    except SourceError:
        return
    assert encoder.takes_pairs
    assert run(data, PLANS[number], encoder) == run(data, PLANS[number], Plain(again))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(needs=("a",), test=lambda _: True), Plan(fields=("a",)), Plan(stamp=("SiteName", "x")),
        Plan(then=(lambda records: records,)), Plan(id_field="a", keep_id=lambda _: True),
    ],
)  # fmt: skip
def test_a_plan_that_looks_into_records_gets_them(plan: Plan) -> None:
    """Filters, fields, stamps, ids and later stages need names to look up."""
    assert LogGroups(b"", "b", "e").pairs(plan, Tally()) is None


def test_options_that_need_a_record_get_one() -> None:
    """Escaped pairs and a priority that is read from a field."""
    assert not Framed(HEADER, KeyValue(escape=True), framing="lf").takes_pairs
    assert not Framed(HEADER, KeyValue(), framing="lf", priority=lambda _: 14).takes_pairs
