"""Spill: what a source is about to forget goes to the object store, before its records are lost.

It is done for one task on one stream at a time, as the stream's owner: nothing is delivered meanwhile, and no range is
opened. From the end of what is spilled already (or the position) up to what is younger than `KEPT` of the retention,
batch after batch; the row says before the first that there may be some, then how far. A kill repeats what was written
since the last save.
"""

import logging
from collections.abc import Callable
from itertools import pairwise

import msgspec
from msgspec import Struct

from logferry.desk import Desk
from logferry.errors import StateError
from logferry.ledger import Claim, Lease, Open, Row
from logferry.model import Position
from logferry.route import standing
from logferry.sources import Batch, Raw, Stream

__all__ = ["KEPT", "SPILLED", "keep", "spill"]

log = logging.getLogger(__name__)

SPILLED = 0.8  # share of the retention after which a record is spilled
KEPT = 0.5  # share of the retention up to which it is left at the source


def spill(task: str, stream: Stream, desk: Desk, retention: float) -> None:
    """Spill what is old, as long as there is time. Raises what keeps it from being done; what was done is saved."""
    row = standing(task, stream, desk)

    def until() -> Position:
        return desk.source.position(stream.name, int(desk.patience.clock() - KEPT * retention))

    _spilled(task, row, stream, desk, until)


def keep(task: str, stream: Stream, desk: Desk, opened: int | None = None) -> bool:
    """Spill all that the source holds of a stream that has a row, since it will not be there again; whether it was.

    `opened`: the version of the task that may have sent it already, as an open range would say.
    """
    row = desk.ledger.get(task, stream.name)
    end = desk.source.position(stream.name, "end")
    work = _spilled(task, row, stream, desk, lambda: end, opened) if row else None
    return work is not None and work.batches > 0 and work.row.spilled == end


def _spilled(
    task: str, row: Row, stream: Stream, desk: Desk, until: Callable[[], Position], opened: int | None = None
) -> "_Work | None":
    """What was done; None if nothing may be: somebody else is at it, or what was spilled of another stream comes
    first."""
    if row.born and row.born < stream.born:
        return None
    now = desk.patience.clock()
    claim = desk.ledger.hold(task, stream.name, now=now, until=now + desk.settings.lease_seconds)
    if claim is None:
        return None
    work = _Work(task, stream.name, desk, claim, claim.row, now)
    try:
        work.go(until())
        work.doubt(opened)
    finally:
        claim.save(msgspec.structs.replace(work.row, lease=None, updated=desk.patience.clock()))
        if work.records:
            facts = {"task": task, "stream": stream.name, "records": work.records, "bytes": work.size}
            log.warning("spilled to the object store", extra=facts | {"end": work.row.spilled})
    return work


class _Work(Struct):
    """One stream's spill under way."""

    task: str
    stream: str
    desk: Desk
    claim: Claim
    row: Row
    saved_at: float
    batches: int = 0
    records: int = 0
    size: int = 0

    def go(self, until: Position) -> None:
        """Everything up to there that is not in the store yet."""
        order, source = self.desk.source.order, self.desk.source
        if not (self._is_little and self.row.spilled):
            self._sweep()
        places = [self.row.position, self.row.spilled or self.row.position, source.position(self.stream, "begin")]
        begin, opened = max(places, key=order), self.row.open
        legs = [begin, until]
        if opened and order(begin) < order(opened.end) < order(until):
            legs.insert(1, opened.end)  # an open range is read again as it was begun, and no farther
        for first, last in pairwise(legs):
            for batch in source.read(self.stream, first, last):
                self._keep(batch)
                if not self.desk.in_time:
                    return

    def doubt(self, version: int | None) -> None:
        """Say that what is spilled may have been delivered, by this version of the task."""
        if version is not None and self.row.spilled:
            begun = self.row.open.task_version if self.row.open else version
            opened = Open(begin=self.row.position, end=self.row.spilled, task_version=begun)
            self.row = msgspec.structs.replace(self.row, open=opened)

    @property
    def _is_little(self) -> bool:
        """What comes by itself is spilled event by event: not each may list all that is there. What a killed one left
        behind the next place is passed over by who reads, and goes with the rest."""
        return self.desk.source.replays == "never"

    def _sweep(self) -> None:
        """Drop what one that was killed has left: it may be cut otherwise this time."""
        order, row = self.desk.source.order, self.row
        found = self.desk.spills.pieces(self.task, self.stream)
        if row.spilled:
            first, last = order(row.position), order(row.spilled)
            found = [piece for piece in found if order(piece.begin) < first or order(piece.end) > last]
        self.desk.spills.drop(found)

    def _keep(self, batch: Batch) -> None:
        if not isinstance(batch, Raw):
            raise StateError(f"task {self.task}: this source's batches have no bytes to be spilled")
        source, clock = self.desk.source, self.desk.patience.clock
        received = source.time_of(self.stream, batch.begin)
        if not self.row.spilled:  # so that whoever comes after a kill knows that there is something to tidy up
            self.row = self.row.spill(self.row.position)
            self.claim.save(self.row)
        if self._is_little:
            self.desk.spills.drop(self.desk.spills.at(self.task, self.stream, source.order(batch.begin)))
        self.desk.spills.keep(self.task, self.stream, batch, source.order(batch.begin), received)
        self.row = self.row.spill(batch.end)
        self.batches += 1
        self.records, self.size = self.records + batch.count, self.size + batch.size
        if not 0 <= clock() - self.saved_at < self.desk.settings.save_seconds:
            self.saved_at = clock()
            lease = Lease(owner=self.claim.owner, until=self.saved_at + self.desk.settings.lease_seconds)
            self.row = msgspec.structs.replace(self.row, lease=lease)
            self.claim.save(self.row)
