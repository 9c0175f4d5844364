"""Facility and severity: a name or a number for all messages, or read from a field of each record."""

from collections.abc import Mapping

from logferry.from_field import FromField, Read, reader, values
from logferry.model import Value
from logferry.syslog_header import FACILITIES, SEVERITIES

__all__ = ["problems", "reading"]

_NAMES = {"facility": FACILITIES, "severity": SEVERITIES}
_DEFAULTS = {"facility": 1, "severity": 6}  # user, info


def problems(option: str, given: int | str | FromField) -> list[str]:
    """What is written and is neither a name nor a number of this option."""
    names = _NAMES[option]
    written = values(given) if isinstance(given, FromField) else {"": given}
    return [
        f"{option}{place and '.' + place}: {value!r} is not 0-{len(names) - 1} or one of {', '.join(names)}"
        for place, value in written.items()
        if _number(option, value) is None
    ]


def reading(facility: int | str | FromField, severity: int | str | FromField) -> int | Read[int]:
    """The number in front of every message, or what reads it from a record."""
    if not isinstance(facility, FromField) and not isinstance(severity, FromField):
        return (_number("facility", facility) or 0) * 8 + (_number("severity", severity) or 0)
    upper, lower = _reader("facility", facility), _reader("severity", severity)

    def read(fields: Mapping[str, Value]) -> int:
        return upper(fields) * 8 + lower(fields)

    return read


def _reader(option: str, given: int | str | FromField) -> Read[int]:
    if isinstance(given, FromField):
        return reader(given, lambda value: _number(option, value), _DEFAULTS[option])
    fixed = _number(option, given) or 0
    return lambda _fields: fixed


def _number(option: str, value: int | str) -> int | None:
    names = _NAMES[option]
    if isinstance(value, str):
        if value in names:
            return names.index(value)
        if not (value.isascii() and value.isdecimal() and len(value) <= 2):
            return None
    return int(value) if 0 <= int(value) < len(names) else None
