"""Lines for `/raw`: one record a line, its time first, or a field's text as it stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.encoders.raw_lines import RawLines
from logferry.model import Record, Value

FIELDS = st.dictionaries(st.text(max_size=8), st.text(st.characters(), max_size=20) | st.integers(), max_size=5)


def record(fields: dict[str, Value], nanos: int = 0) -> Record:
    """A record of 2026-03-25T08:15:30Z."""
    return Record(0, 1774426530, nanos, fields)


@given(FIELDS, st.none() | st.text(max_size=8))
def test_any_record_is_one_line(fields: dict[str, Value], field: str | None) -> None:
    """Whatever it holds, half surrogates too: no line break, valid UTF-8, not blank."""
    line = RawLines(field).encode(record(fields))
    assert b"\n" not in line
    assert b"\r" not in line
    assert line.decode().strip()


@pytest.mark.parametrize(
    ("nanos", "time"), [(0, "1774426530"), (500_000_000, "1774426530.5"), (1, "1774426530.000000001")]
)
def test_object_begins_with_the_records_time(nanos: int, time: str) -> None:
    """Exact to the nanosecond, before everything else: a line has no envelope for it."""
    assert RawLines().encode(record({"a": "1"}, nanos)) == f'{{"__time__":{time},"a":"1"}}'.encode()


def test_records_own_time_field_stays() -> None:
    """A field of that name is not replaced."""
    assert json.loads(RawLines().encode(record({"__time__": "mine"}))) == {"__time__": "mine"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("GET / 200", b"GET / 200"), ('{"a":"\\\\"}', b'{"a":"\\\\"}'),
        ("one\r\ntwo\nthree\rfour", b"one\\ntwo\\nthree\\nfour"),
        (5, b"5"), ("a\x0bb\u2028c", "a\x0bb\u2028c".encode()),
    ],
)  # fmt: skip
def test_fields_text_stands_as_it_is(text: Value, line: bytes) -> None:
    """Only line breaks are written otherwise: backslash and n."""
    assert RawLines("message").encode(record({"message": text, "other": "x"})) == line


@pytest.mark.parametrize("fields", [{"other": "x"}, {"message": ""}, {"message": " \n"}, {"message": None}])
def test_record_without_the_text_is_its_object(fields: dict[str, Value]) -> None:
    """Nothing is sent empty, and nothing is left out."""
    assert json.loads(RawLines("message").encode(record(fields))) == {"__time__": 1774426530, **fields}


def test_frame_ends_each_line() -> None:
    """LF behind each; nothing for nothing."""
    assert (RawLines().frame([b"a", b"b"]), RawLines().frame([])) == (b"a\nb\n", b"")
