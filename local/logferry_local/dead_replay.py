"""`logferry dead replay`: deliver dead letters after all, with progress, and say what became of them."""

import json
import os
import random
import time
from collections.abc import Callable
from typing import Annotated

import typer

from logferry import wiring
from logferry.delivery import Patience
from logferry.errors import LogferryError, Misconfigured
from logferry.replay_calls import Event, answer, carry_out
from logferry.replay_order import Order, Replayed
from logferry.wiring import Workshop
from logferry_local import dead_view, dead_work

__all__ = ["replay"]


def replay(  # noqa: PLR0913  # one argument an option
    *,
    task: Annotated[
        str | None, typer.Option(help="Letters of this task; without it those of every online task.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Letters with this text in their reason.")] = "",
    since: Annotated[str | None, typer.Option(help="Letters parked since a time such as 2026-07-01T00:00:00Z.")] = None,
    stream: Annotated[str, typer.Option(help="Letters of this stream (shard) only.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Try at most so many letters; 0 is all.")] = 0,
    rate: Annotated[str | None, typer.Option(help="Records per second, such as 50/s.")] = None,
    to: Annotated[str | None, typer.Option(help="Deliver as this task would (needs --task).")] = None,
    wait: Annotated[float, typer.Option(min=5, max=3600, help="Seconds to go on trying while nothing moves.")] = 60.0,
    by: Annotated[str, typer.Option(help="Who does it, for the record.", show_default="who is logged in")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Send letters again, as their task would deliver them now. Exit code 1: some that match are still open."""
    said = {"task": task, "to": to, "reason": reason, "stream": stream, "since": since, "limit": limit, "rate": rate}
    event = Event.read(said, subject="dead replay")
    shop = wiring.workshop(os.environ)
    known = {stored.name: stored.state for stored in shop.tasks.all()}
    names = [task] if task else [name for name in shop.dead.tasks() if next(shop.dead.keys(name, "open"), None)]
    done: dict[str, Replayed] = {}
    for name in names:
        if task is None and known.get(name) != "online":
            done[name] = Replayed(
                error=LogferryError(f"task {name} is {known.get(name, 'deleted')}: name it with --task")
            )
            continue
        done[name] = _one(shop, event.order(name, bounded=False, by=by or dead_work.whoami()), to, wait)
    if as_json:
        typer.echo(json.dumps(answer(done, shop)))
    elif done:
        dead_view.print_report(done, {name: shop.dead.counts(name)["open"] for name in done})
    else:
        typer.echo("there are no open dead letters")
    if any(isinstance(found.error, Misconfigured) for found in done.values()):
        raise typer.Exit(2)
    if any(found.error or found.stayed for found in done.values()):
        raise typer.Exit(1)


def _one(shop: Workshop, order: Order, to: str | None, wait: float) -> Replayed:
    with dead_work.progress(
        f"replaying {order.task}", lambda: dead_work.total(shop, [order.task], order.wanted)
    ) as seen:
        stopwatch = _Stopwatch(max(wait, 2 / order.rate if order.rate else 0), seen)
        patience = Patience(stopwatch.left, time.time, time.sleep, random.random)
        return carry_out(shop, order, patience, to=to, seen=stopwatch.seen)


class _Stopwatch:
    """Time left while nothing moves: begins anew with each letter that was looked at."""

    def __init__(self, seconds: float, told: Callable[[int], None]) -> None:
        self._seconds = seconds
        self._told = told
        self._moved = time.monotonic()

    def left(self) -> float:
        """Seconds."""
        return self._moved + self._seconds - time.monotonic()

    def seen(self, letters: int) -> None:
        """Something moves."""
        self._moved = time.monotonic()
        self._told(letters)
