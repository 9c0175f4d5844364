"""Log values are text: what looks like a number is compared as one.

A number is decimal as JSON or a program writes it (`404`, `-1.5`, `+7`, `.5`, `1e3`), ASCII, at most 400 characters;
what Python reads as one beside that (`inf`, `1_000`, ` 1 `) is text. Whole numbers stay exact: 19-digit ids differ.
"""

import re
from collections.abc import Callable

from logferry.model import Value

__all__ = ["comparison", "number"]

_MAX_LENGTH = 400
_decimal = re.compile(r"[-+]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][-+]?[0-9]+)?").fullmatch


def number(value: object) -> int | float | None:
    """The value as a number, None if it is none (NaN included: nothing compares with it)."""
    if isinstance(value, str):
        if len(value) > _MAX_LENGTH:
            return None
        if value.isascii() and value.isdigit():
            return int(value)
        match = _decimal(value)
        if match is None:
            return None
        return int(value) if match.lastindex is None else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value == value else None  # noqa: PLR0124  # NaN differs from itself


def comparison(wanted: object, holds: Callable[[float, float], bool]) -> Callable[[Value], bool]:
    """A judge that is false for everything that is not a number."""
    bound = number(wanted)
    if bound is None:
        raise ValueError("is not a number")

    def judge(value: Value) -> bool:
        found = number(value)
        return found is not None and holds(found, bound)

    return judge
