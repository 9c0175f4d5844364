"""Cutting bytes where they can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.pieces import cut, first


@given(st.text(alphabet="aé世🔒\\n", max_size=200), st.integers(16, 50))
def test_pieces_fit_join_and_are_readable(text: str, room: int) -> None:
    """Pieces are within the room, join to the whole, are UTF-8 each, and none ends within an escape."""
    data = text.encode()
    pieces = list(cut(data, room))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= room for piece in pieces)
    assert all(piece.decode() for piece in pieces)
    assert all((len(piece) - len(piece.rstrip(b"\\"))) % 2 == 0 for piece in pieces[:-1])


def test_too_little_room_is_an_error() -> None:
    """A room in which a cut may make no progress is refused instead of looping."""
    with pytest.raises(ValueError, match="15 bytes are no room"):
        first(b"x" * 100, 15)


def test_bytes_that_are_no_text_are_cut_all_the_same() -> None:
    """A run of continuation bytes gives up no more than three bytes a piece."""
    assert [len(piece) for piece in cut(b"\x80" * 40, 20)] == [16, 16, 8]
