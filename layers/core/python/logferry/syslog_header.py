"""What the headers of syslog messages have in common: the number in front, names, and what is made once a second."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

__all__ = ["FACILITIES", "SEVERITIES", "Header", "Sender", "Stamp", "date_and_time", "printable"]

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_OUTSIDE = re.compile(r"[^\x21-\x7e]")

Stamp: TypeAlias = tuple[str, str, str]
"""The header of a second without a fraction; its part before the fraction ("": it has none), and the part after it."""


class Sender(NamedTuple):
    """Who sends, as far as headers can say. None is nothing known."""

    hostname: str | None = None
    app_name: str | None = None
    procid: str | None = None
    msgid: str | None = None
    is_titled: bool = False  # the texts begin with a word and a colon of their own, as CEF's and LEEF's do


class Header(NamedTuple):
    """A format, made for one sender."""

    at: Callable[[int], Callable[[int], Stamp]]  # priority (facility * 8 + severity) -> Unix second -> stamp
    digits: int = 6  # of a fraction; finer ones are cut, not rounded


def printable(value: str | None, limit: int) -> str:
    """What stands in a header's field: printable ASCII without blanks, the rest as `_`; nothing is nil, `-`."""
    return _OUTSIDE.sub("_", value or "")[:limit] or "-"


def date_and_time(second: int) -> str:
    """`2026-03-25T08:15:30` in UTC; nothing for a time outside the years 1 to 9999."""
    try:
        when = time.gmtime(second)
    except (OverflowError, OSError, ValueError):
        return ""
    if not 1 <= when.tm_year <= 9999:
        return ""
    year, month, day, hour, minute, second = when[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
