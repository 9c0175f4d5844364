"""Each rule of the log group codec, on one small message."""

import subprocess
import sys

import pytest
from tests.fakes.log_groups import delimited

from logferry.errors import SourceError
from logferry.model import Record
from logferry.plan import Plan, Tally
from logferry.sls.codec import LogGroups
from logferry.sls.write import Fields, encode_log, encode_log_group, list_entry


def batch(*groups: bytes) -> LogGroups:
    """A batch of these groups."""
    return LogGroups(b"".join(list_entry(len(group)) + group for group in groups), "begin", "end")


def only(*groups: bytes) -> Record:
    """The one record in these groups."""
    [record] = batch(*groups).records()
    return record


def group(fields: Fields, topic: str = "") -> bytes:
    """A group with one log."""
    return encode_log_group([(1, 0, fields)], topic=topic)


def test_fields_are_meta_then_contents() -> None:
    """Topic, source and tags come first, then the contents as they stood; the time is not a field."""
    record = only(encode_log_group([(5, 7, {"b": "1", "a": "2"})], topic="t", source="s", tags={"x": "y"}))
    assert list(record.fields.items()) == [
        ("__topic__", "t"), ("__source__", "s"), ("__tag__:x", "y"), ("b", "1"), ("a", "2"),
    ]  # fmt: skip
    assert (record.ordinal, record.time, record.nanos) == (0, 5, 7)


def test_empty_topic_and_source_are_there() -> None:
    """A group without topic and source still gives both fields, empty."""
    assert only(group({})).fields == {"__topic__": "", "__source__": ""}


def test_content_wins_over_meta() -> None:
    """A content named like a meta field is what the record shows."""
    record = only(encode_log_group([(1, 0, {"__topic__": "mine", "__tag__:x": "mine"})], topic="t", tags={"x": "y"}))
    assert record.fields == {"__topic__": "mine", "__source__": "", "__tag__:x": "mine"}


def test_last_duplicate_key_wins() -> None:
    """Of contents with the same key the last one's value counts, whole or selected."""
    made = batch(group([("k", "first"), ("other", "x"), ("k", "last")]))
    assert [record.fields["k"] for record in made.records()] == ["last"]
    assert [record.fields for record in made.select(Plan(fields=("k",)), Tally())] == [{"k": "last"}]


def test_last_duplicate_tag_wins() -> None:
    """Of tags with the same key the last one's value counts."""
    tags = delimited(6, delimited(1, b"x") + delimited(2, b"1")) + delimited(6, delimited(1, b"x") + delimited(2, b"2"))
    assert only(group({}) + tags).fields["__tag__:x"] == "2"


@pytest.mark.parametrize("plan", [Plan(), Plan(fields=("k", "bad\ufffd")), Plan(needs=("k",), test=lambda f: "k" in f)])
def test_broken_utf8_is_replaced(plan: Plan) -> None:
    """Broken bytes in key or value become U+FFFD, whichever way the log is decoded."""
    made = batch(group([(b"bad\xff", b"v"), (b"k", b"a\xc3(b")]))
    [record] = made.select(plan, Tally())
    assert {key: record.fields[key] for key in ("k", "bad\ufffd")} == {"k": "a\ufffd(b", "bad\ufffd": "v"}


def test_broken_utf8_beside_a_log_is_replaced() -> None:
    """Broken bytes in topic, source and tags do not stop the group."""
    broken = (
        delimited(3, b"t\xff") + delimited(4, b"\xff") + delimited(6, delimited(1, b"\xff") + delimited(2, b"\xfe"))
    )
    fields = only(group({"k": "v"}) + broken).fields
    assert fields == {"__topic__": "t\ufffd", "__source__": "\ufffd", "__tag__:\ufffd": "\ufffd", "k": "v"}


