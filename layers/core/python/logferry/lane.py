"""One task on one stream: select, encode, pack, settle in a window, and save the longest settled prefix."""

import logging
import sys
import threading
from contextlib import suppress
from functools import partial

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from logferry import packing
from logferry.dead_letters import DeadLetters, Place
from logferry.delivery import ParkBudget, Patience, settle
from logferry.encoded import encoded
from logferry.errors import DeliveryError, Misconfigured, Permanent, Transient, Unfinished, told
from logferry.job import Job, Settings
from logferry.ledger import FARTHEST, Claim, Lease, Ledger, Open, Row
from logferry.model import Counts, Effort, Origin, Position
from logferry.plan import Tally
from logferry.sources import Batch, Named, Source
from logferry.window import Pending, Window, side_by_side

__all__ = ["Lane", "Pull"]

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0  # seconds a failing stream rests: the circuit's back-off


class Pull(Struct, frozen=True):
    """One range, and what it takes to read it and to say what became of it."""

    source: Source
    stream: str
    begin: Position
    end: Position
    ledger: Ledger
    dead: DeadLetters
    settings: Settings
    patience: Patience


class Lane:
    """Not thread-safe: one thread feeds it."""

    def __init__(self, job: Job, claim: Claim, pull: Pull) -> None:
        self.job = job
        self.claim = claim
        self.begin: Position = claim.row.position
        self.counts = Counts()  # saved by this lane
        self._batches, self._bytes, self._retries, self._counting = 0, 0, 0, threading.Lock()
        self.left = False  # slower than the others, who have gone on
        self._pull, self._settings, self._patience = pull, pull.settings, pull.patience
        self._budget = job.budget = job.budget or ParkBudget(
            pull.settings.park_records, pull.settings.park_seconds, pull.patience.clock
        )
        self._window = Window(job.destination.limits.in_flight, job.name, self._renew)
        self._end: Position = self.begin  # of the settled prefix
        self._reach: Position = self.begin  # of what was taken
        self._unsaved = Counts()
        self._taken = 0  # bytes since the last save
        self._saved_at = pull.patience.clock()
        # How many bytes an interrupted run may have sent: it would have saved after as many. At least one batch. What
        # came by itself was sent event by event, each perhaps.
        most = sys.maxsize if pull.source.replays == "never" else max(pull.settings.save_bytes, 1)
        self._again = most if claim.resumed else 0
        self._strays: set[Place] | None = None  # dead letters that the interrupted run may have left

    @property
    def effort(self) -> Effort:
        """What this lane did so far."""
        return Effort(batches=self._batches, bytes=self._bytes, retries=self._retries)

    def take(self, batch: Batch) -> None:
        """Send one batch as far as the window allows. Raises what ends the lane."""
        pending = Pending(batch, again=self._again > 0 or self._settings.repeats)
        self._again = max(0, self._again - batch.size)
        self._taken += batch.size
        self._batches, self._bytes = self._batches + 1, self._bytes + batch.size
        self._reach = batch.end
        self._window.take(pending)
        tally, job, patience = Tally(), self.job, self._sending()
        frame, pull = job.encoder.frame, self._pull
        name, begin = batch.named if isinstance(batch, Named) else (pull.ledger.named(pull.stream), batch.begin)
        parts = encoded(pending, job.plan, job.encoder, tally, partial(self._refuse, pending))
        for bare in packing.pack(parts, job.destination.limits, frame):
            payload = bare._replace(origin=Origin(name, begin, pending.time or 0))
            self._window.send(pending, partial(settle, payload, job.destination, frame, self._budget, patience))
        pending.counts = Counts(
            read=batch.count, filtered=tally.filtered, sampled_out=tally.sampled_out,
            filtered_at_source=batch.filtered_at_source,
        )  # fmt: skip
        pending.sealed = True
        self._reap()
        elapsed = self._patience.clock() - self._saved_at  # below 0 where the clock was put back
        if not 0 <= elapsed < self._settings.save_seconds or self._taken >= self._settings.save_bytes:
            self._settle()  # so that a kill can repeat what was sent since this save, and nothing older
            self._save()

    def finish(self) -> None:
        """Wait for the window, save, let go of the stream. Raises what ends the lane."""
        self._settle()
        self._save(done=True)
        self.abandon()

    def stop(self, error: Exception) -> None:
        """End early: save what is settled, keep the rest open, say why, let go of the stream."""
        self._window.close(cancel=isinstance(error, DeliveryError))  # else the far side takes what is on its way
        # What a broken socket had taken before it broke is unknown: all since the last save goes again.
        lost = isinstance(error, Transient) and self.job.destination.confirmation == "socket"
        moved = self._is_vouched_for() and not lost
        row = self._committed() if moved else self.claim.row
        now = self._patience.clock()
        # Held tasks have their own back-off, and time running out is no failure.
        failed = not isinstance(error, Misconfigured | Unfinished)
        failures = row.failures + 1 if failed and not moved else 0
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - 1, 10)) if failures else 0.0
        wish = getattr(error, "retry_after", None) or 0.0
        self.claim.save(msgspec.structs.replace(
            row, lease=None, open=self._in_doubt(row), failures=failures, updated=now,
            retry_at=now + min(max(pause, wish), FARTHEST) if failed else 0.0,
            last_error="" if isinstance(error, Unfinished) else told(error)[:300],
        ))  # fmt: skip
        self._note_saved(moved=moved)

    def abandon(self) -> None:
        """Send nothing more and save nothing: the stream is somebody else's now."""
        self._window.close()

    def _sending(self) -> Patience:
        """Time for sends: all but what the last save needs; little by little once the others have gone on."""
        most, little = self._patience.reserving(self._settings.reserve_seconds), self._settings.patience_seconds
        return replace(
            most,
            time_left=lambda: min(most.time_left(), little if self.left else most.time_left()),
            sleep=self._back_off,
        )

    def _back_off(self, seconds: float) -> None:
        """The pause before a payload is sent again: here all threads pass, so here their repeats are counted."""
        with self._counting:
            self._retries += 1
        self._patience.sleep(seconds)

    def _refuse(self, pending: Pending, ordinal: int, error: Permanent) -> None:
        """A record that can never be encoded."""
        pending.parked[ordinal] = str(error)
        self._budget.take(str(error), len(pending.parked), pending.batch.count)

    def _settle(self) -> None:
        """Empty the window."""
        self._window.drain()
        self._reap()

    def _reap(self) -> None:
        """Count and park what is settled, in order."""
        for pending in self._window.settled():
            verdicts = [future.result() for future in pending.verdicts]
            for verdict in verdicts:
                pending.parked.update(verdict.parked)
            self._park(pending)
            delivered = sum(verdict.delivered for verdict in verdicts)
            repeated = sum(len(verdict.repeated - pending.parked.keys()) for verdict in verdicts)
            self._unsaved += pending.counts + Counts(
                delivered=delivered, parked=len(pending.parked), maybe_repeated=delivered if pending.again else repeated
            )
            self._end = pending.batch.end

    def _park(self, pending: Pending) -> None:
        name, stream, batch, dead = self.job.name, self._pull.stream, pending.batch, self._pull.dead
        places = {ordinal: Place(stream, batch.begin, ordinal) for ordinal in pending.parked}
        letters = ((places[at], reason, batch.original(at)) for at, reason in pending.parked.items())
        # The pulse: whoever lost the stream parks nothing that its new owner may deliver.
        side_by_side(partial(dead.park, name, self.job.version, source=self.job.source), letters, self._renew)
        if places:
            facts = {
                "task": name,
                "stream": stream,
                "records": len(places),
                "reason": next(iter(pending.parked.values())),
            }
            log.warning("records parked", extra=facts)
        if pending.again:
            if self._strays is None:
                self._strays = set(dead.places(name, "open", stream))
            order = self._pull.source.order
            begin, end = order(batch.begin), order(batch.end)
            here = {place for place in self._strays if begin <= order(place.begin) < end}
            dead.retract(name, here - set(places.values()))

    def _is_vouched_for(self) -> bool:
        """Whether there is anything to commit on the way out. Nothing that fails here may keep hold of the stream."""
        try:
            # A socket is asked in any case: once it has told its loss, the next write begins anew.
            self._confirm()
        except Exception:  # noqa: BLE001  # the lane ends with the error that it had before
            return False
        with suppress(Exception):  # as above; what could not be parked is not settled
            self._reap()
        return self._end != self.claim.row.position

    def _in_doubt(self, row: Row) -> Open | None:
        """What stays open on the way out: what an earlier run may have sent, or this one took and did not save."""
        if self._again > 0:
            return row.open
        if row.open is None or self._reach == row.position:
            return None
        return Open(begin=row.position, end=self._reach, task_version=row.open.task_version)

    def _confirm(self) -> None:
        """Ask a socket whether all has left, and keep a moment for the save that follows."""
        self.job.destination.confirm(max(self._patience.to_the_end() - 1.0, 0.001))

    def _committed(self) -> Row:
        row, order = self.claim.row.commit(self._end, self._unsaved, self._patience.clock()), self._pull.source.order
        opened = row.open
        if opened and order(self._end) < order(opened.end):
            opened = Open(begin=self._end, end=opened.end, task_version=opened.task_version)
        else:
            opened = None
        return msgspec.structs.replace(row, open=opened, failures=0, retry_at=0, last_error="")

    def _save(self, *, done: bool = False) -> None:
        self._confirm()
        moved = self._end != self.claim.row.position
        row = self._committed() if moved else self.claim.row
        now = self._patience.clock()
        lease = None if done else self._lease(now)
        self.claim.save(msgspec.structs.replace(row, lease=lease, open=None if done else row.open, updated=now))
        self._note_saved(moved=moved)

    def _note_saved(self, *, moved: bool) -> None:
        self._saved_at, self._taken = self._patience.clock(), 0
        if moved:
            self.counts += self._unsaved
            self._unsaved = Counts()

    def _renew(self) -> None:
        """Keep the lease while sends are slow. Conflict: the stream is somebody else's by now."""
        now, lease = self._patience.clock(), self.claim.row.lease
        if lease and lease.until - now < self._settings.lease_seconds / 2:
            self.claim.save(msgspec.structs.replace(self.claim.row, lease=self._lease(now), updated=now))

    def _lease(self, now: float) -> Lease:
        return Lease(owner=self.claim.owner, until=now + self._settings.lease_seconds)
