"""What a task was told to fetch: a row an object that is due, and, for as long as the task remembers, one that is done.

Partitions: `errands/<task>` and `errands-done/<task>`; the sort key is the object's mark, which another etag changes.
Times are Unix seconds. A lease here covers the moment until the slot's own row has one; the slot's is what counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

from logferry import rows
from logferry.errors import Conflict
from logferry.ledger_row import FARTHEST, Lease
from logferry.state import Item, Table

__all__ = ["SCHEMA", "Done", "Due", "Errand", "Errands", "mark_of"]

SCHEMA = 1


class Errand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object that was put and is not settled yet."""

    schema: int  # no default: it is always written
    bucket: str
    keys: tuple[str, ...]  # what the key may be, the likeliest first
    etag: str = ""  # lower case; empty: not told
    size: int = 0  # bytes, as the event told
    at: float  # of the put
    noted: float
    attempts: int = 0  # since it last moved on, killed ones among them
    retry_at: float = 0
    last_error: str = ""
    lease: Lease | None = None

    def rest(self, now: float) -> float:
        """Seconds that it is still to be left alone."""
        return self.retry_at - now if now < self.retry_at <= now + FARTHEST else 0.0


class Done(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object that was settled: as which number of which slot its records are in the ledger."""

    schema: int
    bucket: str
    keys: tuple[str, ...]
    etag: str = ""
    at: float
    slot: str
    number: int
    fate: Literal["settled", "lost"]  # lost: a gap says from where on
    ended: float

    @property
    def is_settled(self) -> bool:
        """Whether an event that tells of it again has nothing to say. One that was lost may have come back."""
        return self.fate == "settled"


class Due(NamedTuple):
    """A row that is due."""

    mark: str
    errand: Errand


class Errands:
    """All rows of one task, over one state table."""

    def __init__(self, table: Table, task: str) -> None:
        self._table, self._due, self._done = table, f"errands/{task}", f"errands-done/{task}"

    def note(self, mark: str, errand: Errand) -> bool:
        """Write that it is due; False if that stands there already."""
        try:
            self._table.put(self._due, mark, msgspec.json.encode(errand), expect=None)
        except Conflict as error:
            found = self._table.get(self._due, mark)
            return found is not None and found.version == error.version
        return True

    def due(self) -> Iterator[Due]:
        """What is due, in no order that means anything; page by page."""
        return (Due(item.sort, _errand(item)) for item in self._table.list(self._due))

    def get(self, mark: str) -> Errand | None:
        """One that is due."""
        item = self._table.get(self._due, mark)
        return _errand(item) if item else None

    def take(self, mark: str, owner: str, now: float, until: float) -> Errand | None:
        """Take it for `owner`; None if somebody else has it just now, or it is not due any more."""
        found: Errand | None = None

        def change(item: Item | None) -> bytes | None:
            nonlocal found
            found = _errand(item) if item else None
            if found is None or (found.lease and found.lease.holds(now) and found.lease.owner != owner):
                found = None
                return None
            lease = Lease(owner=owner, until=until)
            found = msgspec.structs.replace(found, lease=lease, attempts=found.attempts + 1)
            return msgspec.json.encode(found)

        rows.edit(self._table, self._due, mark, change)
        return found

    def give_back(self, mark: str, owner: str, change: Callable[[Errand], Errand]) -> None:
        """Let go of it, unless somebody else has taken it since."""

        def changed(item: Item | None) -> bytes | None:
            found = _errand(item) if item else None
            if found is None or not (found.lease and found.lease.owner == owner):
                return None
            return msgspec.json.encode(msgspec.structs.replace(change(found), lease=None))

        rows.edit(self._table, self._due, mark, changed)

    def settle(self, mark: str, done: Done, expires: float) -> None:
        """Write that it is done, and only then that it is not due any more. What was settled before stays as it was."""
        body = msgspec.json.encode(done)
        try:
            self._table.put(self._done, mark, body, expect=None, expires=expires)
        except Conflict:  # somebody else found it done, an answer got lost, or it was lost before
            old = self._table.get(self._done, mark)
            if old is not None and not _done(old).is_settled:
                self._table.put(self._done, mark, body, expect=old.version, expires=expires)
        self.drop(mark)

    def drop(self, mark: str) -> None:
        """It is not due (any more)."""
        rows.edit(self._table, self._due, mark, lambda item: rows.DELETE if item else None)

    def done(self, mark: str) -> Done | None:
        """How it ended, if it did and that is not forgotten."""
        item = self._table.get(self._done, mark)
        return _done(item) if item else None

    def all_done(self) -> Iterator[tuple[str, Done]]:
        """Everything that ended and is not forgotten: for a recount, and for nothing that happens often."""
        for item in self._table.list(self._done):
            yield item.sort, _done(item)

    def forget(self) -> None:
        """All of it: the task is deleted."""
        for partition in (self._due, self._done):
            for item in list(self._table.list(partition)):
                rows.edit(self._table, partition, item.sort, lambda item: rows.DELETE if item else None)


def _done(item: Item) -> Done:
    return rows.decode(item, Done, SCHEMA, f"object {item.sort}")


def mark_of(bucket: str, key: str, content: str) -> str:
    """Of an object with one content: the same each time that an event tells of it."""
    return hashlib.sha256(f"{bucket}\0{key}\0{content}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _errand(item: Item) -> Errand:
    return rows.decode(item, Errand, SCHEMA, f"object {item.sort}")