@pytest.mark.parametrize(("nanos", "read"), [(0, 0), (1, 1), (999_999_999, 999_999_999), (10**9, 0), (2**32 - 1, 0)])
def test_nanos_out_of_range_read_as_zero(nanos: int, read: int) -> None:
    """Time_ns counts only within its second."""
    log = encode_log(1, 0, {}) + b"\x25" + nanos.to_bytes(4, "little")
    assert only(delimited(1, log)).nanos == read


def test_missing_time_reads_as_zero() -> None:
    """A log without Time is still a record."""
    assert only(delimited(1, delimited(2, delimited(1, b"k") + delimited(2, b"v")))).time == 0


def test_content_without_key_or_value_reads_as_empty() -> None:
    """Missing parts of a content are empty text."""
    record = only(delimited(1, delimited(2, b"") + delimited(2, delimited(1, b"k"))))
    assert (record.fields[""], record.fields["k"]) == ("", "")


@pytest.mark.parametrize("plan", [Plan(), Plan(fields=("k", "l")), Plan(needs=("l",), test=lambda f: "l" in f)])
def test_unknown_fields_are_ignored(plan: Plan) -> None:
    """Fields of a newer format, at each level, change nothing but the raw bytes, whichever way the log is decoded."""
    new = delimited(99, b"new") + b"\x5b\x08\x01\x5c"  # field 11 is a group
    log = encode_log(1, 0, {"k": "v"}) + delimited(2, delimited(1, b"l") + new) + new
    data = delimited(1, delimited(1, log) + new) + new
    [record] = LogGroups(data, "b", "e").select(plan, Tally())
    assert (record.fields["k"], record.fields["l"]) == ("v", "")
    assert record.raw == log


def test_empty_groups_give_nothing() -> None:
    """Groups without logs, and no groups at all, are an empty batch."""
    for made in (batch(), batch(b""), batch(encode_log_group([], topic="t"))):
        assert (made.count, list(made.records())) == (0, [])


def test_count_comes_from_the_framing() -> None:
    """The count is known before any log is decoded: a log of garbage is counted."""
    made = batch(encode_log_group([(1, 0, {}), (2, 0, {})]), delimited(1, b"\xff"))
    assert (made.count, made.size) == (3, 15)


def test_ordinals_run_through_all_groups() -> None:
    """Ordinals count from 0 through the batch, left-out logs included."""
    made = batch(group({"n": "0"}), group({"n": "1"}), encode_log_group([(1, 0, {"n": "2"}), (1, 0, {"n": "3"})]))
    plan = Plan(needs=("n",), test=lambda fields: fields["n"] != "1")
    tally = Tally()
    assert [(r.ordinal, r.fields["n"]) for r in made.select(plan, tally)] == [(0, "0"), (2, "2"), (3, "3")]
    assert tally.filtered == 1


def test_own_delivery_is_counted_as_filtered() -> None:
    """A group that logferry delivered is left out before sampling, and counted."""
    own = encode_log_group([(1, 0, {"k": "1"}), (1, 0, {"k": "2"})], tags={"__logferry__": "task"})
    made, tally = batch(own, group({"k": "3"})), Tally()
    assert [record.fields["k"] for record in made.select(Plan(keep=lambda _raw: True), tally)] == ["3"]
    assert (made.count, tally.filtered, tally.sampled_out) == (3, 2, 0)


def test_sampling_sees_raw_and_decodes_nothing() -> None:
    """Sampling judges the log's own bytes, before they are parsed."""
    made, tally = batch(group({"k": "v"}), delimited(1, b"\xff")), Tally()
    assert len(list(made.select(Plan(keep=lambda raw: raw != b"\xff"), tally))) == 1
    assert tally.sampled_out == 1


def test_fields_come_in_the_plans_order() -> None:
    """Selected fields stand in the task's order, absent ones are left out, meta fields may be selected."""
    [record] = batch(group({"a": "1", "b": "2"}, topic="t")).select(Plan(fields=("b", "no", "__topic__", "a")), Tally())
    assert list(record.fields.items()) == [("b", "2"), ("__topic__", "t"), ("a", "1")]


