"""The whole system on one page: read -> select -> encode -> pack -> settle -> save, for all jobs of one stream.

Jobs that stand at the same position share one pull (`group`), each with its own lane: plan, window, row and circuit;
the foremost go first. One that failed before, has a range open, or spilled, goes on alone, for its share of the time.
What goes wrong for one job is that job's Outcome. One that is `finished` means: every record up to `end` has a fate.
"""

import logging
from collections.abc import Sequence

from logferry.delivery import OUT_OF_TIME
from logferry.desk import Desk
from logferry.errors import (
    Conflict,
    Expired,
    LogferryError,
    Misconfigured,
    StateError,
    Unfinished,
    is_passing,
    told,
)
from logferry.group import Part, Pull, pump
from logferry.job import Job
from logferry.ledger import Gap, Open, Row
from logferry.model import Counts, Effort, Outcome, Position
from logferry.sources import Source, Stream

__all__ = ["OUT_OF_TIME", "Desk", "run", "standing", "worker"]

log = logging.getLogger(__name__)

_BUSY, _OFFLINE = "busy", "task {} is not online any more"
_BREATH = 1.0  # seconds between two attempts, at least
_COUNTABLE = 1 << 53  # the distance of two sequence numbers of Kinesis says nothing


def run(
    jobs: Sequence[Job], stream: Stream, end: Position, desk: Desk, *, patient: bool | None = None
) -> list[Outcome]:
    """Every job on one stream, from its own position up to `end`. A patient one waits for its destination."""
    patient = len(jobs) == 1 if patient is None else patient
    groups: dict[Position, list[Job]] = {}
    failed: dict[str, LogferryError] = {}
    for job in jobs:
        try:
            row = standing(job.name, stream, desk)
            if not _reaches(row, end, desk) and not desk.is_online(job.name):
                raise Unfinished(_OFFLINE.format(job.name))
            alone = row.open or row.spilled or row.rest(desk.patience.clock())
            if not alone and not _reaches(row, end, desk):
                groups.setdefault(row.position, []).append(job)
        except LogferryError as error:
            failed[job.name] = error
    parts: dict[str, Part] = {}
    foremost = sorted(groups, key=desk.source.order, reverse=True)
    for done, begin in enumerate(foremost):
        mine = desk.share(len(foremost) - done)
        if mine.in_time:
            parts |= pump(groups[begin], _pull(mine, mine.source, stream, begin, end))
    outcomes = []
    for done, job in enumerate(jobs):
        part, mine = parts.get(job.name), desk.share(len(jobs) - done)
        try:
            if job.name in failed:
                raise failed[job.name]
            outcomes.append(_carry(job, stream, end, mine, part, patient=patient))
        except LogferryError as error:
            counts, effort = _came_of(part)
            effort += Effort(errors=int(not isinstance(error, Unfinished)))
            outcomes.append(Outcome(task=job.name, stream=stream.name, counts=counts, effort=effort, finished=False,
                                    held=isinstance(error, Misconfigured), note=told(error)))  # fmt: skip
    return outcomes


def standing(task: str, stream: Stream, desk: Desk) -> Row:
    """The task's row on this stream: at the stream's begin if the stream is new or was made anew."""
    row = desk.ledger.get(task, stream.name)
    if row is None:
        begin, now = desk.source.position(stream.name, "begin"), desk.patience.clock()
        made = desk.ledger.create(task, stream.name, begin, stream.born, now=now)
        if made and not desk.is_online(task):  # asked after: a row made for a deleted task would start it all over
            desk.ledger.forget(task, stream.name)
            raise Unfinished(_OFFLINE.format(task))
        row = desk.ledger.get(task, stream.name)
    if row is None:
        raise StateError(f"task {task}: the row for stream {stream.name} vanished while it was made")
    row = desk.tidy(task, row)
    if _is_of_another(row, stream) and not _has_spill(row, desk):
        now = desk.patience.clock()
        note = f"the stream was made anew (created {row.born}, now {stream.born})"
        log.error("stream made anew", extra={"task": task, "stream": stream.name, "reason": note})
        begin = desk.source.position(stream.name, "begin")
        gap = Gap(begin=row.position, end=begin, reason="expired", at=int(now), note=note)
        row = desk.ledger.edit(task, stream.name, lambda old: old.jump(gap, born=stream.born), now=now)
    return row


def _is_of_another(row: Row, stream: Stream) -> bool:
    """Whether the stream was made anew since. A row that is younger means that it was listed before that."""
    return bool(row.born) and row.born < stream.born


def _has_spill(row: Row, desk: Desk) -> bool:
    """Whether there is something in the object store that comes before all else."""
    return bool(row.spilled) and desk.source.order(row.position) < desk.source.order(row.spilled)


def _reaches(row: Row, end: Position, desk: Desk) -> bool:
    return desk.source.order(row.position) >= desk.source.order(end)


