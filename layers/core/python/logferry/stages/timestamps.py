"""Timestamps in one form, whatever form they came in: RFC 3339, or Unix seconds, milliseconds, nanoseconds.

Read are RFC 3339 with an offset, and Unix time in decimal digits, its unit told by their number: 9-10 seconds (a
fraction may follow), 12-13 milliseconds, 15-16 microseconds, 18-19 nanoseconds. All else stays as it is, missing
marks too.
"""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from logferry.config import Config
from logferry.model import Value

__all__ = ["Format", "Timestamps", "converted"]

Format = Literal["rfc3339", "unix_s", "unix_ms", "unix_ns"]
_Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
_TEXT = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-]\d\d:\d\d))"
_NUMBER = r"(\d{9,10})(?:\.(\d{1,9})\d*)?|(\d{12,13})|(\d{15,16})|(\d{18,19})"
_LONGEST = 64
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PARTS = {"unix_s": 1_000_000_000, "unix_ms": 1_000_000, "unix_ns": 1}


class Timestamps(Config, frozen=True):
    """The form, and the fields that are put into it."""

    format: Format
    fields: Annotated[
        tuple[_Field, ...], msgspec.Meta(min_length=1, max_length=100, description="a list of 1-100 field names")
    ]


def converted(wanted: Timestamps) -> Callable[[dict[str, Value]], dict[str, Value]]:
    """A step that puts these fields into the form: text in UTC for RFC 3339, else a whole number."""
    names, form = wanted.fields, wanted.format

    def step(fields: dict[str, Value]) -> dict[str, Value]:
        for name in names:
            value = fields.get(name)
            if isinstance(value, int | float):  # a source with types has such
                value = str(value)
            made = _written(value, form) if isinstance(value, str) and len(value) <= _LONGEST else None
            if made is not None:
                fields[name] = made
        return fields

    return step


@lru_cache(maxsize=4096)  # the logs of a second stand side by side
def _written(text: str, form: Format) -> str | int | None:
    nanos = _nanos(text)
    if nanos is None or form != "rfc3339":
        return None if nanos is None else nanos // _PARTS[form]
    seconds, rest = divmod(nanos, _PARTS["unix_s"])
    try:
        when = _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:  # the year 10000, once its offset is taken off
        return None
    fraction = f".{rest:09}" if rest else ""
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z" if when.year > 999 else None


def _nanos(text: str) -> int | None:
    """Unix nanoseconds; None if the text is no point in time."""
    number = re.fullmatch(_NUMBER, text, re.ASCII)
    if number:
        seconds, fraction, millis, micros, nanos = number.groups()
        if seconds:
            return int(seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))
        return int(millis or 0) * 10**6 or int(micros or 0) * 10**3 or int(nanos)
    match = re.fullmatch(_TEXT, text, re.ASCII)
    if match is None:
        return None
    day, time, fraction, offset = match.groups()
    try:
        when = dt.datetime.fromisoformat(f"{day}T{time}{offset or '+00:00'}")
    except ValueError:  # the 30th of February, an offset of two days
        return None
    return (when - _EPOCH) // dt.timedelta(seconds=1) * 10**9 + int((fraction or "0").ljust(9, "0"))
