"""When a timer fires: `@every 5m`, or six fields `second minute hour day month weekday` in UTC.

Fields take `*`, `?`, numbers, `a-b`, `a,b` and `/step`; months and weekdays also names (0 and 7 are Sunday). When day
and weekday are both given, either is enough. `CRON_TZ=Zone ` in front moves the fields to that time zone.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from logferry.errors import ConfigError

__all__ = ["after"]

_UNITS = {"s": 1, "m": 60, "h": 3600}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}), ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("weekday", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)  # fmt: skip
_HORIZON = 8 * 366  # days; 29 February comes at least that often


def after(expression: str) -> Callable[[float], float]:
    """A function from a Unix time to the next firing after it; ConfigError for a broken expression."""
    every = re.fullmatch(r"@every ((?:\d+[smh])+)", expression.strip())
    if every:
        step = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", every[1]))
        if step < 1:
            raise _wrong(expression, "every 0 seconds")
        return lambda now: now + step
    zone, fields = _zone(expression)
    if len(fields) != len(_FIELDS):
        raise _wrong(expression, f"{len(fields)} fields")
    sets = [_values(expression, text, *rule) for text, rule in zip(fields, _FIELDS, strict=True)]
    any_day = fields[3] in "*?" or fields[5] in "*?"

    def fits(day: datetime) -> bool:
        by_date, by_weekday = day.day in sets[3], day.isoweekday() % 7 in {number % 7 for number in sets[5]}
        return day.month in sets[4] and (by_date and by_weekday if any_day else by_date or by_weekday)

    def following(now: float) -> float:
        start = datetime.fromtimestamp(int(now) + 1, zone)
        for days in range(_HORIZON):
            day = (start + timedelta(days=days)).replace(hour=0, minute=0, second=0)
            if not fits(day):
                continue
            moment = _first(day if days else start, sets)
            if moment is not None:
                return moment.timestamp()
        raise _wrong(expression, "a date that never comes")

    return following


def _first(start: datetime, sets: list[set[int]]) -> datetime | None:
    """The first moment of that day, at or after `start`."""
    for hour in sorted(sets[2]):
        for minute in sorted(sets[1]):
            if (hour, minute) < (start.hour, start.minute):
                continue
            earliest = start.second if (hour, minute) == (start.hour, start.minute) else 0
            seconds = [second for second in sets[0] if second >= earliest]
            if seconds:
                return start.replace(hour=hour, minute=minute, second=min(seconds))
    return None


def _zone(expression: str) -> tuple[tzinfo, list[str]]:
    words = expression.split()
    if not words or not words[0].startswith("CRON_TZ="):
        return UTC, words
    name = words[0].removeprefix("CRON_TZ=")
    try:
        return ZoneInfo(name), words[1:]
    except (ZoneInfoNotFoundError, ValueError):
        raise _wrong(expression, f"an unknown time zone {name!r}") from None


def _values(expression: str, text: str, name: str, low: int, high: int, words: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in text.upper().split(","):
        match = re.fullmatch(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise _wrong(expression, f"{name} {text!r}")
        try:
            first = _number(match[1] or str(low), words)
            last = _number(match[2] or match[1] or str(high), words)
        except ValueError:
            raise _wrong(expression, f"{name} {text!r}") from None
        step = int(match[3] or 1)
        if match[1] is not None and match[2] is None and match[3]:
            last = high
        if not low <= first <= last <= high or step < 1:
            raise _wrong(expression, f"{name} {text!r}, which is not within {low}-{high}")
        found.update(range(first, last + 1, step))
    return found


def _number(text: str, words: dict[str, int]) -> int:
    return words[text] if text in words else int(text)


def _wrong(expression: str, what: str) -> ConfigError:
    expected = "expected `@every 5m` or six fields: second minute hour day month weekday"
    return ConfigError([f"cronExpression: {expression!r} has {what}, {expected}"], subject="timer")
