"""A setting that is a constant for all records, or read from a field of each.

`{field: status, map: {"5*": err, "4*": warning}, default: info}`: of the names under `field` the first that the record
has, not empty, counts. Its whole text is held against the patterns in the order they are written; `*` stands for any
characters, everything else for itself, case included. Without a map the text itself is the value. What no pattern
matches, and what cannot be such a value, is the default. Limits: 20 fields, 200 patterns.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, TypeVar

import msgspec

from logferry.config import Config
from logferry.model import Value
from logferry.values import text_of

__all__ = ["FromField", "Read", "reader", "values"]

Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
Fields = Annotated[tuple[Field, ...], msgspec.Meta(min_length=1, max_length=20)]
Patterns = Annotated[dict[str, str | int], msgspec.Meta(max_length=200)]

_SHORT = 200  # characters of a text whose verdict is kept
T = TypeVar("T")
Read = Callable[[Mapping[str, Value]], T]
"""A record's fields -> the value for it."""


class FromField(Config, frozen=True, kw_only=True):
    """Where in a record to look, and what to make of it."""

    field: Field | Fields
    map: Patterns = {}  # noqa: RUF012  # msgspec copies it
    default: str | int | None = None


def values(given: FromField) -> dict[str, str | int]:
    """Everything that is written as a value, by its place in the document."""
    found: dict[str, str | int] = {f"map.{pattern}": value for pattern, value in given.map.items()}
    return found if given.default is None else {**found, "default": given.default}


def reader(given: FromField, convert: Callable[[str | int], T | None], otherwise: T) -> Read[T]:
    """What reads a record's value; `convert` answers None for what is no value."""
    names = (given.field,) if isinstance(given.field, str) else given.field
    chosen = None if given.default is None else convert(given.default)
    default = otherwise if chosen is None else chosen
    patterns = [(pattern.split("*"), convert(value)) for pattern, value in given.map.items()]

    def judge(text: str) -> T:
        if patterns:
            found = next((value for pattern, value in patterns if _fits(text, pattern)), None)
        else:
            found = convert(text)
        return default if found is None else found

    known = lru_cache(maxsize=4096)(judge)

    def read(fields: Mapping[str, Value]) -> T:
        for name in names:
            value = fields.get(name)
            if value is not None and value != "":
                text = value if isinstance(value, str) else text_of(value)
                return known(text) if len(text) <= _SHORT else judge(text)
        return default

    return read


def _fits(text: str, parts: list[str]) -> bool:
    """Whether the text is these parts with anything between them; in one pass, whatever a stranger put into it."""
    if len(parts) == 1:
        return text == parts[0]
    begin, *middle, last = parts
    at, end = len(begin), len(text) - len(last)
    if at > end or not (text.startswith(begin) and text.endswith(last)):
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
