"""Log groups as we write them are read back by the vendor SDK's own classes."""

from typing import Any

import pytest
from aliyun.log import log_logs_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.sls.write import encode_log, encode_log_group, list_entry, varint

vendor: Any = log_logs_pb2  # the SDK has no types
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
pairs = st.lists(st.tuples(texts, texts), max_size=5)
logs = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 999_999_999), pairs), max_size=4)


@settings(deadline=None)
@given(logs=logs, topic=texts, source=texts, tags=pairs)
def test_vendor_reads_what_we_write(
    logs: list[tuple[int, int, list[tuple[str, str]]]], topic: str, source: str, tags: list[tuple[str, str]]
) -> None:
    """Every field arrives, in order, duplicates included."""
    group = vendor.LogGroup.FromString(encode_log_group(logs, topic=topic, source=source, tags=tags))
    assert (group.Topic, group.Source) == (topic, source)
    assert [(tag.Key, tag.Value) for tag in group.LogTags] == tags
    found = [(log.Time, log.Time_ns, [(c.Key, c.Value) for c in log.Contents]) for log in group.Logs]
    assert found == logs


def test_groups_become_a_list() -> None:
    """A list is each group behind its entry header."""
    group = encode_log_group([(1, 0, {"k": "v" * 300})])
    answer = vendor.LogGroupList.FromString((list_entry(len(group)) + group) * 2)
    assert [found.SerializeToString() for found in answer.LogGroups] == [group, group]


def test_bytes_go_in_as_they_are() -> None:
    """A value that is not UTF-8 can be written."""
    assert encode_log(1, 0, [("k", b"\xff")]).endswith(b"\x12\x01\xff")


def test_lone_surrogate_becomes_a_question_mark() -> None:
    """Text that has no UTF-8 form does not stop a group."""
    assert encode_log(1, 0, {"k": "a\ud800b"}).endswith(b"\x12\x03a?b")


@pytest.mark.parametrize(("time", "nanos", "name"), [(-1, 0, "time"), (2**32, 0, "time"), (0, 10**9, "nanos")])
def test_time_out_of_range_is_refused(time: int, nanos: int, name: str) -> None:
    """A time that the wire cannot hold is an error that says so."""
    with pytest.raises(ValueError, match=f"{name}: "):
        encode_log(time, nanos, {})


@pytest.mark.parametrize(("number", "written"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")])
def test_varint(number: int, written: bytes) -> None:
    """Numbers are written seven bits at a time, lowest first."""
    assert varint(number) == written
