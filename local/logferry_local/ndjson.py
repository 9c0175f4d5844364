"""Logs from files of one JSON object a line; a line that is none is told by file, number and reason.

Texts stay as they are; every other value is its JSON text, digit for digit. Times are Unix seconds and nanoseconds,
UTC. A time field may hold ISO 8601 (without a zone: UTC) or a number: seconds, or by its size milli-, micro- or
nanoseconds. Blank lines are skipped. Limit: a line of 8 MiB.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import msgspec

__all__ = ["MAX_LINE", "Bad", "Line", "read"]

MAX_LINE = 8 << 20
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))  # from this size on a number counts in that unit
_LATEST = (1 << 32) - 1
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
Clock: TypeAlias = Callable[[], float]


class Line(NamedTuple):
    """One log, and how many bytes its line had."""

    time: int
    nanos: int
    fields: dict[str, str]
    size: int


class Bad(NamedTuple):
    """One line that is no log."""

    path: Path
    number: int
    reason: str
    size: int


def read(path: Path, *, time_field: str, clock: Clock) -> Iterator[Line | Bad]:
    """The lines of a file, in order. Without a time field, logs get the time at which they are read."""
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            try:
                found = _log(line, time_field, clock) if line.strip() else None
            except ValueError as error:
                yield Bad(path, number, str(error), len(line))
                continue
            if found is not None:
                yield found


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; of one that is too long only the first part (which is then too long as well)."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line


def _log(line: bytes, time_field: str, clock: Clock) -> Line:
    if len(line) > MAX_LINE:
        raise ValueError(f"is longer than {MAX_LINE} bytes")
    try:
        fields = {name: _text(value) for name, value in _OBJECT.decode(line).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is not a JSON object: {error}") from None
    if not fields:
        raise ValueError("is an object without a field")
    if time_field and time_field not in fields:
        raise ValueError(f"has no field {time_field}")
    seconds, nanos = _moment(fields[time_field]) if time_field else divmod(int(clock() * 1e9), 10**9)
    return Line(seconds, nanos, fields, len(line))


def _text(value: msgspec.Raw) -> str:
    raw = bytes(value).strip()
    return _TEXT.decode(raw) if raw.startswith(b'"') else raw.decode()


def _moment(text: str) -> tuple[int, int]:
    """Seconds and nanoseconds, exactly; ValueError."""
    try:
        nanos = _from_number(text) if _NUMBER.fullmatch(text) else _from_iso(text)
    except (ValueError, OverflowError):
        raise ValueError(f"time {text[:40]!r} is not a number or ISO 8601") from None
    if not 0 <= nanos // 10**9 <= _LATEST:
        raise ValueError(f"time {text[:40]!r} is not between 1970 and 2106")
    return divmod(nanos, 10**9)


def _from_number(text: str) -> int:
    value = Decimal(text)
    unit = next((unit for size, unit in _UNITS if value >= size), 1)
    return int(value * 10**9 / unit)


def _from_iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    whole = moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC)
    digits = re.search(r"[0-9]{2}[.,]([0-9]{1,9})", text)  # datetime keeps six digits of a second's part
    return int(whole.timestamp()) * 10**9 + int((digits[1] if digits else "0").ljust(9, "0"))
