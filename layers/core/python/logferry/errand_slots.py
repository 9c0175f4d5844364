"""Which slot an object goes through. A slot is a stream of the ledger that takes one object at a time.

Its row says whose it is: while an object is in flight by the end of the open range, in the midst of one by the
position, and behind one by the position too, until the next is taken. So what is saved and whose it is are one write.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from logferry.desk import Desk
from logferry.errand_rows import SCHEMA, Done, Errands
from logferry.errors import Conflict, StateError, Transient, Unfinished
from logferry.ledger import Gap, Row
from logferry.model import Position
from logferry.sources.objects import places

__all__ = ["MOST", "Full", "Slots", "bound_to", "end_of"]

MOST = 64  # slots of one task: so many objects at once, in all processes together
_NOTE = 200  # characters of a gap's reason


class Full(Transient):
    """No slot is free. `bound`: the objects that the slots are not through with."""

    def __init__(self, bound: frozenset[str]) -> None:
        super().__init__(f"all {MOST} slots are taken", retry_after=1.0)
        self.bound = bound


def bound_to(row: Row) -> str:
    """The mark of the object that the slot is not through with; empty for a slot that is free."""
    if row.open is not None:
        return places.spot(row.open.end).mark
    at = places.spot(row.position)
    return at.mark if at.offset else ""


def end_of(row: Row, mark: str) -> Position:
    """Behind the object, which is the slot's next one or the one that it is at."""
    return places.after(places.spot(row.position).number, mark)


class Slots:
    """One task's."""

    def __init__(self, task: str, desk: Desk, errands: Errands, remember: float) -> None:
        self._task, self._desk, self._errands, self._remember = task, desk, errands, remember
        self._ours: set[str] = set()  # marks that were settled here: no need to look whether they are

    def find(self, mark: str) -> Row | None:
        """The slot for an object: the one that it is bound to, else a free one. None: it is through, and settled now.

        Full if all are taken.
        """
        rows = self._desk.ledger.rows(self._task)
        now = self._desk.patience.clock()
        mine = [row for row in rows if bound_to(row) == mark]
        if mine:
            return max(mine, key=lambda row: (_is_held(row, now), places.spot(row.position).offset))  # the farthest
        ended = min((row for row in rows if _is_behind(row, mark)), key=_is_lost, default=None)
        # One that was lost, and was marked so, has been told of again: it may have come back.
        if ended is not None and not (_is_lost(ended) and self._errands.done(mark)):
            self.settle(ended, mark)
            return None
        free = [row for row in rows if not bound_to(row) and not _is_held(row, now)]
        row = self._chosen(free, mark) or self._made(rows)
        before = places.spot(row.position).mark
        if before and before not in self._ours and not _is_lost(row) and self._errands.get(before):
            self.settle(row, before)  # its owner was killed before it could
        return row

    def bound(self) -> frozenset[str]:
        """The objects that the slots are not through with."""
        return frozenset(filter(None, map(bound_to, self._desk.ledger.rows(self._task))))

    def settle(self, row: Row, mark: str) -> None:
        """The slot's row says that it is through with the object: the object's own row shall say so too."""
        errand = self._errands.get(mark)
        if errand is not None:
            now = self._desk.patience.clock()
            number = places.spot(row.position).number - 1
            done = Done(
                schema=SCHEMA, bucket=errand.bucket, keys=errand.keys, etag=errand.etag, at=errand.at, slot=row.stream,
                number=number, fate="lost" if _is_lost(row) else "settled", ended=now,
            )  # fmt: skip
            self._errands.settle(mark, done, now + self._remember)
        self._ours.add(mark)

    def lose(self, row: Row, mark: str, reason: str) -> Row:
        """Pass over the rest of an object, as a gap. Conflict if the slot is somebody else's by now."""
        now = self._desk.patience.clock()

        def change(found: Row) -> Row:
            if found.position != row.position or bound_to(found) not in ("", mark):
                raise Conflict(f"task {self._task}, slot {row.stream}: taken by another object", version="")
            gap = Gap(begin=row.position, end=end_of(row, mark), reason="expired", at=int(now), note=reason[:_NOTE])
            return found.jump(gap)

        return self._desk.ledger.edit(self._task, row.stream, change, now=now)

    def tidy(self, due: Sequence[str]) -> None:
        """Free the slots of objects that are not due: two had begun one at once, or a row was deleted."""
        now = self._desk.patience.clock()
        for row in self._desk.ledger.rows(self._task):
            mark = bound_to(row)
            if mark and mark not in due and not _is_held(row, now) and not self._errands.get(mark):
                with suppress(Conflict):  # somebody has it by now
                    self._free(row, mark)

    def _free(self, row: Row, mark: str) -> None:
        if places.spot(row.position).offset:
            self.lose(row, mark, "what is left of it went through another slot, or is not due any more")
        else:
            now = self._desk.patience.clock()
            self._desk.ledger.edit(self._task, row.stream, lambda found: _freed(found, mark), now=now)

    def _chosen(self, free: Sequence[Row], mark: str) -> Row | None:
        """One that failed first, so that it does not stay so; else any, not the same for all who look at once."""
        failed = [row for row in free if row.failures]
        if failed or not free:
            return failed[0] if failed else None
        return free[int(mark, 16) % len(free)]

    def _made(self, rows: Sequence[Row]) -> Row:
        names, desk = {row.stream for row in rows}, self._desk
        name = next((str(number) for number in range(MOST) if str(number) not in names), None)
        if name is None:
            raise Full(frozenset(filter(None, map(bound_to, rows))))
        made = desk.ledger.create(self._task, name, desk.source.position(name, "begin"), now=desk.patience.clock())
        if made and not desk.is_online(self._task):  # asked after: a row made for a deleted task would stay for ever
            desk.ledger.forget(self._task, name)
            raise Unfinished(f"task {self._task} is not online any more")
        row = desk.ledger.get(self._task, name)
        if row is None:
            raise StateError(f"task {self._task}: the row for slot {name} vanished while it was made")
        return row


def _is_held(row: Row, now: float) -> bool:
    return row.lease is not None and row.lease.holds(now)


def _is_behind(row: Row, mark: str) -> bool:
    at = places.spot(row.position)
    return at.mark == mark and not at.offset


def _is_lost(row: Row) -> bool:
    """Whether the rest of the slot's last object is a gap."""
    return bool(row.gaps) and row.gaps[-1].end == row.position


def _freed(row: Row, mark: str) -> Row:
    return msgspec.structs.replace(row, open=None) if bound_to(row) == mark else row
