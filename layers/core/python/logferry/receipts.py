"""What a task has settled of what it is sent, by the sender's own names: a row an item, until it expires.

Rows `taken/<task>/<two digits>`, by a digest of the name: one partition would be too hot in a busy task. A row is
written when the item is settled; where the sender does not count its tries, also before it is delivered for the first
time, so that a kill in between is known.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Literal

import msgspec

from logferry import rows
from logferry.errors import Conflict
from logferry.state import Item, Table

__all__ = ["SCHEMA", "Receipts", "Standing"]

SCHEMA = 1
Standing = Literal["new", "begun", "done"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One item of one task."""

    schema: int = SCHEMA
    done: bool


class Receipts:
    """A task's. `seconds`: how long an item is remembered."""

    def __init__(self, table: Table, task: str, clock: Callable[[], float], seconds: float) -> None:
        self._table, self._task, self._clock, self._seconds = table, task, clock, seconds

    def standing(self, name: str) -> Standing:
        """What is known of it."""
        found = self._table.get(*self._place(name))
        if found is None:
            return "new"
        return "done" if _decode(found).done else "begun"

    def begin(self, name: str) -> None:
        """Say that it is about to be delivered. Somebody may have said so before."""
        with suppress(Conflict):
            self._table.put(
                *self._place(name), _body(done=False), expect=None, expires=self._clock() + self._seconds
            )  # fmt: skip

    def settle(self, name: str) -> None:
        """Say that it is settled. Raises StateError; then it is delivered again."""
        rows.edit(
            self._table, *self._place(name), lambda item: _body(done=True) if _wants(item) else None,
            expires=self._clock() + self._seconds,
        )  # fmt: skip

    def _place(self, name: str) -> tuple[str, str]:
        digest = blake2b(name.encode("utf-8", "replace"), digest_size=16).hexdigest()
        return f"taken/{self._task}/{digest[:2]}", digest[2:]


def _wants(item: Item | None) -> bool:
    return item is None or not _decode(item).done


def _body(*, done: bool) -> bytes:
    return msgspec.json.encode(Receipt(done=done))


def _decode(item: Item) -> Receipt:
    return rows.decode(item, Receipt, SCHEMA, "what a task has taken")
