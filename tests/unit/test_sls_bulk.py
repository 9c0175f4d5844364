"""Many logs read in one go: the same as pair by pair, or not at all."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from tests.fakes import log_groups
from tests.fakes.log_groups import delimited

from logferry.errors import SourceError
from logferry.sls import bulk
from logferry.sls.codec import LogGroups
from logferry.sls.framing import DELIMITED, entries
from logferry.sls.write import encode_log

Pairs = list[tuple[str, str]]
KEY_A, KEY_B, VALUE_A, VALUE_B = delimited(1, b"a"), delimited(1, b"b"), delimited(2, b"x"), delimited(2, b"y")
GOOD = encode_log(7, 5, [("a", "x"), ("b", "y"), ("a", "z")])


def pairs(raw: bytes) -> Pairs:
    """A log's contents by hand: the last key and the last value of each pair."""
    view, found = memoryview(raw), []
    for content in entries(view):
        if (content.number, content.kind) != (2, DELIMITED):
            continue
        pair = {1: "", 2: ""}
        for part in entries(view, content.begin, content.end):
            if part.number in pair and part.kind == DELIMITED:
                pair[part.number] = bytes(view[part.begin : part.end]).decode("utf-8", "replace")
        found.append((pair[1], pair[2]))
    return found


def flat(found: Sequence[bulk.Flat]) -> list[Pairs]:
    """Keys and values side by side."""
    return [list(zip(keys, values, strict=True)) for _, _, keys, values in found]


def test_proved_logs_are_read() -> None:
    """Times, keys and values in their order, duplicates among them."""
    assert bulk.read([GOOD, encode_log(8, 0, {})]) == [(7, 5, ("a", "b", "a"), ["x", "y", "z"]), (8, 0, (), [])]


@pytest.mark.parametrize(
    "contents",
    [
        [KEY_A + KEY_B, VALUE_A + VALUE_B],
        [KEY_A, VALUE_A + KEY_B + VALUE_B],
        [KEY_A + VALUE_A + VALUE_B, KEY_B],
        [VALUE_A + KEY_A],
        [KEY_A],
        [VALUE_A],
        [b""],
        [KEY_A + KEY_A + VALUE_A + VALUE_A],
        [delimited(1, b"\xff") + VALUE_A],
        [KEY_A + delimited(2, b"\xff")],
    ],
    ids=["keys apart from values", "value in the next pair", "value in the pair before", "value first", "no value",
         "no key", "empty", "all twice", "broken key", "broken value"],
)  # fmt: skip
def test_what_could_be_paired_wrongly_is_left_alone(contents: Sequence[bytes]) -> None:
    """One such log among good ones, and none of them is read this way."""
    log = b"\x08\x01" + b"".join(delimited(2, pair) for pair in contents)
    assert bulk.read([GOOD, log, GOOD]) is None


def test_large_logs_are_left_alone() -> None:
    """They would be held several times over."""
    assert bulk.read([encode_log(1, 0, {"a": "x" * 300_000})]) is None


def test_no_log_is_left_alone() -> None:
    """Bytes that are no protobuf message."""
    assert bulk.read([GOOD, b"\x12\x7f"]) is None


def test_very_long_keys_are_read_too() -> None:
    """A shape that is not worth remembering."""
    log = encode_log(1, 0, {"k" * 5_000: "v"})
    assert flat(bulk.read([log]) or []) == [[("k" * 5_000, "v")]]


@settings(max_examples=600, deadline=None)
@given(data=log_groups.group_lists)
def test_what_is_read_is_what_each_pair_says(data: bytes) -> None:
    """For any logs, whatever is wrong with them."""
    try:
        raws = [record.raw for record in LogGroups(data, "b", "e").records()]
    except SourceError:
        return
    found = bulk.read(raws)
    if found is not None:
        assert flat(found) == [pairs(raw) for raw in raws]


@settings(max_examples=300, deadline=None)
@given(data=log_groups.group_lists)
def test_records_are_what_each_pair_says(data: bytes) -> None:
    """The decoder's records, read in handfuls or one by one, hold each log's last value for each of its keys."""
    try:
        records = list(LogGroups(data, "b", "e").records())
    except SourceError:
        return
    for record in records:
        said = dict(pairs(record.raw))
        meta = [key for key in record.fields if key not in said]
        assert {key: value for key, value in record.fields.items() if key in said} == said
        assert all(key.startswith(("__tag__:", "__topic__", "__source__")) for key in meta)
