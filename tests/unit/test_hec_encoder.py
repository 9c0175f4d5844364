"""HEC envelopes: what is true of all of them, and what becomes of values that JSON cannot hold."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.encoders.hec import Hec
from logferry.errors import Permanent
from logferry.model import Record, Value

TEXT = st.text(st.characters(), max_size=20)  # half surrogates among them
ENVELOPE = {"time", "host", "source", "sourcetype", "index", "event"}


def record(fields: dict[str, Value], *, nanos: int = 0) -> Record:
    """A record of 2026-03-25T08:15:30Z."""
    return Record(0, 1774426530, nanos, fields)


def whole(text: str) -> str:
    """The text with U+FFFD for each half surrogate, found the slow way."""
    return "".join("\ufffd" if 0xD800 <= ord(letter) <= 0xDFFF else letter for letter in text)


@settings(max_examples=200, deadline=None)
@given(fields=st.dictionaries(TEXT, TEXT), metadata=st.fixed_dictionaries({"host": TEXT, "index": TEXT}))
def test_any_strings_make_one_line_of_json(fields: dict[str, Value], metadata: dict[str, str]) -> None:
    """Whatever the strings hold, a part is one line of UTF-8 JSON with known keys, and the event says the same."""
    part = Hec(metadata).encode(record(fields))
    envelope = json.loads(part.decode())
    assert b"\n" not in part
    assert set(envelope) <= ENVELOPE
    assert envelope["event"] == {whole(key): whole(str(value)) for key, value in fields.items()}


@settings(max_examples=200, deadline=None)
@given(time=st.integers(0, 2**33), nanos=st.integers(0, 999_999_999))
def test_time_is_exact_to_the_nanosecond(time: int, nanos: int) -> None:
    """Read as a number text, `time` is the record's time to the last digit; a number is exact as a double too."""
    part = Hec({}).encode(Record(0, time, nanos, {}))
    found = json.loads(part, parse_float=Decimal)["time"]
    assert Decimal(found) == time + Decimal(nanos) / 10**9
    as_double = json.loads(part)["time"]
    if not isinstance(as_double, str):
        assert f"{as_double:.6f}" == f"{time}.{nanos // 1000:06}"


@given(parts=st.lists(st.dictionaries(TEXT, TEXT), max_size=5))
def test_frame_is_one_envelope_a_line(parts: list[dict[str, Value]]) -> None:
    """The frame is the parts with a line feed between two of them."""
    encoder = Hec({"index": "main"})
    encoded = [encoder.encode(record(fields)) for fields in parts]
    assert encoder.frame(encoded).split(b"\n") == (encoded or [b""])


def test_same_record_gives_the_same_bytes() -> None:
    """Encoding has no memory: what came between does not show."""
    encoder, first = Hec({"host": "a"}, host_field="host"), record({"host": "b"})
    before = encoder.encode(first)
    encoder.encode(record({"host": "c", "other": "1"}, nanos=5))
    assert encoder.encode(first) == before


def test_broken_utf8_bytes_become_text() -> None:
    """A value that a decoder left as bytes is text with U+FFFD, not an error."""
    part = Hec({}).encode(record({"a": b"caf\xe9"}))  # type: ignore[dict-item]  # not a Value: a decoder's slip
    assert json.loads(part)["event"] == {"a": "caf\ufffd"}


def test_infinity_and_nan_become_null() -> None:
    """JSON has neither; null stands for them."""
    assert json.loads(Hec({}).encode(record({"a": float("nan"), "b": float("inf")})))["event"] == {"a": None, "b": None}


@pytest.mark.parametrize("levels", [300, 100_000])
def test_too_deep_a_record_is_permanent(levels: int) -> None:
    """A record nested beyond what JSON writers take is refused alone, with its reason."""
    deep: Value = "x"
    for _ in range(levels):
        deep = [deep]
    with pytest.raises(Permanent, match="cannot be written as JSON"):
        Hec({}).encode(record({"deep": deep}))


def test_meta_fields_are_part_of_the_event() -> None:
    """Topic, source and tags stay with the other fields, as in the published script."""
    fields: dict[str, Value] = {"__topic__": "t", "__source__": "s", "__tag__:__path__": "/a", "k": "v"}
    assert json.loads(Hec({}).encode(record(fields)))["event"] == fields