def _carry(job: Job, stream: Stream, end: Position, desk: Desk, part: Part | None, *, patient: bool) -> Outcome:
    """Go on with one job until its range is settled, or there is a reason to stop."""
    counts, effort, trouble = Counts(), Effort(), ""
    while True:
        more, work = _came_of(part)
        counts, effort = counts + more, effort + work
        if part and part.error:
            trouble = told(part.error)
        row = standing(job.name, stream, desk)
        settled = row.open is None and not _has_spill(row, desk) and _reaches(row, end, desk)
        note = "" if settled else _obstacle(part, row, stream, desk, patient=patient)
        if part and isinstance(part.error, Expired) and note in ("", OUT_OF_TIME):
            effort += Effort(gaps=1)
        if settled or note:
            held = part is not None and isinstance(part.error, Misconfigured)
            if note == _BUSY and trouble:
                note = trouble  # it is our own lease that could not be given back
            return Outcome(task=job.name, stream=stream.name, counts=counts, effort=effort,
                           finished=settled or note == _BUSY, held=held, note=note)  # fmt: skip
        row = standing(job.name, stream, desk)
        until = row.open.end if row.open else row.spilled if _is_of_another(row, stream) else end
        seen = desk.seen_by(job.name, row, gone=_is_of_another(row, stream))
        part = pump([worker(job, row, desk)], _pull(desk, seen, stream, row.position, until))[job.name]


def _came_of(part: Part | None) -> tuple[Counts, Effort]:
    """What one run saved, and what it took. A stream that is somebody else's by now is no error."""
    if part is None:
        return Counts(), Effort()
    done = Effort(errors=int(part.error is not None and not isinstance(part.error, Unfinished | Conflict)))
    return (part.lane.counts, part.lane.effort + done) if part.lane else (Counts(), done)


def worker(job: Job, row: Row, desk: Desk) -> Job:
    """The version that began the open range, to repeat exactly what it did; the newest if that one failed.

    A person has changed the task since then: a wrong token or a host that is gone must not hold its range for ever.
    """
    if row.open is None or row.open.task_version == job.version or row.last_error:
        return job
    try:
        return desk.job_at(job.name, row.open.task_version)
    except LogferryError as error:
        facts = {"task": job.name, "stream": row.stream, "version": row.open.task_version, "reason": str(error)}
        log.warning("range goes on with the newest version", extra=facts)
        return job


def _obstacle(part: Part | None, row: Row, stream: Stream, desk: Desk, *, patient: bool) -> str:
    """Why not to go on now; "" to go on (after the pause that the row asks for)."""
    error = part.error if part else None
    if part and part.lane and part.lane.claim.row.born != row.born:
        return "" if desk.in_time else OUT_OF_TIME  # the old stream's last; what it met says nothing of the new one
    if part and isinstance(error, Expired):
        return _skip_expired(part.job.name, row, stream, desk) or ("" if desk.in_time else OUT_OF_TIME)
    if part and not error:
        if not part.lane:
            return _BUSY
        if part.lane.claim.row.position == part.lane.begin:
            return "no progress: the source gave nothing up to the end of the range"
    rested = error is None or isinstance(error, Unfinished)  # slower than the others, or its share of the time is up
    pause = max(row.rest(desk.patience.clock()), 0.0 if rested else _BREATH)
    late = desk.patience.time_left() - pause <= desk.settings.reserve_seconds or not desk.patience.go_on()
    if late or (pause and not patient) or (error and not _passing(error)):
        return _why(error, row, pause)
    if pause:
        desk.patience.sleep(pause)
    return ""


def _why(error: Exception | None, row: Row, pause: float) -> str:
    if error and str(error) != OUT_OF_TIME:
        return told(error)
    return (row.last_error or "resting") if pause else OUT_OF_TIME


def _passing(error: Exception) -> bool:
    """Whether waiting may help."""
    return is_passing(error) and not isinstance(error, Conflict)  # the stream is somebody else's by now


def _skip_expired(task: str, row: Row, stream: Stream, desk: Desk) -> str:
    """Record what is gone as a gap and stand at the oldest readable position; what was in flight behind it stays so."""
    now = next((one for one in desk.source.streams() if one.name == stream.name), stream)
    gone = _is_of_another(row, now)
    if gone and not _has_spill(row, desk):  # made anew since it was listed: it holds nothing of what was to be read
        standing(task, now, desk)
        return ""
    begin = desk.seen_by(task, row, gone=gone).position(stream.name, "begin")
    estimate = desk.source.order(begin) - desk.source.order(row.position)
    if estimate <= 0:
        return f"position {row.position} is refused by the source, though it is not older than its begin {begin}"
    gap = Gap(
        begin=row.position, end=begin, reason="expired", at=int(desk.patience.clock()),
        estimate=estimate if estimate < _COUNTABLE else None,
        note="nor whole in the object store" if row.spilled else "",
    )  # fmt: skip
    opened = row.open
    if opened and desk.source.order(opened.end) > desk.source.order(begin):
        opened = Open(begin=begin, end=opened.end, task_version=opened.task_version)
    else:
        opened = None
    desk.ledger.edit(task, stream.name, lambda old: old.jump(gap, opened=opened), now=gap.at)
    facts = {"task": task, "stream": stream.name, "begin": gap.begin, "end": gap.end, "estimate": estimate}
    log.error("records expired before they were delivered", extra=facts)
    return ""


def _pull(desk: Desk, source: Source, stream: Stream, begin: Position, end: Position) -> Pull:
    return Pull(source, stream.name, begin, end, desk.ledger, desk.dead, desk.settings, desk.patience)
