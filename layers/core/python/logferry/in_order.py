"""Items of an ordered stream: its row's position says what was settled, and what was spilled is settled too.

What comes again is skipped by its place. A record that was handed over, not settled, and is passed over by what comes
now was given up by the platform: a gap, and so is a range that was open. A record that stands before the position and
came after the row's last write is of a stream that was made anew under the old name.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from logferry.errors import Conflict, StateError
from logferry.intake_kit import Found, Kit
from logferry.ledger import Gap, Open, Row
from logferry.model import Effort, Outcome
from logferry.rounds import Crew, Visit, visit
from logferry.sources import Stream
from logferry.sources._held import Held, HeldSource
from logferry.spill import keep

__all__ = ["InOrder"]

log = logging.getLogger(__name__)

_CLOCKS = 300.0  # seconds that two clocks may differ
_WAIT, _LOOK = 20.0, 0.5  # seconds: longer than `drain` holds a stream, shorter than it lets go of it


class InOrder:
    """One task on one shard."""

    def __init__(self, kit: Kit, source: HeldSource) -> None:
        self._kit, self._source = kit, source

    def deliver(self, found: Sequence[Found]) -> dict[str, str]:
        """The items that are not settled, each with the reason."""
        kit = self._kit
        stream, row, held = self._standing(found)
        if not held.records:
            return {}
        if kit.stored.state != "online":
            return self._left(row, held.begin, found, f"the task is {kit.stored.state}")
        crew = Crew([kit.stored], kit.desk(self._source.holding(held)), kit.shop.holds, kit.shop.job)
        visited = visit(crew, [stream], lambda _stream: str(held.end))
        kit.visits.append(visited)
        row = self._reopened(row.open, self._row(row.stream))
        reached = self._frontier(row) if row.born >= stream.born else held.begin
        if reached >= held.end:
            return {}
        notes = [*visited.held.values(), *(outcome.note for outcome in visited.outcomes if outcome.note)]
        return self._left(row, reached, found, notes[0] if notes else "not settled")

    def keep(self, found: Sequence[Found]) -> bool:
        """Spill what is not settled of these; whether all of it is safe. `drain` may be at the stream: it lets go."""
        patience = self._kit.patience
        until = patience.clock() + _WAIT
        while True:
            stream, row, held = self._standing(found)
            desk = self._kit.desk(self._source.holding(held))
            if not held.records or keep(self._kit.name, stream, desk):
                return True
            now = patience.clock()
            if not (row.lease and row.lease.holds(now) and now < until and desk.in_time):
                return False
            patience.sleep(_LOOK)

    def _standing(self, found: Sequence[Found]) -> tuple[Stream, Row, Held]:
        """The stream as it is now, the task's row there, and what is not settled yet."""
        kit, first = self._kit, found[0].item
        name: str = kit.module.stream_of(kit.options, kit.bell)
        row = kit.shop.ledger.get(kit.name, name) or self._made(name, first.id, int(first.at))
        newest = max(one.item.at for one in found)
        if int(found[-1].item.id) < self._frontier(row) and row.updated and newest > row.updated + _CLOCKS:
            return self._anew(row, found)
        begin = self._frontier(row)
        first_new = next((number for one in found if (number := int(one.item.id)) >= begin), begin)
        if self._is_given_up(row, first_new):
            row, begin = self._passed(row, first_new), first_new
        records = [(int(one.item.id) + 1, one.pieces) for one in found if int(one.item.id) >= begin]
        return Stream(name=name, born=row.born), row, Held(begin, records)

    def _anew(self, row: Row, found: Sequence[Found]) -> tuple[Stream, Row, Held]:
        """A stream of that name that is younger: the engine records the gap, once the old one's spill is delivered."""
        begin = int(found[0].item.id)
        stream = Stream(name=row.stream, born=max(row.born + 1, int(found[0].item.at)))
        return stream, row, Held(begin, [(int(one.item.id) + 1, one.pieces) for one in found])

    def _is_given_up(self, row: Row, first: int) -> bool:
        """Whether what was handed over before is not presented any more."""
        if self._waits(row):
            return first > int(row.waits)
        return not row.spilled and row.open is not None and first >= int(row.open.end)

    def _passed(self, row: Row, first: int) -> Row:
        """With a gap for it. Behind what is spilled the engine finds it, once it is through with that."""
        if row.spilled:
            return row
        now, rest = int(self._kit.patience.clock()), row.open
        gap = Gap(begin=row.position, end=str(first), reason="expired", at=now, note="given up by the platform")
        rest = msgspec.structs.replace(rest, begin=gap.end) if rest and first < int(rest.end) else None
        row = self._kit.shop.ledger.edit(self._kit.name, row.stream, lambda old: old.jump(gap, opened=rest), now=now)
        facts = {"task": self._kit.name, "stream": row.stream, "begin": gap.begin, "end": gap.end}
        log.error("records given up before they were delivered", extra=facts)
        lost = Visit()
        lost.add(Outcome(task=self._kit.name, stream=row.stream, effort=Effort(gaps=1)))
        self._kit.visits.append(lost)
        return row

    def _reopened(self, before: Open | None, row: Row) -> Row:
        """Still open from where it stands, if less was presented than was begun once: the rest is a repeat."""
        if before is None or row.open is not None or not int(before.begin) < int(row.position) < int(before.end):
            return row
        rest = Open(begin=row.position, end=before.end, task_version=before.task_version)
        now = self._kit.patience.clock()
        return self._kit.shop.ledger.edit(self._kit.name, row.stream, lambda old: _opened(old, rest), now=now)

    def _made(self, name: str, position: str, born: int) -> Row:
        kit = self._kit
        made = kit.shop.ledger.create(kit.name, name, position, born, now=kit.patience.clock())
        if made and kit.shop.tasks.find(kit.name) is None:  # asked after: a deleted task must not start all over
            kit.shop.ledger.forget(kit.name, name)
            raise StateError(f"task {kit.name} was deleted")
        return self._row(name)

    def _row(self, name: str) -> Row:
        row = self._kit.shop.ledger.get(self._kit.name, name)
        if row is None:
            raise StateError(f"task {self._kit.name}: the row for stream {name} vanished")
        return row

    def _waits(self, row: Row) -> bool:
        """Whether the row tells of a record that is not settled by now."""
        return bool(row.waits) and int(row.waits) >= self._frontier(row)

    def _left(self, row: Row, begin: int, found: Sequence[Found], why: str) -> dict[str, str]:
        """All that stand there or behind it. The row says which is the first, so that it is missed."""
        left = {one.item.id: why for one in found if int(one.item.id) >= begin}
        first = next(iter(left), "")
        if first and not self._waits(row):
            now = self._kit.patience.clock()
            with suppress(Conflict):  # somebody is at it
                self._kit.shop.ledger.edit(self._kit.name, row.stream, lambda old: _waiting(old, first), now=now)
        return left

    def _frontier(self, row: Row) -> int:
        """Everything before it is settled, or lies in the object store."""
        return max(int(row.position), int(row.spilled or 0))


def _opened(row: Row, rest: Open) -> Row:
    return msgspec.structs.replace(row, open=rest) if row.position == rest.begin and row.open is None else row


def _waiting(row: Row, first: str) -> Row:
    return msgspec.structs.replace(row, waits=first)
