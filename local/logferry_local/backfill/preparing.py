"""What has to be known and checked before a run begins: the task, the plan, what overlaps, how much it is."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from logferry.backfills import Range, Run, Runs
from logferry.errors import ConfigError, Misconfigured
from logferry.ledger import Row
from logferry.sources import Source
from logferry.task import Task
from logferry.task_store import Stored
from logferry.wiring import Workshop
from logferry_local.backfill import estimate, overlap, planning, window
from logferry_local.backfill.estimate import Estimate
from logferry_local.backfill.window import Window

__all__ = ["Prepared", "fresh", "keep", "left", "measure", "resumed"]

_USUAL_GROUPS = 1000  # of one pull, for a source that has no option for it


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could begin."""

    run: Run
    stored: Stored
    task: Task
    source: Source
    notes: tuple[str, ...]
    overlaps: tuple[str, ...] = ()  # a line each


def fresh(shop: Workshop, name: str, asked: Window, now: float) -> Prepared:
    """A plan for the window; nothing is written. Raises ConfigError for a window that cannot be read."""
    stored, task = _task(shop, name)
    source = shop.source(task)
    planning.check(source)
    asked = window.within(asked, source.retention(), now)
    plan = planning.ranges(source, asked)
    found = overlap.find(plan, name, shop.ledger, Runs(shop.table).all(name), source)
    run = Run(
        run=time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + "-" + secrets.token_hex(2),
        task=name, version=stored.version, since=asked.since, until=asked.until, made=now,
        ranges=tuple(overlap.cut(one, found, source.order) for one in plan),
    )  # fmt: skip
    return Prepared(run, stored, task, source, asked.notes, tuple(overlap.told(found, asked[:2], source)))


def resumed(shop: Workshop, name: str, which: str) -> Prepared:
    """A run that was begun, with the task as it is now. ConfigError if it is done, or its streams are others now."""
    stored, task = _task(shop, name)
    run, source = Runs(shop.table).get(name, which), shop.source(task)
    if run.state != "open":
        raise ConfigError([f"run {run.run} is {run.state}: there is nothing to go on with"], subject="backfill")
    problems = planning.missing(left(run, shop.ledger.of_run(run.run).rows(name), source), source)
    if problems:
        raise ConfigError([*problems, f"give it up by --abandon {run.run}"], subject=f"backfill {run.run}")
    notes = (f"goes on with version {stored.version} of the task, not {run.version}",)
    changed = run.version != stored.version
    return Prepared(
        msgspec.structs.replace(run, version=stored.version), stored, task, source, notes if changed else ()
    )


def keep(shop: Workshop, prepared: Prepared, *, again: bool) -> None:
    """Store the run; Misconfigured if the task is held, ConfigError for an overlap that was not asked for."""
    name, runs = prepared.run.task, Runs(shop.table)
    health = shop.holds.health(name)
    if health:
        way = f"mend it, then `logferry task resume {name}`"
        raise Misconfigured(f"task {name} is held: {health.reason}; {way}")
    if prepared.overlaps and not again:
        raise ConfigError([*prepared.overlaps, "delivered again only with --again"], subject="backfill: overlap")
    runs.save(prepared.run)
    others = [run for run in runs.all(name) if run.run != prepared.run.run and run.made >= prepared.run.made - 60]
    planned = overlap.find(prepared.run.ranges, name, shop.ledger, others, prepared.source)
    same = [found for found in planned if found.by.startswith("run ")]
    if same and not again:
        runs.save(msgspec.structs.replace(prepared.run, state="abandoned"))
        raise ConfigError(
            overlap.told(same, (prepared.run.since, prepared.run.until), prepared.source),
            subject="backfill: overlap with a run begun just now",
        )


def left(run: Run, rows: Sequence[Row], source: Source) -> list[Range]:
    """What of the run's ranges is not settled yet."""
    standing = {row.stream: row.position for row in rows}
    found = []
    for one in run.ranges:
        at = standing.get(one.stream, one.begin)
        parts = tuple(part for part in one.parts if source.order(part.end) > source.order(at))
        if parts:
            found.append(msgspec.structs.replace(one, begin=at, parts=parts))
    return found


def measure(shop: Workshop, prepared: Prepared, ranges: Sequence[Range]) -> list[Estimate]:
    """An estimate a range."""
    sampler = shop.source(planning.pulling(prepared.task, estimate.SAMPLE))
    groups = getattr(prepared.task.source.options, "max_groups", _USUAL_GROUPS)
    times = (prepared.run.since, prepared.run.until)
    return [estimate.of_range(one, sampler, times, groups) for one in ranges]


def _task(shop: Workshop, name: str) -> tuple[Stored, Task]:
    stored = shop.tasks.get(name)
    if stored.state == "pending":
        raise ConfigError([f"task {name} is pending: its destination's ownership is not proved"], subject="backfill")
    return stored, stored.task()
