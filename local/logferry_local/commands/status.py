"""`logferry status`: how every task stands on every stream, now and as it goes on."""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import orjson
import typer

from logferry import wiring
from logferry.delivery import Patience
from logferry.errors import LogferryError
from logferry_local import status_view as view
from logferry_local.status_report import Look, look

__all__ = ["register"]

_SECONDS = 20.0  # how long one look may ask sources; one question more may be on its way


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    tasks: Annotated[list[str] | None, typer.Argument(help="Tasks; all if none is named.")] = None,
    *,
    watch: Annotated[
        bool | None, typer.Option("--watch/--once", help="Look again and again; default: on a terminal.")
    ] = None,
    interval: Annotated[float, typer.Option(min=1, max=3600, help="Seconds between two looks.")] = 5,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no source: the state table only, no lag.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="One look; exit code 1 if a task is late, held or failing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
) -> None:
    """Show how every task stands: who works on which stream, how late, how fast, and what went wrong last."""
    shop = wiring.workshop(os.environ)
    terminal = sys.stdout.isatty() and not as_json
    if watch if watch is not None else terminal and not check:
        with suppress(KeyboardInterrupt):  # that is how one stops looking
            _watch(_looks(shop, tasks or [], interval, ask=not offline), as_json=as_json, terminal=terminal)
        return
    found = look(shop, tasks or [], _patience(), ask=not offline)
    _print(found, as_json=as_json, terminal=terminal)
    if check:
        sys.stderr.writelines(f"{problem}\n" for problem in [*found.problems, *found.notes])
        if found.problems or found.notes:
            raise typer.Exit(1)


def _looks(shop: wiring.Workshop, tasks: list[str], interval: float, *, ask: bool) -> Iterator[Look]:
    """Look after look, each with the rates since the last one; a table that is down for a while ends nothing."""
    before = look(shop, tasks, _patience(), ask=ask)
    yield before
    while True:
        time.sleep(interval)
        try:
            found = look(shop, tasks, _patience(), ask=ask)
        except LogferryError as error:
            yield Look(at=time.time(), lines=before.lines, notes=[f"as it was before: {error}"])
            continue
        yield found.since(before)
        before = found


def _watch(looks: Iterator[Look], *, as_json: bool, terminal: bool) -> None:
    if not terminal:
        for found in looks:
            _print(found, as_json=as_json, terminal=False)
        return
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        for found in looks:
            live.update(view.drawn(found), refresh=True)


def _print(found: Look, *, as_json: bool, terminal: bool) -> None:
    if as_json:
        sys.stdout.write(orjson.dumps(view.as_data(found)).decode() + "\n")
    elif terminal:
        from rich.console import Console

        Console().print(view.drawn(found))
    else:
        for line in found.lines:
            sys.stdout.write("\t".join(view.cells(line)) + "\n")
        sys.stderr.writelines(f"note: {note}\n" for note in found.notes)
    sys.stdout.flush()


def _patience() -> Patience:
    until = time.monotonic() + _SECONDS
    return Patience(lambda: until - time.monotonic(), time.time, time.sleep, random.random)
