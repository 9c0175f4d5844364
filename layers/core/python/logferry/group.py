"""One pull of one range, fed to every lane that stands at its begin; a lane that fails or is slow leaves."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from logferry.dead_letters import DeadLetters
from logferry.delivery import Patience
from logferry.errors import Conflict, LogferryError, Transient, Unfinished
from logferry.lane import Job, Lane, Settings
from logferry.ledger import Ledger, Open
from logferry.model import Position
from logferry.sources import Batch, Source

__all__ = ["Part", "pump"]


@dataclass(slots=True)
class Part:
    """One job's way through one range. Neither lane nor error: somebody else works on the stream."""

    job: Job
    lane: Lane | None = None
    error: LogferryError | None = None
    left: bool = False  # slower than the others: it goes on with the batch it has, and gets no more
    work: "Future[None] | None" = field(default=None)


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull needs beside its jobs."""

    source: Source
    stream: str
    begin: Position
    end: Position
    ledger: Ledger
    dead: DeadLetters
    settings: Settings
    patience: Patience


def pump(jobs: Sequence[Job], pull: Pull) -> dict[str, Part]:
    """Read the range once; every part ends saved, with the error that ended it, if any."""
    parts = {job.name: _start(job, pull) for job in jobs}
    going = [part for part in parts.values() if part.lane and not part.error]
    failure: LogferryError | None = None
    with ThreadPoolExecutor(len(parts), thread_name_prefix="lane") as threads:
        try:
            for batch in pull.source.read(pull.stream, pull.begin, pull.end) if going else ():
                _feed(going, batch, threads, pull.settings.patience_seconds)
                going = [part for part in going if not part.error]
                if not going:
                    break
                if pull.patience.time_left() <= pull.settings.reserve_seconds:
                    failure = Unfinished("out of time")
                    break
        except LogferryError as error:
            failure = error
        for part in sorted(parts.values(), key=lambda part: part.left):  # the slow ones keep nobody waiting
            _end(part, failure)
    return parts


def _start(job: Job, pull: Pull) -> Part:
    part = Part(job)
    now = pull.patience.clock()
    opened = Open(begin=pull.begin, end=pull.end, task_version=job.version)
    try:
        claim = pull.ledger.claim(job.name, pull.stream, opened, now=now, until=now + pull.settings.lease_seconds)
        if claim is None:
            return part
        patience = replace(pull.patience, time_left=lambda: 0.0 if part.left else pull.patience.time_left())
        part.lane = Lane(job, claim, pull.dead, pull.settings, patience)
        job.reach()
    except LogferryError as error:
        part.error = error
    return part


def _feed(going: Sequence[Part], batch: Batch, threads: ThreadPoolExecutor, patience: float) -> None:
    if len(going) == 1:
        _take(going[0], batch)
        return
    for part in going:
        part.work = threads.submit(_take, part, batch)
    wait([part.work for part in going if part.work], timeout=patience)
    for part in going:
        if part.work and not part.work.done():
            part.left = True
            part.error = Transient(f"slower than the other tasks of this logstore by {patience:.0f} s")


def _take(part: Part, batch: Batch) -> None:
    try:
        if part.lane:
            part.lane.take(batch)
    except LogferryError as error:
        part.error = error


def _end(part: Part, failure: LogferryError | None) -> None:
    """Finish or stop the lane; the row says how it ended."""
    if part.work:
        part.work.result()
    if part.lane is None:
        return
    part.error = part.error or failure
    try:
        if part.error is None:
            part.lane.finish()
            return
    except LogferryError as error:
        part.error = error
    try:
        if isinstance(part.error, Conflict):
            part.lane.abandon()
        else:
            part.lane.stop(part.error)
    except LogferryError as error:
        part.lane.abandon()
        part.error = error
