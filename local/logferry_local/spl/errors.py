"""What can go wrong with a query: the text itself, or one value of one log."""

from typing import NoReturn

__all__ = ["Failed", "SplError", "mismatch"]


class SplError(Exception):
    """The query cannot be run; the message tells line and column (from 1) and what was expected."""


class Failed(Exception):  # no error of the query: one log's value does not fit
    """A value that cannot be computed: a cast of a word to a number, a division by zero."""


def mismatch(text: str, offset: int, found: str, expected: str) -> NoReturn:
    """Raise SplError in the form of the service's messages."""
    before = text[:offset]
    line, column = before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
    raise SplError(f"line {line}:{column} mismatched input {found[:40]!r} expecting {expected}")
