"""Tasks as a person sees them: tables on a terminal, tab-separated lines in a pipe."""

import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import typer
import yaml

from logferry import health, kinds, wiring
from logferry.dead_letters import DeadLetters
from logferry.errors import LogferryError
from logferry.health import Health
from logferry.ledger import Row
from logferry.positions import Moved
from logferry.task_store import Applied, Stored

__all__ = ["applied_line", "detail", "letters", "moved_line", "print_detail", "print_rows", "summary"]

COLUMNS = ("task", "state", "source", "destination", "version", "note")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], *, terminal: bool | None = None) -> None:
    """A table on a terminal; else one line of tab-separated values each, without a heading."""
    if not (sys.stdout.isatty() if terminal is None else terminal):
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")  # a name or cursor that is cut short cannot be copied
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    Console().print(made)


def summary(stored: Stored, held: Health | None) -> dict[str, Any]:
    """One task in a few words."""
    spec: Mapping[str, Any] = stored.spec or {}
    return {
        "task": stored.name,
        "state": health.shown(stored.state, held),
        "source": _place("sources", spec.get("source")),
        "destination": ", ".join(spec.get("destination") or ()),
        "version": stored.version,
        "note": stored.problem or (f"{held.reason} (next try {_time(held.retry_at)})" if held else ""),
    }


def detail(stored: Stored, held: Health | None, rows: Sequence[Row]) -> dict[str, Any]:
    """Everything that is known about one task."""
    return {
        "task": stored.name,
        "version": stored.version,
        "state": health.shown(stored.state, held),
        "updated": stored.updated,
        "held": msgspec.to_builtins(held),
        "spec": stored.spec,
        "streams": [msgspec.to_builtins(row) | {"counts": msgspec.to_builtins(row.counts)} for row in rows],
    }


def letters(name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """How many dead letters the task has by state, or why they cannot be counted."""
    try:
        return dict(DeadLetters(wiring.open_store(environ), time.time).counts(name))
    except LogferryError as error:
        return {"error": str(error)}


def print_detail(known: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """The task file, then state and positions."""
    typer.echo(yaml.safe_dump(known["spec"], sort_keys=False, allow_unicode=True).rstrip())
    typer.echo(f"# version {known['version']}, applied {_time(known['updated'])}, {known['state']}")
    if known["held"]:
        held = known["held"]
        typer.echo(f"# held since {_time(held['since'])}, next try {_time(held['retry_at'])}: {held['reason']}")
    dead = known["dead_letters"]
    if "error" in dead:
        typer.echo(f"# dead letters: not counted: {dead['error']}")
    elif any(dead.values()):
        counted = ", ".join(f"{count} {state}" for state, count in dead.items())
        typer.echo(f"# dead letters: {counted} (logferry dead list --task {known['task']})")
    cells = [(row.stream, row.position, _standing(row), len(row.gaps), row.last_error) for row in rows]
    print_rows(("stream", "position", "standing", "gaps", "last error"), cells)


def applied_line(applied: Applied, start: str) -> str:
    """What an `apply` did."""
    if not applied.changed:
        what = f"version {applied.version}, unchanged"
    else:
        what = f"version {applied.version}, {'new' if applied.created else 'changed'}"
    if not applied.streams:
        return f"{applied.name}: {what}"
    where = start if applied.created else "begin"
    return f"{applied.name}: {what}; {len(applied.streams)} stream(s) from {where}: {', '.join(applied.streams)}"


def moved_line(moved: Moved) -> str:
    """What a `seek` did to one stream."""
    if moved.change == "stayed":
        return f"stream {moved.stream}: is there already"
    if moved.change == "rewound":
        return f"stream {moved.stream}: {moved.distance} back; what lies between will be delivered again"
    return f"stream {moved.stream}: {moved.distance} on; what lies between is skipped, and the ledger says so"


def _standing(row: Row) -> str:
    if row.lease:
        return f"in work until {_time(row.lease.until)} at the latest"
    if row.drained:
        return "read to its end"
    return "a range is open" if row.open else "idle"


def _place(room: str, choice: Mapping[str, Any] | None) -> str:
    """`sls project/logstore`: a kind and the options that say which data it is."""
    if not choice:
        return ""
    try:
        found = kinds.place(room, choice)
    except (LogferryError, ValueError):
        return ", ".join(choice)
    return f"{found.pop('kind')} " + "/".join(str(value) for value in found.values() if value is not None)


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
