"""One round over a logstore: which tasks may work on which stream, in which order, and what follows for their health.

Parents come before their children, per task: a task that has not reached a parent's end leaves the child alone.
A held task takes part only if it may be probed now; one that is held during the round leaves it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from logferry import config, route
from logferry.errors import LogferryError
from logferry.health import Holds
from logferry.lane import Job
from logferry.model import Outcome, Position
from logferry.route import Desk
from logferry.sources import Stream
from logferry.task_store import Stored

__all__ = ["Crew", "Visit", "visit"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Crew:
    """The tasks of one logstore, and what they work with."""

    tasks: Sequence[Stored]
    desk: Desk
    holds: Holds
    job: Callable[[Stored], Job]


@dataclass(slots=True)
class Visit:
    """What a round came to."""

    outcomes: list[Outcome] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)  # task -> why it is not working


def visit(crew: Crew, streams: Sequence[Stream], end_of: Callable[[Stream], Position]) -> Visit:
    """Every task of the crew on these streams (parents first), each up to `end_of(stream)`."""
    found = Visit()
    able = _able(crew, found)
    for stream in streams:
        jobs = [job for job in able if job.name not in found.held and _is_due(job.name, stream, crew.desk)]
        if not jobs:
            continue
        end = end_of(stream)
        for outcome in route.run(jobs, stream, end, crew.desk):
            found.outcomes.append(outcome)
            _follow_up(outcome, stream, end, crew, found)
    return found


def _able(crew: Crew, found: Visit) -> list[Job]:
    """Jobs of the tasks that may work now."""
    now = crew.desk.patience.clock()
    able: list[Job] = []
    for stored in crew.tasks:
        health = crew.holds.health(stored.name)
        if health and not crew.holds.probe(stored.name, now):
            until = datetime.fromtimestamp(health.retry_at, UTC).isoformat(timespec="seconds")
            found.held[stored.name] = f"held until {until}: {health.reason}"
            continue
        try:
            able.append(crew.job(stored))
        except LogferryError as error:  # this task's own trouble (a missing secret): the others go on
            _hold(stored.name, str(error), crew, found)
    return able


def _is_due(task: str, stream: Stream, desk: Desk) -> bool:
    """Whether the task has work here: not drained yet, and all parents drained."""
    row = desk.ledger.get(task, stream.name)
    if row and row.drained and row.born == stream.born:
        return False
    return all(_is_drained(task, parent, desk) for parent in stream.parents)


def _is_drained(task: str, parent: str, desk: Desk) -> bool:
    row = desk.ledger.get(task, parent)
    if row is None:
        return False
    return row.drained or desk.source.order(row.position) >= desk.source.order(desk.source.position(parent, "end"))


def _follow_up(outcome: Outcome, stream: Stream, end: Position, crew: Crew, found: Visit) -> None:
    if outcome.held:
        _hold(outcome.task, outcome.note, crew, found)
    elif outcome.counts.read:
        crew.holds.release(outcome.task)  # it delivered: a hold, if there was one, is over
    if (
        outcome.finished
        and not outcome.note
        and not stream.open
        and end == crew.desk.source.position(stream.name, "end")
    ):
        now = crew.desk.patience.clock()
        crew.desk.ledger.edit(
            outcome.task, stream.name, lambda row: msgspec.structs.replace(row, drained=True), now=now
        )
    if not outcome.finished:
        _warn_of_lag(outcome, stream, crew)


def _hold(task: str, reason: str, crew: Crew, found: Visit) -> None:
    log.error("task held", extra={"task": task, "reason": reason})
    crew.holds.hold(task, reason, crew.desk.patience.clock())
    found.held[task] = reason


def _warn_of_lag(outcome: Outcome, stream: Stream, crew: Crew) -> None:
    """An alarm when the oldest undelivered record is older than the task allows, or than half of the retention."""
    row = crew.desk.ledger.get(outcome.task, stream.name)
    stored = next(stored for stored in crew.tasks if stored.name == outcome.task)
    if row is None:
        return
    lag = crew.desk.patience.clock() - crew.desk.source.time_of(stream.name, row.position)
    facts = {"task": outcome.task, "stream": stream.name, "lag": int(lag), "reason": outcome.note}
    if lag > config.seconds(stored.task().max_lag):
        log.warning("lag over max_lag", extra=facts)
    retention = crew.desk.source.retention()
    if retention and lag > retention / 2:
        log.error("undelivered records passed half of the retention", extra=facts | {"retention": int(retention)})
