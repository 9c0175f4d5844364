"""`logferry status` as a person sees it: a table on a terminal, tab-separated lines in a pipe."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from logferry_local.status_report import MOST_LETTERS, Line, Look

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["COLUMNS", "as_data", "cells", "drawn"]

_NUMBERS = ("lag", "rate", "delivered", "parked", "retry in")
COLUMNS = ("task", "state", "stream", "owner", *_NUMBERS, "last error")
_STYLES = {"online": "green", "unhealthy": "bold red", "pending": "yellow", "offline": "dim"}


def cells(line: Line) -> tuple[str, ...]:
    """One line's texts, in the order of COLUMNS."""
    letters = "?" if line.parked_open is None else f"{line.parked_open}"
    if line.parked_open == MOST_LETTERS:
        letters += "+"
    lag = "?" if line.lag is None else _span(line.lag)
    rate = "" if line.rate is None else f"{line.rate:,.0f}/s"
    retry = "" if line.retry_in is None else _span(line.retry_in)
    found = (line.task, line.state, line.stream, line.owner, lag, rate, str(line.delivered), letters, retry)
    return *found, _plain(line.last_error)


def as_data(found: Look) -> dict[str, Any]:
    """What `--json` prints."""
    lines = [msgspec.to_builtins(line) | {"problem": line.problem} for line in found.lines]
    return {"at": found.at, "streams": lines, "problems": found.problems, "notes": found.notes}


def drawn(found: Look) -> "Group":
    """A table, and under it, where there is room for it, every last error; nothing is cut."""
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    moment = dt.datetime.fromtimestamp(found.at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    table = Table(title=f"logferry, {moment}", title_justify="left", box=SIMPLE, show_edge=False, collapse_padding=True)
    shown = COLUMNS[:-1]
    for column in shown:
        whole = column not in ("task", "owner")  # half a number, or a state in two parts, cannot be read
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold", no_wrap=whole)
    for line in found.lines:
        style = _styles(line)
        table.add_row(*(Text(text, style=style(column)) for column, text in zip(shown, cells(line), strict=False)))
    errors = (Text(f"{where}: {error}", style="red") for where, error in _errors(found))
    return Group(table, *errors, *(Text(f"note: {note}", style="yellow") for note in found.notes))


def _errors(found: Look) -> list[tuple[str, str]]:
    """Each last error once a task, with the streams that have it."""
    streams: dict[tuple[str, str], list[str]] = {}
    for line in found.lines:
        if line.last_error:
            streams.setdefault((line.task, _plain(line.last_error)), []).append(line.stream)
    return [(" ".join([task, ", ".join(names)]).strip(), error) for (task, error), names in streams.items()]


def _styles(line: Line) -> Callable[[str], str]:
    styles = {"state": _STYLES.get(line.state, "")}
    if line.lag_over_max:
        styles["lag"] = "bold red"
    return lambda column: styles.get(column, "")


def _plain(text: str) -> str:
    """On one line, and without what a far side's answer could do to a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _span(seconds: float) -> str:
    """`42 s`, `12 min`, `3.5 h`, `2.1 d`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"
