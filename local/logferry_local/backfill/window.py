"""`--from` and `--to`: the window of receive times, [from, to), in Unix seconds; a time without an offset is UTC."""

import datetime as dt
from typing import NamedTuple

from logferry import times
from logferry.errors import ConfigError

__all__ = ["Window", "parse", "shown", "within"]


class Window(NamedTuple):
    """Which time, and what had to be assumed to read it."""

    since: int
    until: int
    notes: tuple[str, ...] = ()


def parse(since: str, until: str, now: float) -> Window:
    """The window that two texts name; ConfigError with everything that is wrong with it."""
    first, last = times.parse(since), times.parse(until)
    problems = [
        f"{option}: {text!r} is not {times.FORM}"
        for option, text, moment in (("--from", since, first), ("--to", until, last))
        if moment is None
    ]
    if first and last and first.seconds >= last.seconds:
        problems.append(f"--to: {until} is not after --from {since}")
    if last and last.seconds > now:
        late = f"the newest that can be backfilled is {shown(now)} (now), what comes later the live run delivers"
        problems.append(f"--to: {until} is in the future; {late}")
    if problems or not first or not last:
        raise ConfigError(problems, subject="backfill")
    notes = tuple(filter(None, (times.assumption(since), times.assumption(until))))
    return Window(first.seconds, last.seconds, notes)


def within(window: Window, retention: float | None, now: float) -> Window:
    """The same with a note where the source has forgotten a part of it; ConfigError where it has forgotten all."""
    if retention is None or window.since >= now - retention:
        return window
    oldest = shown(now - retention)
    days = f"the source keeps records for {retention / 86_400:.3g} days"
    if window.until <= now - retention:
        raise ConfigError([f"--to: {days}; nothing from before {oldest} is left"], subject="backfill")
    return window._replace(notes=(*window.notes, f"{days}: what was received before {oldest} is gone"))


def shown(seconds: float) -> str:
    """A time as it can be given back to `--from` and `--to`."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
