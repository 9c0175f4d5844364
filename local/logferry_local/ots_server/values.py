"""The values of cells, and their one-byte tags in PlainBuffer.

Python's int, float, bool, str and bytes stand for the five types; `Edge` for what only keys have.
"""

import enum
from typing import TypeAlias

__all__ = ["BLOB", "BOOLEAN", "DOUBLE", "EDGES", "INTEGER", "STRING", "Edge", "KeyValue", "Value", "tag_of"]


class Edge(enum.Enum):
    """Below all values, above all, or to be made by the server."""

    LEAST = 0x09
    GREATEST = 0x0A
    COUNTED = 0x0B


Value: TypeAlias = bool | int | float | str | bytes
KeyValue: TypeAlias = bool | int | float | str | bytes | Edge

INTEGER, DOUBLE, BOOLEAN, STRING, BLOB = 0x00, 0x01, 0x02, 0x03, 0x07
EDGES = {edge.value: edge for edge in Edge}
_TAGS: dict[type, int] = {bool: BOOLEAN, int: INTEGER, float: DOUBLE, str: STRING, bytes: BLOB}


def tag_of(value: KeyValue) -> int:
    """The tag of a value's type."""
    return value.value if isinstance(value, Edge) else _TAGS[type(value)]
