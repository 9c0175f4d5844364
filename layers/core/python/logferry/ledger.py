"""The ledger: one row per (task, stream), written only under the version that was read, by one owner at a time.

A row's content is in `ledger_row`. It is written at the start (lease, open range), every few seconds, and at the end.
A backfill run has rows of its own, `ledger/<task>/<run>`: it never touches those of the live run, `ledger/<task>`.
"""

import secrets
from collections.abc import Callable

import msgspec

from logferry.errors import Conflict, StateError
from logferry.ledger_row import FARTHEST, PLAIN, SCHEMA, Entry, Gap, Lease, Open, Reason, Row
from logferry.model import Position
from logferry.rows import decode
from logferry.state import Item, Table

__all__ = ["FARTHEST", "PLAIN", "SCHEMA", "Claim", "Entry", "Gap", "Lease", "Ledger", "Open", "Reason", "Row"]

_ATTEMPTS = 4  # of one conditional write whose answer got lost


class Claim:
    """One owner's hold on one row; every save is conditional on nobody else having written."""

    def __init__(self, table: Table, book: str, row: Row, version: str, owner: str) -> None:
        self._table = table
        self._book = book
        self.row = row
        self._version = version
        self.owner = owner
        self.resumed = row.open is not None  # the range was in flight once before

    def save(self, row: Row) -> None:
        """Write the row. Raises Conflict when somebody else owns it by now, StateError when the table is down."""
        body = msgspec.json.encode(row)
        for attempt in range(_ATTEMPTS):
            try:
                self._version = self._table.put(f"ledger/{self._book}", row.stream, body, expect=self._version)
                break
            except Conflict:
                if self._is_written(row.stream, body):
                    break
            except StateError:
                if attempt == _ATTEMPTS - 1:
                    raise
        else:
            raise StateError(f"task {self._book}, stream {row.stream}: lost {_ATTEMPTS} races against our own writes")
        self.row = row

    def _is_written(self, stream: str, body: bytes) -> bool:
        """After a conflict: an answer may have got lost, to this write or to an earlier one of ours; else Conflict."""
        found = self._table.get(f"ledger/{self._book}", stream)
        if found is not None:
            lease = _decode(found).lease
            if found.value == body or (lease and lease.owner == self.owner):
                self._version = found.version
                return found.value == body
        raise Conflict(f"task {self._book}, stream {stream}: somebody else has written the row", version="")


class Ledger:
    """All rows of the live run, or of one backfill run, over one state table."""

    def __init__(self, table: Table, owner: Callable[[], str] = lambda: secrets.token_hex(8), run: str = "") -> None:
        self._table = table
        self._owner = owner
        self._run = run

    def of_run(self, run: str) -> "Ledger":
        """The rows of a backfill run."""
        return Ledger(self._table, self._owner, run)

    def named(self, stream: str) -> str:
        """The stream as payloads name it. A backfill's is another: its batches may begin where the live run's began and
        end earlier, so what it sends must not write theirs over."""
        return f"{stream}@{self._run}" if self._run else stream

    def get(self, task: str, stream: str) -> Row | None:
        """The row, None if the task has never met the stream."""
        item = self._table.get(self._partition(task), stream)
        return _decode(item) if item else None

    def rows(self, task: str) -> list[Row]:
        """All rows of a task, by stream name."""
        return [_decode(item) for item in self._table.list(self._partition(task))]

    def create(self, task: str, stream: str, position: Position, born: int = 0, *, now: float = 0) -> bool:
        """Write the start position; False if the task already has one on this stream."""
        row = Row(schema=PLAIN, stream=stream, born=born, made=int(now), start=position, position=position)
        try:
            self._table.put(self._partition(task), stream, msgspec.json.encode(row), expect=None)
        except Conflict:
            return False
        return True

    def claim(self, task: str, stream: str, opened: Open, *, now: float, until: float) -> Claim | None:
        """Take the stream for the range `opened`; None if somebody else holds it or took it just now."""
        item = self._table.get(self._partition(task), stream)
        if item is None:
            raise StateError(f"task {task}: no row for stream {stream}")
        row = _decode(item)
        moved = row.position != opened.begin or (row.open is not None and row.open.end != opened.end)
        if moved or (row.lease and row.lease.holds(now)):
            return None
        return self._take(task, item, msgspec.structs.replace(row, open=opened, updated=now), until)

    def hold(self, task: str, stream: str, *, now: float, until: float) -> Claim | None:
        """Take the stream as it is, to do something beside reading on; None if somebody else holds or took it."""
        item = self._table.get(self._partition(task), stream)
        if item is None:
            raise StateError(f"task {task}: no row for stream {stream}")
        row = _decode(item)
        return None if row.lease and row.lease.holds(now) else self._take(task, item, row, until)

    def _take(self, task: str, item: Item, row: Row, until: float) -> Claim | None:
        claim = Claim(self._table, self._book(task), _decode(item), item.version, self._owner())
        try:
            claim.save(msgspec.structs.replace(row, lease=Lease(owner=claim.owner, until=until)))
        except Conflict:
            return None
        return claim

    def edit(self, task: str, stream: str, change: Callable[[Row], Row], *, now: float) -> Row:
        """A person's change (seek). Raises Conflict when the stream is being worked on."""
        item = self._table.get(self._partition(task), stream)
        if item is None:
            raise StateError(f"task {task}: no row for stream {stream}")
        row = _decode(item)
        if row.lease and row.lease.holds(now):
            raise Conflict(f"task {task}, stream {stream}: in work until {row.lease.until:.0f}", version="")
        claim = Claim(self._table, self._book(task), row, item.version, self._owner())
        # Without the dead owner's lease: should it wake up, the row is not its own any more.
        claim.save(msgspec.structs.replace(change(row), lease=None))
        return claim.row

    def seek(self, task: str, stream: str, gap: Gap) -> Row:
        """Move the position over a gap that a person (or the source) made."""
        return self.edit(task, stream, lambda row: row.jump(gap), now=gap.at)

    def forget(self, task: str, stream: str) -> None:
        """Take back a row that was just made."""
        item = self._table.get(self._partition(task), stream)
        if item is not None:
            self._table.delete(self._partition(task), stream, expect=item.version)

    def delete(self, task: str) -> int:
        """Forget all rows of a task; how many there were."""
        items = list(self._table.list(self._partition(task)))
        for item in items:
            self._table.delete(self._partition(task), item.sort, expect=item.version)
        return len(items)

    def _partition(self, task: str) -> str:
        return f"ledger/{self._book(task)}"

    def _book(self, task: str) -> str:
        return f"{task}/{self._run}" if self._run else task


def _partition(task: str) -> str:
    return f"ledger/{task}"


def _decode(item: Item) -> Row:
    return decode(item, Row, SCHEMA, f"stream {item.sort}")
