"""One at a time changes the dead letters of a task: a replay, an edit, a discard. A lease row says who, until when.

Row `letters/<task>`. It is deleted at the end; one that has run out was left by somebody who was killed.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from logferry import rows
from logferry.errors import Conflict, StateError
from logferry.ledger_row import Lease
from logferry.state import Item, Table

__all__ = ["Hold", "LetterLeases"]

SCHEMA = 1
_PARTITION = "letters"


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = SCHEMA
    lease: Lease


class Hold:
    """One owner's hold on a task's letters."""

    def __init__(self, leases: "LetterLeases", task: str, owner: str, *, resumed: bool) -> None:
        self._leases = leases
        self._task = task
        self._owner = owner
        self._until = 0.0
        self.resumed = resumed  # whoever had it before did not end in order

    def renew(self) -> None:
        """Keep it while it is needed. Conflict: it ran out, and is somebody else's by now."""
        now, seconds = self._leases.clock(), self._leases.seconds
        if self._until - now < seconds / 2:
            self._leases.write(self._task, self._owner, now + seconds, first=not self._until)
            self._until = now + seconds


class LetterLeases:
    """The leases of all tasks, over one state table."""

    def __init__(self, table: Table, seconds: float, clock: Callable[[], float]) -> None:
        self._table = table
        self.seconds = seconds
        self.clock = clock

    @contextmanager
    def held(self, task: str) -> Iterator[Hold]:
        """Hold the task's letters. Raises Conflict that says until when somebody else does."""
        owner = secrets.token_hex(8)
        hold = Hold(self, task, owner, resumed=self._table.get(_PARTITION, task) is not None)
        hold.renew()
        try:
            yield hold
        finally:
            with suppress(StateError):  # it runs out by itself
                self._release(task, owner)

    def write(self, task: str, owner: str, until: float, *, first: bool) -> None:
        """Write the lease of this owner. Raises Conflict when it is, or was meanwhile, somebody else's."""

        def change(item: Item | None) -> bytes:
            other = _lease(item) if item else None
            mine = other is not None and other.owner == owner
            if not first and not mine:
                raise Conflict(f"task {task}: somebody else has taken its dead letters over", version="")
            if other and not mine and other.holds(self.clock()):
                left = other.until - self.clock()
                raise Conflict(
                    f"task {task}: somebody else is at its dead letters (a replay, an edit, a discard) for up to "
                    f"{left:.0f} s: wait and try again", version="",
                )  # fmt: skip
            return msgspec.json.encode(_Row(lease=Lease(owner=owner, until=until)))

        rows.edit(self._table, _PARTITION, task, change)

    def _release(self, task: str, owner: str) -> None:
        rows.edit(
            self._table, _PARTITION, task,
            lambda item: rows.DELETE if item and _lease(item).owner == owner else None,
        )  # fmt: skip


def _lease(item: Item) -> Lease:
    return rows.decode(item, _Row, SCHEMA, f"letters of task {item.sort}").lease
