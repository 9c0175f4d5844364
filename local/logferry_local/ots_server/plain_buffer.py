"""PlainBuffer, the form of rows inside Tablestore's messages: tagged cells, each with a checksum, and one for the row.

Integers are little-endian. A checksum is CRC-8 (polynomial 7) over a cell's name, value, time and operation; the row's
is over those of its cells and the mark of deletion. Specification: the service's API reference, "PlainBuffer".
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from logferry_local.ots_server.refusals import parameter
from logferry_local.ots_server.values import BLOB, BOOLEAN, DOUBLE, EDGES, INTEGER, STRING, Edge, KeyValue, tag_of

__all__ = ["Cell", "Row", "read_row", "read_value", "write_rows"]

_HEADER = 0x75
_KEY, _DATA, _CELL, _NAME, _VALUE, _OPERATION, _TIME, _GONE, _ROW_SUM, _CELL_SUM = range(1, 11)


class Cell(NamedTuple):
    """One column's value; `at` in ms; `operation`: 1 delete all versions, 3 delete one, 4 add."""

    name: str
    value: KeyValue | None
    at: int | None = None
    operation: int | None = None


class Row(NamedTuple):
    """A primary key and what comes with it."""

    key: list[Cell]
    cells: list[Cell]
    deleted: bool = False


def read_row(data: bytes) -> Row:
    """The one row in `data`; Refusal if it is anything else."""
    try:
        return _Reader(data).row()
    except (IndexError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise parameter(f"the row is no PlainBuffer: {type(error).__name__}") from None


def read_value(data: bytes) -> KeyValue:
    """A value by itself: a tag and what follows, as conditions have it."""
    try:
        reader = _Reader(data)
        value = reader.tagged()[0]
    except (IndexError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise parameter(f"the value is no PlainBuffer: {type(error).__name__}") from None
    if reader.place != len(data):
        raise parameter("bytes follow the value")
    return value


def write_rows(rows: Iterable[Row]) -> bytes:
    """Rows as one buffer; empty for none."""
    parts = [_row(row) for row in rows]
    return struct.pack("<I", _HEADER) + b"".join(parts) if parts else b""


def _table() -> bytes:
    made = []
    for value in range(256):
        for _ in range(8):
            value = (value << 1) ^ (0x107 if value & 0x80 else 0)  # noqa: PLW2901  # shifted out bit by bit
        made.append(value)
    return bytes(made)


_CRC = _table()


def _crc(data: bytes, start: int = 0) -> int:
    table = _CRC
    for byte in data:
        start = table[start ^ byte]
    return start


class _Reader:
    """Takes a buffer apart; raises IndexError or struct.error at its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def row(self) -> Row:
        if self.number() != _HEADER:
            raise parameter("the row has no PlainBuffer header")
        self.expect(_KEY)
        total, key = self.cells(0)
        cells: list[Cell] = []
        if self.next() == _DATA:
            self.place += 1
            total, cells = self.cells(total)
        deleted = self.next() == _GONE
        self.place += deleted
        self.expect(_ROW_SUM)
        if self.byte() != _crc(bytes([deleted]), total):
            raise parameter("the row's checksum does not fit")
        if self.place != len(self.data):
            raise parameter("bytes follow the row")
        return Row(key, cells, deleted)

    def cells(self, total: int) -> tuple[int, list[Cell]]:
        found = []
        while self.next() == _CELL:
            self.place += 1
            cell, checksum = self.cell()
            found.append(cell)
            total = _crc(bytes([checksum]), total)
        return total, found

    def cell(self) -> tuple[Cell, int]:
        self.expect(_NAME)
        name = self.take(self.number())
        value, at, operation, summed = None, None, None, name
        if self.next() == _VALUE:
            self.place += 1
            length = self.number()
            end = self.place + length
            value, inner = self.tagged()
            if self.place != end:
                raise parameter("a value's length does not fit")
            summed += inner
        if self.next() == _OPERATION:
            self.place += 1
            operation = self.byte()
        if self.next() == _TIME:
            self.place += 1
            stamp = self.take(8)
            (at,) = struct.unpack("<q", stamp)
            summed += stamp
        if operation is not None:
            summed += bytes([operation])
        self.expect(_CELL_SUM)
        checksum = self.byte()
        if checksum != _crc(summed):
            raise parameter("a cell's checksum does not fit")
        return Cell(name.decode(), value, at, operation), checksum

    def tagged(self) -> tuple[KeyValue, bytes]:
        """A tag and its value; and the bytes that a checksum is over."""
        start = self.place
        tag = self.byte()
        value: KeyValue
        if tag in EDGES:
            value = EDGES[tag]
        elif tag == INTEGER:
            (value,) = struct.unpack("<q", self.take(8))
        elif tag == DOUBLE:
            (value,) = struct.unpack("<d", self.take(8))
        elif tag == BOOLEAN:
            value = bool(self.byte())
        elif tag in (STRING, BLOB):
            body = self.take(self.number())
            value = body.decode() if tag == STRING else body
        else:
            raise parameter(f"a value has the unknown type {tag}")
        return value, self.data[start : self.place]

    def expect(self, tag: int) -> None:
        found = self.byte()
        if found != tag:
            raise parameter(f"the row is no PlainBuffer: tag {found} where {tag} was expected")

    def next(self) -> int:
        return self.data[self.place]

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def number(self) -> int:
        (found,) = struct.unpack("<I", self.take(4))
        return int(found)

    def take(self, count: int) -> bytes:
        self.place += count
        if self.place > len(self.data):
            raise IndexError
        return self.data[self.place - count : self.place]


def _row(row: Row) -> bytes:
    parts = [bytes([_KEY])]
    total = _put_cells(parts, row.key, 0)
    if row.cells:
        parts.append(bytes([_DATA]))
        total = _put_cells(parts, row.cells, total)
    return b"".join((*parts, bytes([_ROW_SUM, _crc(b"\x00", total)])))


def _put_cells(parts: list[bytes], cells: Sequence[Cell], total: int) -> int:
    for cell in cells:
        name = cell.name.encode()
        value = b"" if cell.value is None else _value(cell.value)
        stamp = b"" if cell.at is None else struct.pack("<q", cell.at)
        checksum = _crc(stamp, _crc(value, _crc(name)))
        parts += (struct.pack("<BBI", _CELL, _NAME, len(name)), name)
        parts += (struct.pack("<BI", _VALUE, len(value)), value) if value else ()
        parts += (bytes([_TIME]), stamp) if stamp else ()
        parts.append(bytes([_CELL_SUM, checksum]))
        total = _CRC[total ^ checksum]
    return total


def _value(value: KeyValue) -> bytes:
    tag = tag_of(value)
    if isinstance(value, Edge):
        return bytes([tag])
    if isinstance(value, bool):
        return bytes([tag, value])
    if isinstance(value, int):
        return struct.pack("<Bq", tag, value)
    if isinstance(value, float):
        return struct.pack("<Bd", tag, value)
    body = value.encode() if isinstance(value, str) else value
    return struct.pack("<BI", tag, len(body)) + body