def test_later_stages_run_on_what_passed() -> None:
    """Stages that cannot be pushed down get each record that passed."""
    made = batch(group({"k": "v"}))
    plan = Plan(fields=("k",), then=(lambda r: Record(r.ordinal, 9, r.nanos, r.fields, r.raw),))
    assert [(record.time, record.fields) for record in made.select(plan, Tally())] == [(9, {"k": "v"})]


def test_original_keeps_everything_of_one_log() -> None:
    """The original is a group with this log, topic, source, tags and unknown fields, as they came."""
    rest = delimited(3, b"t\xff") + delimited(5, b"machine") + delimited(6, delimited(1, b"x")) + delimited(42, b"new")
    second = encode_log(2, 3, {"k": "v"}) + delimited(77, b"new")
    made = batch(group({"k": "0"}), delimited(1, encode_log(1, 0, {})) + rest + delimited(1, second))
    assert made.original(2) == delimited(1, second) + rest


@pytest.mark.parametrize("ordinal", [-1, 1])
def test_original_of_no_log_is_an_index_error(ordinal: int) -> None:
    """Asking for a log that is not in the batch is the caller's mistake."""
    with pytest.raises(IndexError, match="ordinal: "):
        batch(group({})).original(ordinal)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x05ab", "byte 0: field 1 ends 3 bytes behind the data"),
        (b"\x0a\x00\x07", "byte 2: field number 0"),
        (b"\x0a\x00\x0f", "byte 2: wire type 7"),
        (b"\x0a" + b"\xff" * 12, "byte 1: a number does not end"),
        (b"\x0c", "byte 0: the end of a group that never began"),
        (b"\x0b\x14", "byte 1: group 1 is ended by 2"),
        (b"\x0b", "byte 1: group 1 has no end"),
        (b"\x0b" * 200, "byte 101: groups are nested more than 100 deep"),
        (b"\x0a\x00" + delimited(1, b"\x0a\x05a"), "byte 2: no log group"),
    ],
)
def test_garbage_is_a_source_error_with_its_offset(data: bytes, message: str) -> None:
    """Bytes that are no log group list are refused when the batch is made."""
    with pytest.raises(SourceError, match=f"^{message}"):
        LogGroups(data, "b", "e")


def test_garbage_log_is_a_source_error_when_it_is_reached() -> None:
    """A log that cannot be parsed stops the selection there, naming itself; the logs before it come out."""
    records = batch(group({}), group({}) + delimited(1, b"\x0a")).records()
    assert [next(records).ordinal, next(records).ordinal] == [0, 1]
    with pytest.raises(SourceError, match="log 2 is no log"):
        next(records)


def test_large_value_and_large_group_pass() -> None:
    """A value of 5 MB and a group of 5,000 logs are read like any other."""
    assert len(str(only(group({"k": "v" * 5_000_000})).fields["k"])) == 5_000_000
    assert batch(encode_log_group([(1, 0, {"k": "v"})] * 5000)).count == 5000


def test_pure_python_protobuf_decodes_the_same() -> None:
    """Where no compiled protobuf is installed, broken UTF-8 is still replaced."""
    code = (
        "from logferry.sls.codec import LogGroups; from logferry.plan import *; import sys;"
        "b = LogGroups(bytes.fromhex(sys.argv[1]), '', '');"
        "print(ascii([r.fields for p in (Plan(), Plan(fields=('k', 'x\\ufffd'))) for r in b.select(p, Tally())]))"
    )
    data = delimited(1, group([(b"x\xff", b"1"), (b"k", b"\xff")]) + delimited(3, b"\xfe"))
    ran = subprocess.run(
        [sys.executable, "-c", code, data.hex()],
        env={"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    here = LogGroups(data, "", "")
    both = [r.fields for p in (Plan(), Plan(fields=("k", "x\ufffd"))) for r in here.select(p, Tally())]
    assert ran.stdout.strip() == ascii(both)
