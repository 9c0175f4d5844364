"""What the ledger says about each task and stream, checked as far as asked, as plain data."""

import copy
import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from logferry import health, proof
from logferry.backfills import RunLetters, Runs
from logferry.dead_letters import STATES
from logferry.errands import recalling
from logferry.errors import LogferryError
from logferry.ledger import Row
from logferry.model import Counts
from logferry.sources import Source
from logferry.spill_source import SpillSource
from logferry.task_store import Stored
from logferry.wiring import Workshop

__all__ = ["Checked", "report", "report_run"]

Tick = Callable[[int], None]


class Checked(msgspec.Struct, kw_only=True):
    """The whole report; `problems` is empty when every range tiles, all counts add up and (if asked) recounts agree."""

    tasks: list[dict[str, Any]]
    problems: list[str]
    notes: list[str]

    @property
    def balanced(self) -> bool:
        """Whether nothing contradicts the ledger."""
        return not self.problems


def report(shop: Workshop, names: list[str], *, verify: bool, tick: Tick = lambda _records: None) -> Checked:
    """The ledger of these tasks (all if none is named). `verify` recounts at the source and in the object store."""
    checked = Checked(tasks=[], problems=[], notes=[])
    known = [shop.tasks.get(name) for name in names] or shop.tasks.all()
    for stored in known:
        if stored.problem:
            checked.problems.append(f"task {stored.name}: {stored.problem}")
            continue
        checked.tasks.append(_task(shop, stored, checked, tick if verify else None))
    return checked


def report_run(shop: Workshop, name: str, which: str, *, verify: bool, tick: Tick = lambda _records: None) -> Checked:
    """The same of one backfill run: its own rows and dead letters, recounted by the version it ran with."""
    run = Runs(shop.table).get(name, which)
    own = copy.copy(shop)
    own.ledger, own.dead = shop.ledger.of_run(run.run), RunLetters(shop.dead, run.run)
    stored = replace(shop.tasks.get(name), version=run.version)
    checked = Checked(tasks=[], problems=[], notes=[])
    task = _task(own, stored, checked, tick if verify else None)
    for stream in task["streams"]:
        stream["lag"] = None  # a run does not follow the stream
    checked.tasks.append(task | {"run": run.run, "state": f"backfill {run.run}, {run.state}"})
    return checked


def _task(shop: Workshop, stored: Stored, checked: Checked, tick: Tick | None) -> dict[str, Any]:
    source, why = _source(shop, stored)
    if source is None:
        (checked.notes if tick is None else checked.problems).append(f"task {stored.name}: {why}")
    streams = [_stream(shop, stored, row, source, checked, tick) for row in shop.ledger.rows(stored.name)]
    totals: dict[str, Any] = {key: sum(stream[key] for stream in streams) for key in Counts.__struct_fields__}
    totals["dead_letters"] = {state: sum(stream["dead_letters"][state] for stream in streams) for state in STATES}
    return {
        "task": stored.name, "version": stored.version,
        "state": health.shown(stored.state, shop.holds.health(stored.name)),
        "confirmation": _confirmation(shop, stored), "totals": totals, "streams": streams,
    }  # fmt: skip


def _source(shop: Workshop, stored: Stored) -> tuple[Source | None, str]:
    """The task's source if it answers, else why not."""
    try:
        source = recalling(shop.source(stored.task()), stored.name, shop.table)
        source.streams()
    except LogferryError as error:
        return None, f"source not readable: {error}"
    return source, ""


def _confirmation(shop: Workshop, stored: Stored) -> str:
    try:
        return shop.job(stored).destination.confirmation
    except LogferryError as error:
        return f"unknown ({error})"


def _stream(
    shop: Workshop, stored: Stored, row: Row, source: Source | None, checked: Checked, tick: Tick | None
) -> dict[str, Any]:
    checked.problems.extend(f"task {stored.name}: {problem}" for problem in proof.problems(row))
    if source is not None and tick is not None:
        _verify(shop, stored, row, source, checked, tick)
    counts = {key: getattr(row.counts, key) for key in Counts.__struct_fields__}
    letters = proof.parked(stored.name, row.stream, shop.dead) if row.counts.parked else dict.fromkeys(STATES, 0)
    return {
        "stream": row.stream, "position": row.position, **counts, "dead_letters": letters,
        "gaps": [msgspec.to_builtins(gap) for gap in row.gaps],
        "older_gaps": _older_gaps(stored.name, row, checked),
        "open": msgspec.to_builtins(row.open),
        "spilled": row.spilled, "lag": _lag(shop, stored, row, source), "drained": row.drained,
        "last_error": row.last_error,
    }  # fmt: skip


def _older_gaps(task: str, row: Row, checked: Checked) -> dict[str, int]:
    """Gaps that the row only sums up any more, since there were many."""
    count = sum(entry.gaps for entry in row.entries)
    estimate = sum(entry.estimate for entry in row.entries)
    if count:
        checked.notes.append(f"task {task}: stream {row.stream}: {count} older gaps, about {estimate} positions in all")
    return {"count": count, "estimate": estimate}


def _verify(shop: Workshop, stored: Stored, row: Row, source: Source, checked: Checked, tick: Tick) -> None:
    try:
        seen = SpillSource(source, shop.spills, stored.name, [row])
        found = proof.recount(stored.name, row, shop.job(stored).plan, seen, shop.dead, tick)
        holes = seen.holes(row.stream)
    except LogferryError as error:
        checked.problems.append(f"task {stored.name}, stream {row.stream}: not recounted: {error}")
        return
    checked.problems.extend(f"task {stored.name}: {difference}" for difference in found.differences)
    where = f"task {stored.name}, stream {row.stream}"
    checked.problems.extend(
        f"{where}: spilled {hole} is neither at the source nor whole in the store" for hole in holes
    )
    checked.notes.extend(f"task {stored.name}: {note}" for note in found.notes)


def _lag(shop: Workshop, stored: Stored, row: Row, source: Source | None) -> int | None:
    """Seconds since the oldest undelivered record was received; 0 at the end; None if the source does not answer."""
    try:
        if source is None:
            return None
        if not row.spilled and source.order(row.position) >= source.order(source.position(row.stream, "end")):
            return 0
        seen = SpillSource(source, shop.spills, stored.name, [row])
        return max(0, int(time.time()) - seen.time_of(row.stream, row.position))
    except LogferryError:
        return None
