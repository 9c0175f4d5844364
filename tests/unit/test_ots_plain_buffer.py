"""PlainBuffer and sortable keys: the same bytes as the vendor's SDK, and nothing that makes the server stumble."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry_local.ots_server import messages as _quietly_imported  # noqa: F401  # the SDK warns at its first import
from logferry_local.ots_server.conditions import compiled
from logferry_local.ots_server.keys import Column, sortable
from logferry_local.ots_server.plain_buffer import Cell, Row, read_row, read_value, write_rows
from logferry_local.ots_server.refusals import Refusal
from logferry_local.ots_server.values import Edge

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0", min_size=1, max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PARTS = st.one_of(INTEGERS, TEXTS, st.binary(max_size=40))
VALUES = st.one_of(PARTS, st.booleans(), st.floats(allow_nan=False))
KEYS = st.lists(st.tuples(NAMES, PARTS), min_size=1, max_size=4)
CELLS = st.lists(st.tuples(NAMES, VALUES, st.integers(0, 2**62)), max_size=6)


def theirs(value: Any) -> Any:  # noqa: ANN401  # values of either kind
    """A value as the SDK wants it: bytes are text there."""
    return bytearray(value) if isinstance(value, bytes) else value


def ours(value: Any) -> Any:  # noqa: ANN401  # values of either kind
    """A value as we have it."""
    return bytes(value) if isinstance(value, bytearray) else value


@given(KEYS, CELLS)
def test_what_the_sdk_writes_we_read(key: list[tuple[str, Any]], cells: list[tuple[str, Any, int]]) -> None:
    """Keys, columns, times and checksums."""
    from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder

    data = PlainBufferBuilder.serialize_for_put_row(
        [(name, theirs(value)) for name, value in key], [(name, theirs(value), at) for name, value, at in cells]
    )
    row = read_row(bytes(data))
    assert row == Row([Cell(*part) for part in key], [Cell(*cell) for cell in cells])


@given(KEYS, CELLS)
def test_what_we_write_the_sdk_reads(key: list[tuple[str, Any]], cells: list[tuple[str, Any, int]]) -> None:
    """Two rows in one buffer, with checksums that it accepts."""
    from tablestore.plainbuffer.plain_buffer_coded_stream import PlainBufferCodedInputStream
    from tablestore.plainbuffer.plain_buffer_stream import PlainBufferInputStream

    data = write_rows([Row([Cell(*part) for part in key], [Cell(*cell) for cell in cells])] * 2)
    rows = PlainBufferCodedInputStream(PlainBufferInputStream(data)).read_rows()
    assert len(rows) == 2
    for row in rows:
        assert [(name, ours(value)) for name, value in row.primary_key] == key
        assert [(name, ours(value), at) for name, value, at in row.attribute_columns] == cells


@given(KEYS, st.lists(st.tuples(NAMES, INTEGERS), min_size=1, max_size=3))
def test_updates_and_deletes_are_read(key: list[tuple[str, Any]], cells: list[tuple[str, int]]) -> None:
    """Operations have their own tag and their own part in the checksum."""
    from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder

    names = [(name, theirs(value)) for name, value in key]
    change = {"PUT": cells, "DELETE": [("b", None, 7)], "DELETE_ALL": ["a"], "INCREMENT": [("c", 1)]}
    row = read_row(bytes(PlainBufferBuilder.serialize_for_update_row(names, change)))
    assert row.cells[len(cells) :] == [Cell("b", None, 7, 3), Cell("a", None, None, 1), Cell("c", 1, None, 4)]
    assert read_row(bytes(PlainBufferBuilder.serialize_for_delete_row(names))) == Row(
        [Cell(*part) for part in key], [], deleted=True
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    """Nothing but a Refusal comes of bytes that nobody made."""
    for read in (read_row, read_value, compiled):
        for body in (data, b"\x75\x00\x00\x00\x01" + data):
            with suppress(Refusal):
                read(body)


@given(KEYS, CELLS, st.data())
def test_a_row_that_was_damaged_is_refused(
    key: list[tuple[str, Any]], cells: list[tuple[str, Any, int]], data: st.DataObject
) -> None:
    """One changed byte, or a missing end: the checksums tell, or the form does."""
    whole = write_rows([Row([Cell(*part) for part in key], [Cell(*cell) for cell in cells])])
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(changed), whole[:place]):
        with pytest.raises(Refusal):
            read_row(damaged)


@given(st.lists(st.tuples(TEXTS, INTEGERS, st.binary(max_size=10)), min_size=2, max_size=2))
def test_keys_sort_as_their_parts_do(keys: list[tuple[str, int, bytes]]) -> None:
    """Text by its bytes, then numbers, then bytes; and no two keys are one."""
    schema = (Column("t", "STRING"), Column("n", "INTEGER"), Column("b", "BINARY"))
    one, two = (sortable([Cell("t", text), Cell("n", number), Cell("b", body)], schema) for text, number, body in keys)
    plain = [(text.encode(), number, body) for text, number, body in keys]
    assert (one < two, one == two) == (plain[0] < plain[1], plain[0] == plain[1])


@given(TEXTS)
def test_edges_are_below_and_above_all(text: str) -> None:
    """The least and the greatest enclose every value, and only ranges may have them."""
    schema = (Column("t", "STRING"),)
    least, value, most = (sortable([Cell("t", part)], schema, edges=True) for part in (Edge.LEAST, text, Edge.GREATEST))
    assert least < value < most
    with pytest.raises(Refusal):
        sortable([Cell("t", Edge.LEAST)], schema)
