"""The whole system on one page: read -> select -> encode -> pack -> settle -> save, for all jobs of one stream.

Jobs that stand at the same position share one pull (`group`), each with its own lane: plan, window, row and circuit.
One that is behind runs alone; in company, one that fails is left to `sweep`, so that it costs the others nothing.
An Outcome that is `finished` means: every record up to `end` has a fate. Anything else says why not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.errors import (
    Conflict,
    Expired,
    LogferryError,
    Misconfigured,
    SourceError,
    StateError,
    Transient,
    Unfinished,
)
from logferry.group import Part, Pull, pump
from logferry.lane import Job, Settings
from logferry.ledger import Gap, Ledger, Row
from logferry.model import Counts, Outcome, Position
from logferry.sources import Source, Stream

__all__ = ["Desk", "Job", "Settings", "run", "standing"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every run needs beside its jobs."""

    source: Source
    ledger: Ledger
    dead: DeadLetters
    settings: Settings
    patience: Patience
    job_at: Callable[[str, int], Job]  # (task, version): an open range is finished the way it was begun


def run(jobs: Sequence[Job], stream: Stream, end: Position, desk: Desk) -> list[Outcome]:
    """Every job on one stream, from its own position up to `end`."""
    rows = [standing(job.name, stream, desk) for job in jobs]
    now = desk.patience.clock()
    fit = [
        row.open is None and row.retry_at <= now and desk.source.order(row.position) < desk.source.order(end)
        for row in rows
    ]
    begin = next((row.position for row, able in zip(rows, fit, strict=True) if able), None)
    together = [job for job, row, able in zip(jobs, rows, fit, strict=True) if able and row.position == begin]
    parts = pump(together, _pull(desk, stream, begin, end)) if begin is not None else {}
    return [_carry(job, stream, end, desk, parts.get(job.name), patient=len(jobs) == 1) for job in jobs]


def standing(task: str, stream: Stream, desk: Desk) -> Row:
    """The task's row on this stream: at the stream's begin if the stream is new or was made anew."""
    row = desk.ledger.get(task, stream.name)
    if row is None:
        desk.ledger.create(task, stream.name, desk.source.position(stream.name, "begin"), stream.born)
        row = desk.ledger.get(task, stream.name)
    if row is None:
        raise StateError(f"task {task}: the row for stream {stream.name} vanished while it was made")
    if stream.born and row.born and row.born != stream.born:
        now = desk.patience.clock()
        note = f"the stream was made anew (created {row.born}, now {stream.born})"
        begin = desk.source.position(stream.name, "begin")
        gap = Gap(begin=row.position, end=begin, reason="expired", at=int(now), note=note)
        row = desk.ledger.edit(task, stream.name, lambda old: old.jump(gap, born=stream.born), now=now)
    return row


def _carry(job: Job, stream: Stream, end: Position, desk: Desk, part: Part | None, *, patient: bool) -> Outcome:
    """Go on with one job until its range is settled, or there is a reason to stop."""
    counts, batches = Counts(), 0
    while True:
        if part and part.lane:
            counts, batches = counts + part.lane.counts, batches + part.lane.batches
        row = standing(job.name, stream, desk)
        settled = row.open is None and desk.source.order(row.position) >= desk.source.order(end)
        note = "" if settled else _obstacle(part, row, stream, desk, patient=patient)
        if settled or note:
            held = part is not None and isinstance(part.error, Misconfigured)
            return Outcome(task=job.name, stream=stream.name, counts=counts, batches=batches,
                           finished=settled or note == "busy", held=held, note=note)  # fmt: skip
        row = standing(job.name, stream, desk)
        worker, until = job, end
        if row.open is not None:
            until = row.open.end
            worker = job if row.open.task_version == job.version else desk.job_at(job.name, row.open.task_version)
        part = pump([worker], _pull(desk, stream, row.position, until))[job.name]


def _obstacle(part: Part | None, row: Row, stream: Stream, desk: Desk, *, patient: bool) -> str:
    """Why not to go on now; "" to go on (after the pause that the row asks for)."""
    error = part.error if part else None
    if part and not part.lane and not error:
        return "busy"
    if part and part.lane and not error and part.lane.claim.row.position == part.lane.begin:
        return "no progress: the source gave nothing up to the end of the range"
    if isinstance(error, Expired):
        return _skip_expired(part.job.name if part else "", row, stream, desk)
    if error and not (patient and _passing(error)):
        return f"{type(error).__name__}: {error}"
    pause = max(0.0, row.retry_at - desk.patience.clock())
    if desk.patience.time_left() - pause <= desk.settings.reserve_seconds or (pause and not patient):
        return str(error or row.last_error or "out of time")
    if pause:
        desk.patience.sleep(pause)
    return ""


def _passing(error: LogferryError) -> bool:
    """Whether waiting may help."""
    if isinstance(error, Conflict | Misconfigured):
        return False
    return isinstance(error, Transient | StateError | Unfinished) or (
        isinstance(error, SourceError) and error.transient
    )


def _skip_expired(task: str, row: Row, stream: Stream, desk: Desk) -> str:
    """Record what is gone as a gap and stand at the oldest readable position."""
    begin = desk.source.position(stream.name, "begin")
    estimate = desk.source.order(begin) - desk.source.order(row.position)
    if estimate <= 0:
        return f"position {row.position} is refused by the source, though it is not older than its begin {begin}"
    gap = Gap(begin=row.position, end=begin, reason="expired", at=int(desk.patience.clock()), estimate=estimate)
    desk.ledger.seek(task, stream.name, gap)
    return ""


def _pull(desk: Desk, stream: Stream, begin: Position, end: Position) -> Pull:
    return Pull(desk.source, stream.name, begin, end, desk.ledger, desk.dead, desk.settings, desk.patience)
