"""Walks the fields of one protobuf message by hand, to find where its parts lie without copying them.

Offsets are bytes from the start of the buffer that was given. Every wire type is understood, the long-deprecated
groups included (they are skipped); whatever is not protobuf is a SourceError that names the offset.

Specification: Protocol Buffers "Encoding".
"""

from collections.abc import Iterator

from msgspec import Struct

from logferry.errors import SourceError

__all__ = ["DELIMITED", "Entry", "entries"]

DELIMITED = 2
_VARINT, _FIXED64, _OPEN, _CLOSE, _FIXED32 = 0, 1, 3, 4, 5
_DEEPEST = 100  # nested groups, as in the protobuf libraries
_LARGEST = (1 << 29) - 1  # field number


class Entry(Struct, frozen=True):
    """One field: its number and wire type, where it starts, and where its payload is."""

    number: int
    kind: int
    start: int
    begin: int
    end: int


def entries(view: memoryview, start: int = 0, end: int | None = None) -> Iterator[Entry]:
    """The fields in `view[start:end]`, one after the other."""
    end = len(view) if end is None else end
    at = start
    while at < end:
        entry = _entry(view, at, end, 0)
        if entry.kind == _CLOSE:
            raise SourceError(f"byte {at}: the end of a group that never began")
        yield entry
        at = entry.end


def _entry(view: memoryview, at: int, end: int, depth: int) -> Entry:
    tag, begin = _varint(view, at, end)
    number, kind = tag >> 3, tag & 7
    if not 0 < number <= _LARGEST:
        raise SourceError(f"byte {at}: field number {number} is not between 1 and {_LARGEST}")
    if kind == DELIMITED:
        size, begin = _varint(view, begin, end)
        stop = begin + size
    elif kind == _VARINT:
        stop = _varint(view, begin, end)[1]
    elif kind == _OPEN:
        stop = _skip_group(view, begin, end, (number, depth))
    elif kind in (_FIXED32, _FIXED64):
        stop = begin + (4 if kind == _FIXED32 else 8)
    elif kind == _CLOSE:
        stop = begin
    else:
        raise SourceError(f"byte {at}: wire type {kind} is not between 0 and 5")
    if stop > end:
        raise SourceError(f"byte {at}: field {number} ends {stop - end} bytes behind the data")
    return Entry(number, kind, at, begin, stop)


def _skip_group(view: memoryview, at: int, end: int, opened: tuple[int, int]) -> int:
    """The offset behind the end mark of group `opened` (number, depth)."""
    number, depth = opened
    if depth >= _DEEPEST:
        raise SourceError(f"byte {at}: groups are nested more than {_DEEPEST} deep")
    while at < end:
        inner = _entry(view, at, end, depth + 1)
        at = inner.end
        if inner.kind == _CLOSE:
            if inner.number != number:
                raise SourceError(f"byte {inner.start}: group {number} is ended by {inner.number}")
            return at
    raise SourceError(f"byte {at}: group {number} has no end")


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """(number, offset behind it)."""
    number = shift = 0
    for offset in range(at, min(at + 10, end)):
        byte = view[offset]
        number |= (byte & 127) << shift
        if byte < 128:
            return number, offset + 1
        shift += 7
    raise SourceError(f"byte {at}: a number does not end within the data or 10 bytes")
