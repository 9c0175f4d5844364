"""One task on one stream: select, encode, pack, settle in a window, and save the longest settled prefix."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import msgspec

from logferry import packing
from logferry.dead_letters import DeadLetters, Place
from logferry.delivery import ParkBudget, Patience, Verdict, settle
from logferry.destinations import Destination
from logferry.encoders import Encoder
from logferry.errors import LogferryError, Misconfigured, Permanent, Transient, Unfinished
from logferry.ledger import Claim, Lease, Open, Row
from logferry.model import Counts, Payload, Position
from logferry.plan import Plan, Tally
from logferry.sources import Batch

__all__ = ["Job", "Lane", "Settings"]

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0  # seconds a failing stream rests: the circuit's back-off


@dataclass(frozen=True, slots=True)
class Settings:
    """How often and how long. Seconds and bytes."""

    save_seconds: float = 5.0
    save_bytes: int = 64 * 1024 * 1024  # of raw logs
    lease_seconds: float = 60.0
    reserve_seconds: float = 3.0  # kept for the last save
    patience_seconds: float = 5.0  # how long the other tasks of a logstore wait for a slow one
    park_records: int = 100
    park_seconds: float = 600.0


@dataclass(slots=True)
class Job:
    """A delivery task, built; kept while the instance lives."""

    name: str
    version: int
    plan: Plan
    encoder: Encoder
    destination: Destination
    reached: bool = False  # the destination answered once: not asked again before each pull

    def reach(self) -> None:
        """Test that the far side is there, before the first pull. Raises Transient or Misconfigured."""
        if not self.reached:
            self.destination.check()
            self.reached = True


@dataclass(slots=True)
class _Pending:
    """A batch on its way."""

    batch: Batch
    counts: Counts = field(default_factory=Counts)
    verdicts: list[Future[Verdict]] = field(default_factory=list)
    parked: dict[int, str] = field(default_factory=dict)
    sealed: bool = False  # every payload of it was submitted

    @property
    def settled(self) -> bool:
        return self.sealed and all(future.done() for future in self.verdicts)


class Lane:
    """Not thread-safe: one thread feeds it; payloads are sent by up to `limits.in_flight` threads of its own."""

    def __init__(self, job: Job, claim: Claim, dead: DeadLetters, settings: Settings, patience: Patience) -> None:
        self.job = job
        self.claim = claim
        self.counts = Counts()  # saved by this lane
        self.batches = 0
        self._dead = dead
        self._settings = settings
        self._patience = patience
        self._budget = ParkBudget(settings.park_records, settings.park_seconds, patience.clock)
        self._queue: deque[_Pending] = deque()
        self._unsaved = Counts()
        self._unsaved_bytes = 0
        self.begin: Position = claim.row.position
        self._end: Position = self.begin  # of the settled prefix
        self._saved_at = patience.clock()
        width = job.destination.limits.in_flight
        self._threads = ThreadPoolExecutor(width, thread_name_prefix=job.name) if width > 1 else None
        self._in_flight: set[Future[Verdict]] = set()
        self.resumed = claim.resumed  # the first save may repeat records

    def take(self, batch: Batch) -> None:
        """Send one batch as far as the window allows. Raises what ends the lane."""
        pending = _Pending(batch)
        self._queue.append(pending)
        tally = Tally()
        limits, frame = self.job.destination.limits, self.job.encoder.frame
        for payload in packing.pack(self._parts(pending, tally), limits, frame):
            self._slot(limits.in_flight)
            pending.verdicts.append(self._submit(payload))
        pending.counts = Counts(
            read=batch.count, filtered=tally.filtered, sampled_out=tally.sampled_out,
            filtered_at_source=batch.filtered_at_source,
        )  # fmt: skip
        pending.sealed = True
        self.batches += 1
        self._reap()
        due = self._patience.clock() - self._saved_at >= self._settings.save_seconds
        if due or self._unsaved_bytes >= self._settings.save_bytes:
            self._settle_all()  # so that a kill can repeat what was sent since this save, and nothing older
            self._save()

    def finish(self) -> None:
        """Wait for the window, save, let go of the stream. Raises what ends the lane."""
        self._settle_all()
        self._save(done=True)
        self.abandon()

    def stop(self, error: Exception) -> None:
        """End early: save what is settled, keep the rest open, say why, let go of the stream."""
        self.abandon()
        # What a broken socket had taken before it broke is unknown: all since the last save goes again.
        lost = isinstance(error, Transient) and self.job.destination.confirmation == "socket"
        moved = not lost and self._settled_by_now()
        row = self._committed() if moved else self.claim.row
        now = self._patience.clock()
        # Held tasks have their own back-off, and time running out is no failure.
        failed = not isinstance(error, Misconfigured | Unfinished)
        failures = row.failures + 1 if failed and not moved else 0
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - 1, 10)) if failures else 0.0
        wish = getattr(error, "retry_after", None) or 0.0
        row = msgspec.structs.replace(
            row, lease=None, open=row.open if self._queue or lost else None, failures=failures, updated=now,
            retry_at=now + max(pause, wish) if failed else 0.0,
            last_error="" if isinstance(error, Unfinished) else f"{type(error).__name__}: {error}"[:300],
        )  # fmt: skip
        self.claim.save(row)
        self._note_saved(moved=moved)

    def abandon(self) -> None:
        """Send nothing more and save nothing: the stream is somebody else's now."""
        if self._threads:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def renew(self) -> None:
        """Keep the lease while sends are slow."""
        now, lease = self._patience.clock(), self.claim.row.lease
        if lease and lease.until - now < self._settings.lease_seconds / 2:
            self.claim.save(msgspec.structs.replace(self.claim.row, lease=self._lease(now), updated=now))

    def _parts(self, pending: _Pending, tally: Tally) -> Iterator[tuple[int, bytes]]:
        encode = self.job.encoder.encode
        for record in pending.batch.select(self.job.plan, tally):
            try:
                yield record.ordinal, encode(record)
            except Permanent as error:
                pending.parked[record.ordinal] = str(error)
                self._budget.take(str(error), len(pending.parked), pending.batch.count)

    def _submit(self, payload: Payload) -> Future[Verdict]:
        job = self.job
        work: Callable[[], Verdict] = lambda: settle(  # noqa: E731  # the one thing both ways of running share
            payload, job.destination, job.encoder.frame, self._budget, self._patience
        )
        if self._threads is None:
            future: Future[Verdict] = Future()
            future.set_result(work())
            return future
        future = self._threads.submit(work)
        self._in_flight.add(future)
        return future

    def _slot(self, width: int) -> None:
        """Wait until fewer than `width` payloads are on their way; the first failure ends the lane."""
        while True:
            done = {future for future in self._in_flight if future.done()}
            self._in_flight -= done
            for future in done:
                future.result()
            if len(self._in_flight) < width:
                return
            wait(self._in_flight, timeout=1.0, return_when=FIRST_COMPLETED)
            self.renew()

    def _settle_all(self) -> None:
        """Empty the window."""
        while self._queue:
            self._slot(1)
            self._reap()

    def _reap(self) -> None:
        """Count and park what is settled, in order."""
        while self._queue and self._queue[0].settled:
            pending = self._queue[0]
            verdicts = [future.result() for future in pending.verdicts]
            for verdict in verdicts:
                pending.parked.update(verdict.parked)
            self._park(pending)
            delivered = sum(verdict.delivered for verdict in verdicts)
            self._unsaved += pending.counts + Counts(delivered=delivered, parked=len(pending.parked))
            self._unsaved_bytes += pending.batch.size
            self._end = pending.batch.end
            self._queue.popleft()

    def _park(self, pending: _Pending) -> None:
        row, batch = self.claim.row, pending.batch
        for ordinal, reason in pending.parked.items():
            place = Place(row.stream, batch.begin, ordinal)
            self._dead.park(self.job.name, self.job.version, place, reason, batch.original(ordinal))
        if self.resumed:
            self._dead.retract(self.job.name, row.stream, batch.begin, set(pending.parked))

    def _settled_by_now(self) -> bool:
        """Whether there is anything to commit on the way out (a socket must confirm it first)."""
        try:
            self._reap()
            self.job.destination.confirm(max(self._patience.time_left(), 0.001))
        except (LogferryError, CancelledError):
            if self.job.destination.confirmation == "socket":
                return False
        return self._end != self.claim.row.position

    def _committed(self) -> Row:
        counts = self._unsaved
        if self.resumed:
            counts += Counts(maybe_repeated=counts.read)
        row = self.claim.row.commit(self._end, counts, self._patience.clock())
        opened = row.open and Open(begin=self._end, end=row.open.end, task_version=row.open.task_version)
        return msgspec.structs.replace(row, open=opened, failures=0, retry_at=0, last_error="")

    def _save(self, *, done: bool = False) -> None:
        self.job.destination.confirm(max(self._patience.time_left(), 0.001))
        moved = self._end != self.claim.row.position
        row = self._committed() if moved else self.claim.row
        now = self._patience.clock()
        lease = None if done else self._lease(now)
        self.claim.save(msgspec.structs.replace(row, lease=lease, open=None if done else row.open, updated=now))
        self._note_saved(moved=moved)

    def _note_saved(self, *, moved: bool) -> None:
        self._saved_at = self._patience.clock()
        if moved:
            self.counts += self._unsaved + Counts(maybe_repeated=self._unsaved.read if self.resumed else 0)
            self._unsaved, self._unsaved_bytes, self.resumed = Counts(), 0, False

    def _lease(self, now: float) -> Lease:
        return Lease(owner=self.claim.owner, until=now + self._settings.lease_seconds)
