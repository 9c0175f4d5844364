"""Points in time as people write them: RFC 3339, and the loose spellings of published configurations.

`2026-07-01T00:00:00Z`, `2018-12-26 0:0:0`, `2019-1-1 0:0:0+8:00`. Without an offset a time is UTC, never the machine's
zone: the same file must mean the same on every machine. Whoever takes such a time says so (`assumption`).
"""

import datetime as dt
import re

from msgspec import Struct

__all__ = ["FORM", "Moment", "assumption", "http_date", "parse", "unix_time", "zone"]

FORM = "a time such as 2026-07-01T00:00:00Z"
_SPELLING = (
    r"(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d{1,9})?"
    r" ?(?:([Zz])|([-+])(\d{1,2}):?(\d{2})?)?"
)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Moment(Struct, frozen=True):
    """A point in time, and whether its text said where on earth."""

    seconds: int  # Unix; a fraction is cut off
    has_offset: bool


def parse(text: str) -> Moment | None:
    """The moment that a text names; None if it names none."""
    match = re.fullmatch(_SPELLING, text, re.ASCII)
    if match is None:
        return None
    *digits, zulu, sign, hours, minutes = match.groups()
    offset = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if int(minutes or 0) > 59:
        return None
    try:
        zone = dt.timezone(-offset if sign == "-" else offset)
        when = dt.datetime(*map(int, digits), tzinfo=zone)  # type: ignore[arg-type,misc]  # six numbers
        return Moment(int(when.timestamp()), has_offset=bool(zulu or sign))
    except (ValueError, OverflowError):
        return None


def unix_time(text: str) -> int | None:
    """The moment's Unix seconds; None if the text names none."""
    moment = parse(text)
    return moment.seconds if moment else None


def assumption(text: str) -> str:
    """What was assumed to read the text, for a person; "" if nothing was."""
    moment = parse(text)
    return f"{text} has no offset: taken as UTC" if moment and not moment.has_offset else ""


def http_date(seconds: float) -> str:
    """Unix time as a header has it, such as `Wed, 01 Jul 2026 00:00:00 GMT` (RFC 9110 5.6.7), in no one's language."""
    when = dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    return f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} {when:%H:%M:%S} GMT"


def zone(text: str) -> dt.tzinfo | None:
    """`UTC`, `+08:00` or a name of the tz database (where the system has one); None for what is none of these."""
    if text in ("UTC", "Z"):
        return dt.UTC
    offset = re.fullmatch(r"([-+])([01]\d|2[0-3]):?([0-5]\d)", text, re.ASCII)
    if offset:
        sign, hours, minutes = offset.groups()
        east = dt.timedelta(hours=int(hours), minutes=int(minutes))
        return dt.timezone(-east if sign == "-" else east)
    import zoneinfo  # here: it costs a cold start what few configurations need

    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
