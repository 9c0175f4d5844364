"""A record's time from one of its values: RFC 3339, or Unix time in s, ms, µs or ns by its size."""

import re
from typing import Annotated

import msgspec

from logferry import times
from logferry.model import Value

__all__ = ["TimeField", "when"]

TimeField = Annotated[str, msgspec.Meta(max_length=512, description="the name of a field")]

_EPOCHS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))  # from this number on: ns, µs, ms, s
_LATEST = 1 << 32  # Unix seconds


def when(value: Value, otherwise: float) -> tuple[int, int]:
    """Unix seconds and nanoseconds; those of `otherwise` for anything that is no time."""
    if value is None:
        return int(otherwise), int(otherwise % 1 * 1e9)
    if isinstance(value, str) and (moment := times.parse(value)) and 0 <= moment.seconds < _LATEST:
        fraction = re.search(r"\.(\d{1,9})", value)
        return moment.seconds, int(fraction[1].ljust(9, "0")) if fraction else 0
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,9})?", value, re.ASCII):
        value = float(value) if "." in value else int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST * 10**9:
        unit = next(unit for least, unit in _EPOCHS if value >= least)
        seconds = int(value // unit)
        if seconds < _LATEST:
            return seconds, int((value - seconds * unit) * (10**9 // unit))
    return int(otherwise), int(otherwise % 1 * 1e9)
