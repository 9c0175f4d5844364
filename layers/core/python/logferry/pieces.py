"""Cuts bytes into pieces of a size that stay readable: never within a UTF-8 character or an escape."""

from collections.abc import Iterator

__all__ = ["cut", "first"]

_LEAST = 16  # bytes: room for the longest character behind a backslash, several times over


def cut(data: bytes, room: int) -> Iterator[bytes]:
    """Pieces of at most `room` (16 or more) bytes; together they are `data`."""
    start = 0
    while start < len(data):
        piece = first(data, room, start)
        yield piece
        start += len(piece)


def first(data: bytes, room: int, start: int = 0) -> bytes:
    """The longest piece from `start` that ends well. ValueError when `room` is too small for any progress."""
    if room < _LEAST:
        raise ValueError(f"{room} bytes are no room, {_LEAST} are needed")
    end = start + room
    if end >= len(data):
        return data[start:]
    while data[end] & 0xC0 == 0x80 and end > start + room - 4:  # within a character (if this is UTF-8)
        end -= 1
    piece = data[start:end]
    if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # an odd backslash belongs to what follows
        return piece[:-1]
    return piece
