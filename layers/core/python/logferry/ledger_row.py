"""What a row of the ledger says: where a task stands on a stream, what is settled, what is in flight, what is missing.

Positions are opaque; times are Unix seconds. Ranges and gaps tile from `start` to `position` (`proof.py` checks it). A
row stays small: days are folded into the oldest entry, and so are gaps once there are many.

Schemas: 1 is every row but one whose records lie in the object store (`spilled`), which is 2. A release that knows
only 1 refuses such a row, and goes on with all others: it would take what was spilled for expired.
"""

from typing import Literal, Self

import msgspec

from logferry.model import Counts, Position

__all__ = ["FARTHEST", "PLAIN", "SCHEMA", "Entry", "Gap", "Lease", "Open", "Reason", "Row"]

PLAIN, SCHEMA = 1, 2
_ROLL_SECONDS = 86_400  # a window that `ledger --verify` can still recount must not grow for ever
_MAX_ENTRIES, _MAX_GAPS = 4, 8  # keeps the row under 1 KB (and under 4 KB, however many gaps there were)
FARTHEST = 86_400.0  # seconds ahead; a lease or a rest beyond that was written under a clock that was wrong

Reason = Literal["expired", "skipped", "rewound"]


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A range that was not read: gone at the source, skipped by a person, or (rewound) to be read again."""

    begin: Position
    end: Position
    reason: Reason
    at: int  # Unix seconds
    estimate: int | None = None  # positions between the two ends, where the source's cursors can be subtracted
    note: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settled range and what became of its records. `gaps` within it are no longer told one by one."""

    begin: Position
    end: Position
    counts: Counts
    since: int  # Unix seconds of its first save
    gaps: int = 0
    estimate: int = 0  # positions in those gaps, as far as that was known


class Open(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The range in flight: after a kill exactly this range is read again, by the same version of the task."""

    begin: Position
    end: Position
    task_version: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who works on the stream, and until when (Unix seconds) nobody else may."""

    owner: str
    until: float

    def holds(self, now: float) -> bool:
        """Whether nobody else may work on the stream now."""
        return now < self.until <= now + FARTHEST


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task's standing on one stream."""

    schema: int  # no default: it is always written
    stream: str
    born: int = 0  # creation time of the stream itself: another value means it was made anew
    made: int = 0  # of the row (Unix seconds): what is older belongs to an earlier task of this name
    start: Position
    position: Position
    entries: tuple[Entry, ...] = ()
    gaps: tuple[Gap, ...] = ()
    spilled: Position = ""  # records from `position` (or a later place) up to here lie in the object store
    open: Open | None = None
    waits: Position = ""  # the first record that was handed over and not settled, where only its sender holds it
    lease: Lease | None = None
    drained: bool = False  # a closed stream that was read to its end
    failures: int = 0  # runs in a row that failed without moving on
    retry_at: float = 0  # rest until then (Unix seconds): back-off, or the destination's own wish
    last_error: str = ""
    updated: float = 0

    @property
    def counts(self) -> Counts:
        """Everything since the start."""
        return sum((entry.counts for entry in self.entries), Counts())

    def rest(self, now: float) -> float:
        """Seconds that the stream is still to be left alone."""
        return self.retry_at - now if now < self.retry_at <= now + FARTHEST else 0.0

    def commit(self, end: Position, counts: Counts, now: float) -> Self:
        """With the range [position, end) settled; it extends the newest entry if it tiles and is young enough."""
        begin, entries = self.position, list(self.entries)
        last = entries[-1] if entries else None
        if last and last.end == begin and now - last.since < _ROLL_SECONDS:
            entries[-1] = _joined(last, end, counts)
        else:
            entries.append(Entry(begin=begin, end=end, counts=counts, since=int(now)))
        return msgspec.structs.replace(self, position=end, entries=_fold(entries), updated=now)

    def spill(self, end: Position) -> Self:
        """With everything up to `end` in the object store; nothing of it, if empty."""
        return msgspec.structs.replace(self, spilled=end, schema=SCHEMA if end else PLAIN)

    def jump(self, gap: Gap, *, born: int | None = None, opened: Open | None = None) -> Self:
        """With the position moved over a gap (to a stream made anew, if `born` says so); `opened` stays in flight."""
        entries, gaps = _absorb(list(self.entries), [*self.gaps, gap])
        remade = bool(self.born and born and self.born != born)
        return msgspec.structs.replace(
            self.spill("" if remade else self.spilled), position=gap.end, entries=entries, gaps=gaps, open=opened,
            waits=self.waits if born is None else "", drained=False, failures=0, retry_at=0, last_error="",
            updated=gap.at, born=self.born if born is None else born,
        )  # fmt: skip


def _joined(entry: Entry, end: Position, counts: Counts) -> Entry:
    return msgspec.structs.replace(entry, end=end, counts=entry.counts + counts)


def _fold(entries: list[Entry]) -> tuple[Entry, ...]:
    """At most `_MAX_ENTRIES`: the two oldest that tile become one; what does not tile stays as evidence."""
    at = 1
    while len(entries) > _MAX_ENTRIES and at < len(entries):
        old, new = entries[at - 1], entries[at]
        if old.end == new.begin:
            whole = _joined(old, new.end, new.counts)
            gaps, estimate = old.gaps + new.gaps, old.estimate + new.estimate
            entries[at - 1 : at + 1] = [msgspec.structs.replace(whole, gaps=gaps, estimate=estimate)]
        else:
            at += 1
    return tuple(entries)


def _absorb(entries: list[Entry], gaps: list[Gap]) -> tuple[tuple[Entry, ...], tuple[Gap, ...]]:
    """At most `_MAX_GAPS`: the oldest become part of the entry that they follow."""
    while len(gaps) > _MAX_GAPS:
        gap = gaps[0]
        at = next((i for i, entry in enumerate(entries) if entry.end == gap.begin), None)
        if at is None:  # nothing was delivered before it
            entries.insert(0, Entry(begin=gap.begin, end=gap.begin, counts=Counts(), since=gap.at))
            at = 0
        whole, gone = _joined(entries[at], gap.end, Counts()), 0 if gap.reason == "rewound" else gap.estimate or 0
        entries[at] = msgspec.structs.replace(whole, gaps=whole.gaps + 1, estimate=whole.estimate + gone)
        del gaps[0]
    return _fold(entries), tuple(gaps)
