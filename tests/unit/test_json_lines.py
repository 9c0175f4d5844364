"""JSON bodies: compact, one line, and still JSON when in pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.encoders.json_lines import JsonLines
from logferry.encoders.key_value import KeyValue
from logferry.errors import Permanent
from logferry.model import Record, Value

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def record(fields: dict[str, Value]) -> Record:
    """A record of these fields."""
    return Record(0, 1774426530, 0, fields)


@given(st.dictionaries(st.text(max_size=8), VALUE, max_size=5))
def test_one_line_that_reads_back(fields: dict[str, Value]) -> None:
    """Any record is one line of JSON, with the same fields in the same order."""
    line = JsonLines().encode(record(fields))
    assert b"\n" not in line
    assert list(json.loads(line).items()) == list(fields.items())


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=80), min_size=1, max_size=5), st.integers(16, 60))
def test_pieces_are_json_and_join_to_the_text(fields: dict[str, Value], room: int) -> None:
    """Each piece is a JSON object, and the pieces' texts joined are the whole."""
    body = JsonLines()
    text = body.text(record(fields))
    pieces = [json.loads(body.piece({"part": 1}, part)) for part in body.cuts(text, room)]
    assert "".join(piece["text"] for piece in pieces) == text


def test_what_json_cannot_hold_is_mended() -> None:
    """Half a surrogate pair becomes U+FFFD and an integer over 64 bits a string; the rest stays."""
    made = JsonLines().encode(record({"a": "x\ud800y", "big": 2**70, "in": [{"k": "\udfff"}], "f": 1.5}))
    assert json.loads(made) == {"a": "x\ufffdy", "big": str(2**70), "in": [{"k": "\ufffd"}], "f": 1.5}


@pytest.mark.parametrize("depth", [300, 100_000])
def test_what_is_nested_too_deep_is_permanent(depth: int) -> None:
    """A record that JSON cannot hold has a stated fate, whichever encoder meets it."""
    value: Value = "x"
    for _ in range(depth):
        value = [value]
    for encoder in (JsonLines(), KeyValue()):
        with pytest.raises(Permanent, match="cannot be written as JSON"):
            encoder.encode(record({"a": value}))


def test_number_of_too_many_digits_is_permanent() -> None:
    """Python refuses to write it; the record is parked, not the run ended."""
    with pytest.raises(Permanent, match="cannot be written as JSON"):
        KeyValue().encode(record({"a": 10**5000}))


def test_lines_end_with_a_line_break() -> None:
    """The frame is one line a record, nothing for none."""
    assert JsonLines().frame([b"{}", b"{}"]) == b"{}\n{}\n"
    assert JsonLines().frame([]) == b""
