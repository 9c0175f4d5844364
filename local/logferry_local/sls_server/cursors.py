"""Cursors: base64 of a decimal number that grows by one with each log group of a shard.

A shard's first number is its creation time in nanoseconds, so a remade logstore never repeats an old cursor.
"""

import base64
import binascii

__all__ = ["first_number", "number", "text"]

_NANOSECONDS = 1_000_000_000
_DIGITS = 20  # 2**64 has twenty


def text(position: int) -> str:
    """A number as the cursor that a client sees."""
    return base64.b64encode(str(position).encode()).decode()


def number(cursor: str) -> int:
    """The number in a cursor; ValueError if there is none. Outer blanks go: one vendor call ends it with a newline."""
    try:
        digits = base64.b64decode(cursor.strip().encode("ascii"), validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(f"cursor: {cursor[:40]!r} is not base64 of a number") from error
    if not digits.isdecimal() or len(digits) > _DIGITS:
        raise ValueError(f"cursor: {cursor[:40]!r} is not base64 of a number")
    return int(digits)


def first_number(create_time: int) -> int:
    """Where a shard's cursors start."""
    return create_time * _NANOSECONDS
