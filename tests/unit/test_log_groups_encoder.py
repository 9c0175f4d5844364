"""Records as log groups: the vendor's own classes read back what was written, and so does our reader."""

from typing import Any

import pytest
from aliyun.log import log_logs_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import packing
from logferry.encoders.log_groups import LogGroups, grouped
from logferry.errors import Permanent
from logferry.model import Limits, Payload, Record, Value
from logferry.sls.codec import LogGroups as Batch
from logferry.sls.write import encode_log_group

vendor: Any = log_logs_pb2  # the SDK has no types
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
names = st.one_of(texts, st.sampled_from(["__topic__", "__source__", "__tag__:a", "__tag__:ż", "message"]))


def rest(topic: str, source: str, tags: dict[str, str]) -> bytes:
    """The record's own marks, as they are."""
    return encode_log_group([], topic=topic, source=source, tags=tags)


def encoder(max_log_bytes: int = 1 << 20) -> LogGroups:
    """With the record's own marks."""
    return LogGroups(rest, max_log_bytes)


def record(fields: dict[str, Value], *, time: int = 1_700_000_000, nanos: int = 0, ordinal: int = 0) -> Record:
    """One record."""
    return Record(ordinal, time, nanos, fields)


def read(body: bytes) -> list[Record]:
    """What our own reader finds."""
    return list(Batch(body, "0", "1").records())


def framed(*records: Record) -> Any:  # noqa: ANN401  # the vendor's class
    """The frame around these records, as the vendor reads it."""
    made = encoder()
    return vendor.LogGroupList.FromString(made.frame([made.encode(one) for one in records]))


@settings(deadline=None, max_examples=60)
@given(
    many=st.lists(
        st.tuples(st.dictionaries(names, texts, max_size=6), st.integers(0, 2**32 - 1), st.integers(0, 999_999_999)),
        max_size=6,
    )
)
def test_a_record_comes_back_as_it_was(many: list[tuple[dict[str, str], int, int]]) -> None:
    """Fields, topic, source, tags, time and nanoseconds, of any text, in any mixture of groups."""
    made = encoder()
    sent = [record(dict(fields), time=time, nanos=nanos) for fields, time, nanos in many]
    parts = [made.encode(one) for one in sent]
    order = [index for indexes in grouped(parts).values() for index in indexes]
    found = read(made.frame(parts))
    assert [(one.time, one.nanos) for one in found] == [(sent[i].time, sent[i].nanos) for i in order]
    for one, index in zip(found, order, strict=True):
        assert one.fields == {"__topic__": "", "__source__": "", **sent[index].fields}


def test_the_vendor_reads_a_group() -> None:
    """The vendor's classes find topic, source, tags and every pair, in the record's order."""
    fields: dict[str, Value] = {
        "__topic__": "waf",
        "__source__": "192.0.2.1",
        "__tag__:host": "h",
        "b": "ż" * 200,
        "a": "",
    }
    (group,) = framed(record(fields, nanos=5), record({**fields, "a": "x" * 300})).LogGroups
    assert (group.Topic, group.Source) == ("waf", "192.0.2.1")
    assert [(tag.Key, tag.Value) for tag in group.LogTags] == [("host", "h")]
    assert [[(pair.Key, pair.Value) for pair in log.Contents] for log in group.Logs] == [
        [("b", "ż" * 200), ("a", "")], [("b", "ż" * 200), ("a", "x" * 300)],
    ]  # fmt: skip
    assert [(log.Time, log.Time_ns) for log in group.Logs] == [(1_700_000_000, 5), (1_700_000_000, 0)]


@pytest.mark.parametrize(
    ("value", "written"),
    [(5, "5"), (True, "true"), (None, "null"), (1.5, "1.5"), (["ż", 1], '["ż",1]'), ({"k": None}, '{"k":null}'),
     (2**70, str(2**70)), ("a\ud800b", "a\ufffdb")],
)  # fmt: skip
def test_what_is_no_text_is_compact_json(value: Value, written: str) -> None:
    """Numbers, truth values, null, lists and mappings are JSON; half a surrogate pair does not stop a group."""
    (group,) = framed(record({"first": "t", "v": value, "last": "t"})).LogGroups
    assert [pair.Value for pair in group.Logs[0].Contents] == ["t", written, "t"]


def test_each_set_of_marks_has_a_group_of_its_own() -> None:
    """Records with other topics travel in one payload; their groups come in the order of their first records."""
    topics = ["b", "a", "b", "", "a"]
    found = framed(*(record({"__topic__": topic, "n": str(n)}) for n, topic in enumerate(topics))).LogGroups
    assert [group.Topic for group in found] == ["b", "a", ""]
    assert [[log.Contents[0].Value for log in group.Logs] for group in found] == [["0", "2"], ["1", "4"], ["3"]]


def test_marks_between_the_fields_are_found() -> None:
    """A stage may have put the topic behind other fields."""
    (group,) = framed(record({"a": "1", "__topic__": "t", "b": "2"})).LogGroups
    assert (group.Topic, [pair.Key for pair in group.Logs[0].Contents]) == ("t", ["a", "b"])


def test_splitting_frames_the_same_parts_anew() -> None:
    """A half is a whole list of groups, and nothing is encoded again."""
    made = encoder()
    sent = [record({"__topic__": "ab"[n % 2], "n": str(n)}, ordinal=n) for n in range(8)]
    parts = [(one.ordinal, made.encode(one)) for one in sent]
    (payload,) = packing.pack(parts, Limits(max_bytes=10**6, max_records=100), made.frame)
    halves: tuple[Payload, Payload] = packing.split(payload, made.frame)
    assert [sorted(str(one.fields["n"]) for one in read(half.body)) for half in halves] == [list("0123"), list("4567")]


def test_a_payload_is_no_longer_than_its_parts() -> None:
    """So limits that are kept by the parts are kept on the wire."""
    made = encoder()
    parts = [made.encode(record({"__topic__": "t" * 200, "n": "x" * size})) for size in range(0, 600, 7)]
    assert len(made.frame(parts)) <= sum(map(len, parts)) + 10


def test_a_log_that_is_too_large_is_permanent() -> None:
    """It alone is parked, with both sizes in the reason; one at the limit goes."""
    fields: dict[str, Value] = {"m": "x" * 100}
    size = len(encoder().encode(record(fields))) - 3
    assert encoder(size).encode(record(fields))
    with pytest.raises(Permanent, match=f"the log is {size} bytes, more than the {size - 1} that one may have"):
        encoder(size - 1).encode(record(fields))


def test_marks_that_are_too_large_are_permanent() -> None:
    """Each record of a group would carry them: one huge tag must not multiply."""
    with pytest.raises(Permanent, match=r"tags of its log group are .* bytes, at most 65536"):
        encoder().encode(record({"__tag__:t": "x" * 65_536, "m": "x"}))


@pytest.mark.parametrize("time", [-1, 2**32])
def test_a_time_that_no_log_can_have_is_permanent(time: int) -> None:
    """The wire holds unsigned seconds of 32 bits."""
    with pytest.raises(Permanent, match="time: "):
        encoder().encode(record({"a": "b"}, time=time))


def test_no_parts_are_no_group() -> None:
    """An empty frame sends nothing."""
    assert encoder().frame([]) == b""
