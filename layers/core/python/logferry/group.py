"""One pull of one range, fed to every lane that stands at its begin; a lane that fails or is slow leaves.

Whatever goes wrong in a lane, a mistake of ours included, ends that lane and no other: it saves what is settled and
lets go of its stream.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from msgspec import Struct, field

from logferry.delivery import OUT_OF_TIME
from logferry.errors import Conflict, LogferryError, Unfinished
from logferry.job import Job
from logferry.lane import Lane, Pull
from logferry.ledger import Open
from logferry.sources import Batch

__all__ = ["Part", "Pull", "pump"]

log = logging.getLogger(__name__)


class Part(Struct):
    """One job's way through one range. Neither lane nor error: somebody else works on the stream."""

    job: Job
    lane: Lane | None = None
    error: Exception | None = None
    work: "Future[None] | None" = field(default=None)

    def attempt(self, work: Callable[["Part"], None]) -> None:
        """Do it; what goes wrong ends this part."""
        try:
            work(self)
        except Exception as error:  # noqa: BLE001  # the one place where a lane's trouble is kept from the others
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End it with this error, if it has none yet."""
        if not isinstance(error, LogferryError):
            log.error("mistake in logferry", extra={"task": self.job.name}, exc_info=error)
        self.error = self.error or error
        self.job.doubt(self.error)


def pump(jobs: Sequence[Job], pull: Pull) -> dict[str, Part]:
    """Read the range once; every part ends saved, with the error that ended it, if any."""
    parts = [Part(job) for job in jobs]
    for part in parts:
        part.attempt(partial(_claim, pull))
    failure: Exception | None = None
    with ThreadPoolExecutor(len(parts), thread_name_prefix="lane") as threads:
        try:
            failure = _read(parts, pull, threads)
        except Exception as error:  # noqa: BLE001  # the source's trouble is every lane's, and each must let go
            failure = error
        for part in sorted(parts, key=_is_left):  # the slow ones keep nobody waiting
            _end(part, failure)
    return {part.job.name: part for part in parts}


def _claim(pull: Pull, part: Part) -> None:
    now = pull.patience.clock()
    opened = Open(begin=pull.begin, end=pull.end, task_version=part.job.version)
    claim = pull.ledger.claim(part.job.name, pull.stream, opened, now=now, until=now + pull.settings.lease_seconds)
    if claim is not None:
        part.lane = Lane(part.job, claim, pull)


def _read(parts: Sequence[Part], pull: Pull, threads: ThreadPoolExecutor) -> Exception | None:
    """Batch after batch to all that keep up; why it ended early, if it did."""

    def together(going: Sequence[Part], work: Callable[[Part], None]) -> list[Part]:
        return _side_by_side(going, work, threads, pull.settings.patience_seconds)

    going = [part for part in parts if part.lane and not part.error]
    # No longer than the others would wait for it: a far side that says nothing costs every call and every stream that.
    look = min(pull.settings.patience_seconds, max(0.0, pull.patience.time_left() - pull.settings.reserve_seconds))
    going = together(going, lambda part: part.job.reach(look))
    for batch in pull.source.read(pull.stream, pull.begin, pull.end) if going else ():
        going = together(going, partial(_take, batch))
        if not going:
            break
        if pull.patience.time_left() <= pull.settings.reserve_seconds or not pull.patience.go_on():
            return Unfinished(OUT_OF_TIME)
    return None


def _take(batch: Batch, part: Part) -> None:
    if part.lane:
        part.lane.take(batch)


def _finish(part: Part) -> None:
    if part.lane:
        part.lane.finish()


def _side_by_side(
    going: Sequence[Part], work: Callable[[Part], None], threads: ThreadPoolExecutor, patience: float
) -> list[Part]:
    """Those that did it in time. The others go on with it alone, and get no more."""
    if len(going) == 1:
        going[0].attempt(work)
    else:
        for part in going:
            part.work = threads.submit(part.attempt, work)
        wait([part.work for part in going if part.work], timeout=patience)
    for part in going:
        if part.lane and part.work and not part.work.done():
            part.lane.left = True
    return [part for part in going if not part.error and not _is_left(part)]


def _is_left(part: Part) -> bool:
    return part.lane is not None and part.lane.left


def _end(part: Part, failure: Exception | None) -> None:
    """Finish or stop the lane; the row says how it ended."""
    if part.work:
        part.work.result()
    if part.lane is None:
        return
    if failure:
        part.fail(failure)
    if _is_left(part):
        part.fail(Unfinished("slower than the other tasks of this logstore"))
    if part.error is None:
        part.attempt(_finish)
    if part.error is None:
        return
    error = part.error
    if isinstance(error, Conflict):
        part.lane.abandon()
        return
    try:
        part.lane.stop(error)
    except Exception as worse:  # noqa: BLE001  # the table is down: the lease runs out
        part.lane.abandon()
        part.error = None
        part.fail(worse)
