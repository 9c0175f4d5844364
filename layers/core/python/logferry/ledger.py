"""Position, ledger and lease: one row per (task, stream), written only under the version that was read.

What a row says: where the stream stands (`position`), which range is in flight (`open`), which ranges are settled
and what became of their records (`entries`), what could not be read (`gaps`), who works on it (`lease`).
Settled ranges must tile from `start` to `position`, with a recorded gap where they do not; `proof.py` checks it.
"""

import secrets
from collections.abc import Callable
from typing import Literal, Self

import msgspec

from logferry.errors import Conflict, StateError
from logferry.model import Counts, Position
from logferry.state import Item, Table

__all__ = ["SCHEMA", "Claim", "Entry", "Gap", "Lease", "Ledger", "Open", "Reason", "Row"]

SCHEMA = 1
_ROLL_SECONDS = 86_400  # a window that `ledger --verify` can still recount must not grow for ever
_MAX_ENTRIES = 4  # keeps the row under 1 KB
_ATTEMPTS = 4  # of one conditional write whose answer got lost

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
    """A settled range and what became of its records."""

    begin: Position
    end: Position
    counts: Counts
    since: int  # Unix seconds of its first save


class Open(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The range in flight: after a kill exactly this range is read again, by the same version of the task."""

    begin: Position
    end: Position
    task_version: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who works on the stream, and until when (Unix seconds) nobody else may."""

    owner: str
    until: float


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task's standing on one stream."""

    schema: int  # no default: it is always written
    stream: str
    born: int = 0  # creation time of the stream itself: another value means it was made anew
    start: Position
    position: Position
    entries: tuple[Entry, ...] = ()
    gaps: tuple[Gap, ...] = ()
    open: Open | None = None
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

    def commit(self, end: Position, counts: Counts, now: float) -> Self:
        """With the range [position, end) settled; it extends the newest entry if it tiles and is young enough."""
        begin, entries = self.position, list(self.entries)
        last = entries[-1] if entries else None
        if last and last.end == begin and now - last.since < _ROLL_SECONDS:
            entries[-1] = Entry(begin=last.begin, end=end, counts=last.counts + counts, since=last.since)
        else:
            entries.append(Entry(begin=begin, end=end, counts=counts, since=int(now)))
        return msgspec.structs.replace(self, position=end, entries=_fold(entries), updated=now)

    def jump(self, gap: Gap, *, born: int | None = None) -> Self:
        """With the position moved over a gap (to a stream made anew, if `born` says so)."""
        return msgspec.structs.replace(
            self, position=gap.end, gaps=(*self.gaps, gap), open=None, drained=False,
            failures=0, retry_at=0, updated=gap.at, born=self.born if born is None else born,
        )  # fmt: skip


def _fold(entries: list[Entry]) -> tuple[Entry, ...]:
    """At most `_MAX_ENTRIES`: the two oldest become one if they tile; what does not tile stays as evidence."""
    while len(entries) > _MAX_ENTRIES and entries[0].end == entries[1].begin:
        old, new = entries[0], entries[1]
        entries[:2] = [Entry(begin=old.begin, end=new.end, counts=old.counts + new.counts, since=old.since)]
    return tuple(entries)


class Claim:
    """One owner's hold on one row; every save is conditional on nobody else having written."""

    def __init__(self, table: Table, task: str, row: Row, version: str, owner: str) -> None:
        self._table = table
        self._task = task
        self.row = row
        self._version = version
        self.owner = owner
        self.resumed = row.open is not None  # the range was in flight once before

    def save(self, row: Row) -> None:
        """Write the row. Raises Conflict when somebody else owns it by now, StateError when the table is down."""
        body = msgspec.json.encode(row)
        for attempt in range(_ATTEMPTS):
            try:
                self._version = self._table.put(_partition(self._task), row.stream, body, expect=self._version)
                break
            except Conflict:
                # The answer to an earlier write may have got lost: the very bytes we meant to write are ours.
                found = self._table.get(_partition(self._task), row.stream)
                if found is None or found.value != body:
                    raise
                self._version = found.version
                break
            except StateError:
                if attempt == _ATTEMPTS - 1:
                    raise
        self.row = row


class Ledger:
    """All rows, over one state table."""

    def __init__(self, table: Table, owner: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._table = table
        self._owner = owner

    def get(self, task: str, stream: str) -> Row | None:
        """The row, None if the task has never met the stream."""
        item = self._table.get(_partition(task), stream)
        return _decode(item) if item else None

    def rows(self, task: str) -> list[Row]:
        """All rows of a task, by stream name."""
        return [_decode(item) for item in self._table.list(_partition(task))]

    def create(self, task: str, stream: str, position: Position, born: int = 0) -> bool:
        """Write the start position; False if the task already has one on this stream."""
        row = Row(schema=SCHEMA, stream=stream, born=born, start=position, position=position)
        try:
            self._table.put(_partition(task), stream, msgspec.json.encode(row), expect=None)
        except Conflict:
            return False
        return True

    def claim(self, task: str, stream: str, opened: Open, *, now: float, until: float) -> Claim | None:
        """Take the stream for the range `opened`; None if somebody else holds it or took it just now."""
        item = self._table.get(_partition(task), stream)
        if item is None:
            raise StateError(f"task {task}: no row for stream {stream}")
        row = _decode(item)
        if (row.lease and row.lease.until > now) or row.position != opened.begin:
            return None
        claim = Claim(self._table, task, row, item.version, self._owner())
        try:
            lease = Lease(owner=claim.owner, until=until)
            claim.save(msgspec.structs.replace(row, open=opened, lease=lease, updated=now))
        except Conflict:
            return None
        return claim

    def edit(self, task: str, stream: str, change: Callable[[Row], Row], *, now: float) -> Row:
        """A person's change (seek). Raises Conflict when the stream is being worked on."""
        item = self._table.get(_partition(task), stream)
        if item is None:
            raise StateError(f"task {task}: no row for stream {stream}")
        row = _decode(item)
        if row.lease and row.lease.until > now:
            raise Conflict(f"task {task}, stream {stream}: in work until {row.lease.until:.0f}", version="")
        claim = Claim(self._table, task, row, item.version, self._owner())
        claim.save(change(row))
        return claim.row

    def seek(self, task: str, stream: str, gap: Gap) -> Row:
        """Move the position over a gap that a person (or the source) made."""
        return self.edit(task, stream, lambda row: row.jump(gap), now=gap.at)

    def delete(self, task: str) -> int:
        """Forget all rows of a task; how many there were."""
        items = list(self._table.list(_partition(task)))
        for item in items:
            self._table.delete(_partition(task), item.sort, expect=item.version)
        return len(items)


def _partition(task: str) -> str:
    return f"ledger/{task}"


def _decode(item: Item) -> Row:
    head = msgspec.json.decode(item.value, type=_Head)
    if head.schema > SCHEMA:
        raise StateError(
            f"stream {item.sort}: row has schema {head.schema}, this release knows {SCHEMA}: upgrade logferry here"
        )
    return msgspec.json.decode(item.value, type=Row)


class _Head(msgspec.Struct):
    schema: int = SCHEMA
