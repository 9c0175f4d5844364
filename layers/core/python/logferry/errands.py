"""Objects that were put, fetched and delivered: noted first, then delivered, then done. The event is only a doorbell.

`errand_notes` writes a row for each (task, object) before anything else; from then on nothing depends on the event
being told again. `visit` delivers what is due, for `forward` the objects of its event, for `sweep` all of them. What
fails stays due.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

import msgspec

from logferry import config
from logferry.errand_notes import options_of
from logferry.errand_rows import Done, Due, Errand, Errands
from logferry.errand_slots import Full, Slots, bound_to, end_of
from logferry.errors import ConfigError, Conflict, Expired, LogferryError, Misconfigured, Transient, Unfinished, told
from logferry.group import Part, Pull, pump
from logferry.job import Job
from logferry.ledger import Row
from logferry.model import Effort, Lag, Outcome
from logferry.rounds import Crew, Visit
from logferry.route import OUT_OF_TIME, worker
from logferry.sources import Source
from logferry.sources.objects import ObjectsSource, Wanted
from logferry.state import Table
from logferry.task_store import Stored

__all__ = ["DUE", "recalling", "visit"]

log = logging.getLogger(__name__)

DUE = "due"  # stands for a stream where it is told what waits
_LISTED = 1_000  # rows of one task that a sweep looks at
_RACES = 4  # for a slot
_FIRST, _LONGEST = 2.0, 300.0  # seconds that an object rests after a failure


def visit(crew: Crew, table: Table, marks: Mapping[str, Sequence[str]] | None = None) -> Visit:
    """Deliver what is due: these objects by task, or (None) whatever is. What stops one task stops no other."""
    found = Visit()
    for done, stored in enumerate(crew.tasks):
        desk = crew.desk.share(len(crew.tasks) - done)
        work = _Work(stored, Crew(crew.tasks, desk, crew.holds, crew.job), Errands(table, stored.name), found)
        try:
            work.go(None if marks is None else marks.get(stored.name, ()))
        except LogferryError as error:
            effort = Effort(errors=int(not isinstance(error, Unfinished)))
            found.add(Outcome(task=stored.name, stream=DUE, effort=effort, finished=False, note=told(error)))
    return found


def recalling(source: Source, task: str, table: Table) -> Source:
    """The source for a recount: it knows which objects went through which slot, as long as that is remembered."""
    if not isinstance(source, ObjectsSource):
        return source
    known: dict[tuple[str, int], Wanted] = {}

    def recall(slot: str, number: int) -> Wanted | None:
        if not known:
            known.update(
                {(done.slot, done.number): _wanted(mark, done) for mark, done in Errands(table, task).all_done()}
            )
        return known.get((slot, number))

    return source.recalling(recall)


class _Work:
    """One task's turn."""

    def __init__(self, stored: Stored, crew: Crew, errands: Errands, found: Visit) -> None:
        self._task, self._stored, self._crew, self._desk = stored.name, stored, crew, crew.desk
        self._errands, self._found = errands, found
        self._owner = secrets.token_hex(8)
        options = options_of(stored)
        remember = config.seconds(options.remember) if options else 0.0
        self._slots = Slots(stored.name, crew.desk, errands, remember)
        self._was_held, self._reason = False, ""  # why what is left was left
        self._bound: frozenset[str] = frozenset()  # once no slot is free: who has one, and goes on

    def go(self, marks: Sequence[str] | None) -> None:
        """All that is due and not resting, what failed least and is oldest first, until something stops the task."""
        due = self._due(marks)
        job = self._job() if due else None
        left = {one.mark: one.errand for one in due}
        for mark, errand in due if job else ():
            if not self._desk.in_time:
                self._reason = OUT_OF_TIME
                break
            if errand.rest(self._desk.patience.clock()) or (self._bound and mark not in self._bound):
                self._reason = errand.last_error or self._reason
                continue
            is_settled, goes_on = self._fetch(job, mark) if job else (False, False)
            if is_settled:
                del left[mark]
                self._bound = frozenset()
            if not goes_on:
                break
        if marks is None:
            self._slots.tidy(list(left))
        self._tell_late(list(left.values()))

    def _due(self, marks: Sequence[str] | None) -> list[Due]:
        found = list(islice(self._errands.due(), _LISTED)) if marks is None else []
        hidden = self._slots.bound().difference(one.mark for one in found) if len(found) == _LISTED else ()
        named = dict.fromkeys(marks or hidden)  # an event may tell of an object twice
        found += [Due(mark, errand) for mark in named if (errand := self._errands.get(mark))]
        return sorted(found, key=lambda one: (one.errand.attempts, one.errand.at, one.mark))

    def _job(self) -> Job | None:
        """The job, if the task may work now."""
        now = self._desk.patience.clock()
        health = self._crew.holds.health(self._task)
        self._was_held = health is not None
        if health is not None and not self._crew.holds.probe(self._task, now):
            until = datetime.fromtimestamp(health.retry_at, UTC).isoformat(timespec="seconds")
            self._reason = self._found.held[self._task] = f"held until {until}: {health.reason}"
            return None
        try:
            return self._crew.job(self._stored)
        except (ConfigError, Misconfigured) as error:  # this task's own trouble (a missing secret)
            self._hold(str(error))
            return None

    def _fetch(self, job: Job, mark: str) -> tuple[bool, bool]:
        """Deliver one object; whether it is settled (by whomever), and whether to go on with others."""
        patience, lease = self._desk.patience, self._desk.settings.lease_seconds
        now = patience.clock()
        errand = self._errands.take(mark, self._owner, now, now + lease)
        if errand is None:
            return True, True  # somebody else is at it, or through with it
        done = self._errands.done(mark)
        if done and done.is_settled:  # noted again while it ended
            self._errands.drop(mark)
            return True, True
        try:
            for _ in range(_RACES):
                row = self._slots.find(mark)
                if row is None:
                    return True, True
                if row.lease and row.lease.holds(now):
                    self._give_back(mark, None)
                    return True, True
                part = self._pump(job, errand, row, mark)
                if part.lane is None and part.error is None:
                    continue  # another object was quicker
                if part.lane and part.error is None and bound_to(part.lane.claim.row) == mark:
                    self._add(part)  # what an earlier call may have sent already; now the rest
                    continue
                return self._follow_up(part, mark)
            raise Transient("other objects took each slot first", retry_after=1.0)
        except Full as error:  # that does not free any: others do
            self._give_back(mark, error)
            self._bound, self._reason = error.bound, told(error)
            return False, True
        except LogferryError as error:
            self._give_back(mark, error)
            raise

    def _pump(self, job: Job, errand: Errand, row: Row, mark: str) -> Part:
        desk, source = self._desk, self._desk.source
        if not isinstance(source, ObjectsSource):
            raise TypeError(type(source))

        def check() -> None:
            """The slot was taken in the object's name; one that is not ours any more, somebody else delivers."""
            found = self._errands.get(mark)
            if found is None or found.lease is None or found.lease.owner != self._owner:
                raise Conflict(f"task {self._task}: {errand.keys[0]} is somebody else's by now", version="")

        held = source.holding(_wanted(mark, errand), check)
        end = row.open.end if row.open else end_of(row, mark)
        pull = Pull(held, row.stream, row.position, end, desk.ledger, desk.dead, desk.settings, desk.patience)
        return pump([worker(job, row, desk)], pull)[job.name]

    def _follow_up(self, part: Part, mark: str) -> tuple[bool, bool]:
        lane, error = part.lane, part.error
        if lane is None:
            raise error or Transient("nothing was read")
        row, gaps = lane.claim.row, 0
        if isinstance(error, Expired):
            log.error("object lost", extra={"task": self._task, "stream": row.stream, "reason": str(error)})
            row, gaps = self._slots.lose(row, mark, str(error)), 1
        is_settled = error is None or gaps > 0
        self._add(part, gaps=gaps, finished=is_settled or isinstance(error, Conflict))
        if is_settled:
            self._slots.settle(row, mark)
        else:
            self._give_back(mark, error, moved=row.position != lane.begin)
            self._reason = told(error) if error else ""
        if isinstance(error, Misconfigured):
            self._hold(str(error))
        elif lane.counts.read and self._was_held:
            self._crew.holds.release(self._task)  # it delivered: the hold is over
            self._was_held = False
        return is_settled or isinstance(error, Conflict), is_settled or isinstance(error, Conflict)

    def _add(self, part: Part, *, gaps: int = 0, finished: bool = False) -> None:
        """Tell what one pull came to."""
        lane, error = part.lane, part.error
        if lane is not None:
            failed = error is not None and not isinstance(error, Expired | Unfinished | Conflict)
            self._found.add(Outcome(
                task=self._task, stream=lane.claim.row.stream, counts=lane.counts,
                effort=lane.effort + Effort(gaps=gaps, errors=int(failed)), finished=finished,
                held=isinstance(error, Misconfigured), note=told(error) if error else "",
            ))  # fmt: skip

    def _give_back(self, mark: str, error: Exception | None, *, moved: bool = False) -> None:
        """Let others have it; after a failure not at once."""
        now = self._desk.patience.clock()

        def change(errand: Errand) -> Errand:
            if error is None or isinstance(error, Unfinished | Conflict):
                return msgspec.structs.replace(errand, attempts=0 if moved else max(0, errand.attempts - 1))
            attempts = 1 if moved else errand.attempts
            wish = getattr(error, "retry_after", None) or 0.0
            pause = max(wish, min(_LONGEST, _FIRST * 2 ** min(attempts - 1, 10)))
            retry_at = 0.0 if isinstance(error, Misconfigured) and attempts < 2 else now + pause
            return msgspec.structs.replace(errand, attempts=attempts, retry_at=retry_at, last_error=told(error)[:300])

        self._errands.give_back(mark, self._owner, change)

    def _hold(self, reason: str) -> None:
        log.error("task held", extra={"task": self._task, "reason": reason})
        self._crew.holds.hold(self._task, reason, self._desk.patience.clock())
        self._reason = self._found.held[self._task] = reason

    def _tell_late(self, left: Sequence[Errand]) -> None:
        if not left:
            return
        age = max(0.0, self._desk.patience.clock() - min(errand.at for errand in left))
        over = age > config.seconds(self._stored.task().max_lag)
        count = f"{len(left)}" + ("" if len(left) < _LISTED else " or more")
        reason = self._reason or "not their turn"
        self._found.lags[self._task, DUE] = Lag(seconds=age, over=over)
        self._found.add(Outcome(task=self._task, stream=DUE, finished=False, note=f"{count} object(s) due: {reason}"))
        if over:
            facts = {"task": self._task, "stream": DUE, "lag": int(age), "reason": reason}
            log.warning("lag over max_lag", extra=facts)


def _wanted(mark: str, row: Errand | Done) -> Wanted:
    return Wanted(row.bucket, row.keys, row.etag, row.at, mark)
