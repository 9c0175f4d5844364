"""A primary key as bytes that sort as the key does: what the store keeps rows by.

Columns one after the other: a tag, then a number with its sign turned (8 bytes, big-endian) or the bytes of text with
zeros escaped and an end that is less than any byte. `Edge`s are a tag below and one above all others.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from logferry_local.ots_server.plain_buffer import Cell
from logferry_local.ots_server.refusals import key_invalid, parameter
from logferry_local.ots_server.values import Edge, KeyValue

__all__ = ["MAX_KEY", "Column", "sortable"]

MAX_KEY = 1024  # bytes of a text or binary column
_TYPES: dict[str, type] = {"INTEGER": int, "STRING": str, "BINARY": bytes}


class Column(NamedTuple):
    """A primary key column of a table: `kind` is INTEGER, STRING or BINARY."""

    name: str
    kind: str


def sortable(key: Sequence[Cell], schema: Sequence[Column], *, edges: bool = False) -> bytes:
    """The key's bytes; `edges`: whether it may have least and greatest values. Refusal if it is not the table's."""
    if len(key) != len(schema):
        raise key_invalid(f"the primary key has {len(key)} columns, the table's {len(schema)}")
    parts = []
    for cell, column in zip(key, schema, strict=True):
        if cell.name != column.name:
            raise key_invalid(f"primary key column {cell.name[:60]!r} where the table has {column.name!r}")
        parts.append(_part(cell.value, column, edges=edges))
    return b"".join(parts)


def _part(value: KeyValue | None, column: Column, *, edges: bool) -> bytes:
    if isinstance(value, Edge):
        if not edges or value is Edge.COUNTED:
            raise parameter(f"primary key column {column.name!r}: {value.name} is not allowed here")
        return b"\x00" if value is Edge.LEAST else b"\xff"
    if type(value) is not _TYPES[column.kind]:
        raise key_invalid(f"primary key column {column.name!r} is not {column.kind}")
    if isinstance(value, int):
        return struct.pack(">BQ", 1, value + 2**63)
    body = value.encode() if isinstance(value, str) else value
    if not isinstance(body, bytes):
        raise key_invalid(f"primary key column {column.name!r} has no value")
    if len(body) > MAX_KEY:
        raise parameter(f"the length of primary key column {column.name!r} exceeds {MAX_KEY} bytes")
    return b"\x01" + body.replace(b"\x00", b"\x00\xff") + b"\x00\x00"
