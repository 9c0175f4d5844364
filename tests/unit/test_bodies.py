"""Bodies as records: arrays, envelopes and lines, and what stops nothing beside it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.sources._bodies import Form, TooMany, Unreadable, pieces

A, B = b'{"a":1}', b'{"b":[2,{"c":"x,y"}]}'
READ = [{"a": 1}, {"b": [2, {"c": "x,y"}]}]


def read(body: bytes, form: Form | None = None) -> list[dict[str, Any] | None]:
    """The fields of each piece."""
    return [None if piece.problem else piece.fields for piece in pieces(body, form or Form())]


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (A + b"\n" + B, Form()),
        (A + b"\r\n" + B + b"\r\n", Form()),
        (b"\n\n" + A + b"\n \n" + B + b"\n", Form()),
        (b"[" + A + b"," + B + b"]", Form()),
        (b" [\n " + A + b" ,\n" + B + b" ] \n", Form()),
        (b"[" + A + b"," + B + b"]", Form(prefix=b"[", suffix=b"]", separator=b",")),
        (A + b"," + B, Form(prefix=b"[", suffix=b"]", separator=b",")),
        (A + b"," + B + b",", Form(separator=b",")),
        (b'{"records":[' + A + b"," + B + b"]}", Form(prefix=b'{"records":[', suffix=b"]}", separator=b",")),
        (b'{"n":2,"records":[' + A + b"," + B + b"]}", Form(envelope="records")),
        (b"cdnVersion:1.0" + A + b"\n" + B + b"cdnVersion:1.0", Form(b"cdnVersion:1.0", b"cdnVersion:1.0")),
        (b"<" + A + b"||" + B + b">\n", Form(b"<", b">", b"||")),
        (A + B, Form(separator=b"")),
        (A + b"\n" + B, Form(separator=b"")),
        (A + b"\n" + B, Form(envelope="records")),
    ],
)
def test_two_records_in_every_form(body: bytes, form: Form) -> None:
    """Whatever stands around and between them."""
    assert read(body, form) == READ


@pytest.mark.parametrize("body", [b"", b" \n\r\n", b"[]", b"[ ]"])
def test_nothing_is_no_record(body: bytes) -> None:
    """An empty body, or array, is right."""
    assert read(body) == []


def test_one_object_over_several_lines_is_one_record() -> None:
    """A sender's pretty-printed test."""
    assert read(json.dumps(READ[1], indent=2).encode()) == [READ[1]]


@pytest.mark.parametrize(
    "broken",
    [b"no json", b"5", b'"x"', b"[1]", b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":1',
     b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b"null"],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
def test_a_broken_line_is_a_piece_with_its_bytes(broken: bytes) -> None:
    """The lines beside it are read."""
    found = pieces(A + b"\n" + broken + b"\n" + B, Form())
    assert [piece.fields for piece in found if not piece.problem] == READ
    assert found[1].raw == broken
    assert "cannot be read as a JSON object" in found[1].problem


def test_an_array_that_breaks_off_gives_what_came_before() -> None:
    """And the rest as one piece."""
    found = pieces(b"[" + A + b"," + B + b',{"c":', Form())
    assert [piece.fields for piece in found if not piece.problem] == READ
    assert found[2].raw == b'{"c":'


def test_items_that_are_no_objects_are_pieces() -> None:
    """Of an array."""
    assert read(b"[" + A + b",5," + B + b"]") == [READ[0], None, READ[1]]


@pytest.mark.parametrize("body", [b"hello", b"[1,2]", b"\xff\xfe", b"a\nb\nc", b"<html>", b"[[" * 50_000])
def test_a_body_without_a_record_is_unreadable(body: bytes) -> None:
    """It is in another form than expected: nothing of it is kept."""
    with pytest.raises(Unreadable):
        pieces(body, Form())


def test_a_body_that_is_mostly_broken_is_unreadable() -> None:
    """A wrong separator shall not fill the object store with pieces."""
    with pytest.raises(Unreadable, match="6 of 11"):
        pieces(b"\n".join([A] * 5 + [b"x"] * 6), Form())
    assert len(read(b"\n".join([A] * 6 + [b"x"] * 5))) == 11


@pytest.mark.parametrize(
    "body",
    [b"\n".join([A] * 4), b"[" + b",".join([A] * 4) + b"]", A * 4, b"\n" * 100_000 + A, b"[" + b"1," * 100_000 + b"1]"],
    ids=["lines", "array", "together", "empty lines", "numbers"],
)
def test_more_records_than_allowed_are_too_many(body: bytes) -> None:
    """Also of those that are none, and however many there are, at once."""
    started = time.monotonic()
    with pytest.raises(TooMany):
        pieces(body, Form(separator=b"" if body == A * 4 else b"\n", most=3))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("body", [b"[" + b" ," * 8_000_000, A + b"," * 16_000_000], ids=["array", "behind an object"])
def test_separators_without_records_cost_next_to_nothing(body: bytes) -> None:
    """16 MB of them: CPU time far below a step of ours for each (a second and more)."""
    started = time.process_time()
    assert len(pieces(body, Form(separator=b","))) == body.count(b"{")
    assert time.process_time() - started < 0.6


_FORMS = st.builds(
    Form, st.sampled_from([b"", b"[", b"<", b'{"r":[']), st.sampled_from([b"", b"]", b">", b"]}"]),
    st.sampled_from([b"\n", b",", b"", b"||"]), st.sampled_from(["", "r"]), st.integers(1, 50),
)  # fmt: skip
_PARTS = st.sampled_from(
    [A, B, b"\n", b",", b"[", b"]", b"{", b"}", b'"', b"\\", b"\xff", b"||", b'{"r":[', b" ", b"1"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PARTS, max_size=12).map(b"".join) | st.binary(max_size=60), _FORMS)
def test_no_body_trips_us_up(body: bytes, form: Form) -> None:
    """Pieces, each with fields or a problem and its bytes; or one of the two refusals."""
    try:
        found = pieces(body, form)
    except (TooMany, Unreadable):
        return
    assert len(found) <= form.most
    assert all(isinstance(piece.fields, dict) for piece in found)
    assert all(piece.raw in body for piece in found)


_RECORDS = st.lists(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5),
        st.integers() | st.text(st.characters(codec="utf-8"), max_size=8) | st.none() | st.booleans(), max_size=4,
    ), min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(_RECORDS, st.sampled_from(["lines", "array", "envelope", "together", "comma"]))
def test_what_was_written_is_read(records: list[dict[str, Any]], how: str) -> None:
    """Any records in any form, and each piece's bytes are the record's own."""
    texts = [json.dumps(record, ensure_ascii=False).encode() for record in records]
    forms = {
        "lines": (b"\n".join(texts), Form()), "array": (b"[" + b",".join(texts) + b"]", Form()),
        "envelope": (b'{"r":[' + b",".join(texts) + b"]}", Form(envelope="r")),
        "together": (b"".join(texts), Form(separator=b"")), "comma": (b",".join(texts), Form(separator=b",")),
    }  # fmt: skip
    found = pieces(*forms[how])
    assert [piece.fields for piece in found] == records
    assert [piece.raw for piece in found] == texts


def test_a_number_of_any_length_hides_nothing_behind_it() -> None:
    """Python's own int takes no more than 4,300 digits; a value ends where it ends."""
    found = pieces(b'{"n":1}{"n":%s}{"n":2}' % (b"1" * 5_000), Form(separator=b""))
    assert [bool(piece.problem) for piece in found] == [False, True, False]
