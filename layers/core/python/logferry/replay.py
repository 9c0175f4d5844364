"""Dead letters delivered after all: read as records, the task's plan as it is now, encoded, packed, sent, then moved.

| a letter that | is then |
|---|---|
| the destination takes            | `replayed` |
| is refused again                 | `open`, with the new reason and one attempt more |
| the plan would leave out now     | `open` as it was, and told |
| cannot be read                   | left as it is, and told |
| belongs to a range still in flight | left alone: the run that goes on with the range parks it again or delivers it |

One payload at a time, and its letters move once the destination has it: a kill repeats one payload at most. The park
budget does not count here, for what is replayed was parked before. Memory: 500 letters or 8 MB, and one group of 32.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from itertools import islice
from typing import TypeVar

import msgspec

from logferry import packing
from logferry.dead_letters import Closed
from logferry.delivery import OUT_OF_TIME, ParkBudget, Verdict, settle
from logferry.errors import Conflict, LogferryError, Permanent, Unfinished, told
from logferry.job import Job
from logferry.letter_lease import Hold
from logferry.letters import Found, alone, find, record_of
from logferry.model import Origin, Payload
from logferry.pace import Pace
from logferry.plan import Tally, select
from logferry.replay_order import Order, ReplayDesk, Replayed, is_resting
from logferry.window import Heart

__all__ = ["replay"]

log = logging.getLogger(__name__)
T = TypeVar("T")

_LETTERS, _BYTES = 500, 8_000_000  # of one batch
_THREADS = 8


def replay(order: Order, job: Job, desk: ReplayDesk) -> Replayed:
    """Replay what is ordered, as far as it goes. What stops it stands in the report; a mistake of ours is raised."""
    report = Replayed()
    try:
        with alone(desk.dead, desk.leases, order.task) as hold:
            _Run(order, job, desk, hold, report).go()
    except LogferryError as error:
        report.error = error
    facts = {"task": order.task, "to": job.name, "delivered": report.delivered, "refused": report.refused}
    log.info("letters replayed", extra=facts | {"reason": str(report.error or "")})
    return report


class _Unbounded(ParkBudget):
    def __init__(self) -> None:
        """Nothing is counted."""
        super().__init__(0, 0, lambda: 0)

    def take(self, reason: str, parked: int, of: int) -> None:
        """Refused before, refused again: that is no news about the task's configuration."""


class _Run:
    """One replay under its lease."""

    def __init__(self, order: Order, job: Job, desk: ReplayDesk, hold: Hold, report: Replayed) -> None:
        self._order, self._job, self._desk, self._hold, self._report = order, job, desk, hold, report
        self._patience = desk.patience.reserving(desk.settings.reserve_seconds)
        self._pace = Pace(order.rate, desk.patience.clock, desk.patience.sleep)
        self._heart = Heart(hold.renew)
        self._counting = threading.Lock()
        limits = job.destination.limits
        self._limits = msgspec.structs.replace(limits, max_records=self._pace.most(limits.max_records))

    def go(self) -> None:
        """Batch after batch, until all are dealt with. Raises what stops it."""
        found = find(self._desk.dead, self._order.task, self._order.wanted, seen=self._saw)
        with closing(found), ThreadPoolExecutor(_THREADS, thread_name_prefix="replay") as threads:
            batches = self._batches(found)
            try:
                while batch := self._next(batches):
                    self._deliver(batch, threads)
            finally:
                self._heart.stop()

    def _saw(self, letters: int) -> None:
        self._desk.seen(letters)
        if self._patience.time_left() <= 0:
            raise Unfinished(OUT_OF_TIME)

    def _next(self, batches: Iterator[list[Found]]) -> list[Found]:
        self._hold.renew()
        with self._heart.beating():
            return next(batches, [])

    def _batches(self, found: Iterable[Found]) -> Iterator[list[Found]]:
        """Letters to be tried now, as many as fit into memory; the others are counted for what they are."""
        room = self._order.limit or 1 << 62
        fit = (one for one in found if self._is_due(one))
        batch, size = list[Found](), 0
        for one in islice(fit, room):
            batch.append(one)
            size += len(one.letter.original) if one.letter else 0
            if len(batch) >= _LETTERS or size >= _BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _is_due(self, one: Found) -> bool:
        report = self._report
        if one.letter is None:
            self._lay_aside(one.problem)
        elif self._desk.busy(one.letter):
            report.in_flight += 1
        elif self._order.bounded and is_resting(one.letter, self._desk.patience.clock()):
            report.resting += 1
            report.tell(one.letter.reason)
        else:
            return True
        return False

    def _deliver(self, batch: Sequence[Found], threads: ThreadPoolExecutor) -> None:
        job, refused = self._job, dict[int, str]()
        try:
            for bare in packing.pack(self._parts(batch, refused), self._limits, job.encoder.frame):
                payload = bare._replace(origin=_origin([batch[i] for i in bare.ordinals]))
                verdict = self._send(payload)
                refused.update(verdict.parked)
                taken = [batch[i] for i in payload.ordinals if i not in verdict.parked]
                self._at_once(self._close, taken, threads)
                self._report.maybe_repeated += len(verdict.repeated)
        except Conflict:  # the letters are somebody else's: not one of them is written any more
            refused.clear()
            raise
        finally:
            self._at_once(self._keep, [(batch[i], reason) for i, reason in refused.items()], threads)

    def _at_once(self, work: Callable[[T], None], what: Sequence[T], threads: ThreadPoolExecutor) -> None:
        with self._heart.beating():
            list(threads.map(work, what))

    def _parts(self, batch: Sequence[Found], refused: dict[int, str]) -> Iterator[tuple[int, bytes]]:
        for number, one in enumerate(batch):
            try:
                part = self._encoded(one)
            except Permanent as error:
                refused[number] = str(error)
            except LogferryError as error:
                self._lay_aside(str(error))
            except Exception as error:  # of a letter that trips us up the others must not wait
                log.exception("mistake in logferry", extra={"key": one.key})
                self._lay_aside(told(error))
            else:
                if part is not None:
                    yield number, part

    def _lay_aside(self, reason: str) -> None:
        self._report.unreadable += 1
        self._report.tell(reason)

    def _encoded(self, one: Found) -> bytes | None:
        """As the task makes it now; None if its plan leaves it out."""
        tally = Tally()
        for record in select(self._job.plan, [record_of(one.letter)] if one.letter else [], tally):
            return self._job.encoder.encode(record)
        self._report.left_out += 1
        self._report.tell("left out by the task's filter now" if tally.filtered else "left out by sampling now")
        return None

    def _send(self, payload: Payload) -> Verdict:
        job, patience = self._job, self._patience
        self._hold.renew()
        with self._heart.beating():
            if not self._pace.wait(len(payload.parts), patience.time_left) or patience.time_left() <= 0:
                raise Unfinished(OUT_OF_TIME)
            job.reach(max(patience.time_left(), 0.001))
            verdict = settle(payload, job.destination, job.encoder.frame, _Unbounded(), patience)
            job.destination.confirm(max(patience.to_the_end(), 0.001))
        self._hold.renew()
        return verdict

    def _close(self, one: Found) -> None:
        if one.letter:
            closed = Closed(at=int(self._patience.clock()), by=self._order.by, to=self._job.name)
            self._desk.dead.move(one.key, "replayed", msgspec.structs.replace(one.letter, closed=closed))
        with self._counting:
            self._report.delivered += 1

    def _keep(self, refused: tuple[Found, str]) -> None:
        """It stays open, with the new reason."""
        one, reason = refused
        if one.letter:
            now, tried = int(self._patience.clock()), one.letter.attempts + 1
            self._desk.dead.write(one.key, msgspec.structs.replace(
                one.letter, reason=reason[:500], attempts=tried, tried_at=now, task_version=self._job.version
            ))  # fmt: skip
        with self._counting:
            self._report.refused += 1
            self._report.tell(reason)


def _origin(letters: Sequence[Found]) -> Origin:
    """Named by the letters themselves: never like the payload that some of them were once refused from."""
    name = blake2b("\n".join(one.key for one in letters).encode(), digest_size=12).hexdigest()
    first = letters[0].letter
    return Origin("replay", name, first.parked_at if first else 0)
