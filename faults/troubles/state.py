"""The state table and the dead-letter store, in trouble at their own interface; what is behind it is real."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from faults.boat import RECORDS, Boat, Seen
from faults.troubles import Trouble
from logferry.dead_letters import DeadLetters
from logferry.errors import StateError
from logferry.health import Holds
from logferry.ledger import Lease, Ledger, Row
from logferry.objects import Store
from logferry.state import Item, Table
from logferry.task_store import TaskStore

__all__ = ["FullStore", "TroubledTable"]

_AFTER = 3  # writes of a ledger row that go well: one claims, two save


class _Table:
    """`kind`: `down` (nothing is answered), `lost_answer` (writes happen and are not answered), `foreign` (somebody
    else writes a lease of one second into a row just before we do)."""

    def __init__(self, table: Table, kind: str) -> None:
        self._table, self._kind = table, kind
        self._lock = threading.Lock()
        self._writes = 0
        self.met = 0
        self.over = False

    @property
    def _begun(self) -> bool:
        return self._writes >= _AFTER and not self.over

    def get(self, partition: str, sort: str) -> Item | None:
        self._answer()
        return self._table.get(partition, sort)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        self._answer()
        ours = partition.startswith("ledger/")
        if ours and self._begun and self._kind == "foreign" and self.met == 0:
            self.met += 1
            self._take_over(partition, sort)
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        with self._lock:
            self._writes += ours
        if ours and self._begun and self._kind == "lost_answer" and self._writes % 2:
            self.met += 1
            raise StateError("the table did not answer")
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        self._answer()
        self._table.delete(partition, sort, expect=expect)

    def list(self, partition: str) -> Iterator[Item]:
        self._answer()
        return self._table.list(partition)

    def close(self) -> None:
        self._table.close()

    def _answer(self) -> None:
        if self._begun and self._kind == "down":
            self.met += 1
            raise StateError("the table did not answer")

    def _take_over(self, partition: str, sort: str) -> None:
        item = self._table.get(partition, sort)
        if item is not None:
            lease = Lease(owner="somebody else", until=time.time() + 1)
            row = msgspec.structs.replace(msgspec.json.decode(item.value, type=Row), lease=lease)
            self._table.put(partition, sort, msgspec.json.encode(row), expect=item.version)


class TroubledTable(Trouble):
    """`kind` as above."""

    def begin(self, boat: Boat) -> None:
        self._table = _Table(boat.shop.table, self.options["kind"])
        _use(boat, self._table)

    def suffer(self, boat: Boat) -> Seen:
        enough = 5 if self.options["kind"] == "down" else 10**9
        return boat.sweep(30, lambda: self._table.met >= enough)

    def end(self, boat: Boat) -> None:  # noqa: ARG002  # the protocol's
        self._table.over = True

    def met(self, boat: Boat) -> int:  # noqa: ARG002  # the protocol's
        return self._table.met


class _Store:
    """A store that takes nothing new for a while."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.get, self.list, self.delete = store.get, store.list, store.delete
        self.met = 0
        self.over = False

    def put(self, key: str, body: bytes) -> None:
        if not self.over:
            self.met += 1
            raise StateError("no space left on device")
        self._store.put(key, body)


class FullStore(Trouble):
    """While a record must be parked."""

    ENOUGH: ClassVar[int] = 2

    def load(self, boat: Boat) -> None:
        boat.put(RECORDS // 2)
        boat.put(1, note="x" * 3_500)
        boat.put(RECORDS // 2)

    def begin(self, boat: Boat) -> None:
        self._store = _Store(_store_of(boat))
        boat.shop.dead = DeadLetters(self._store, time.time)

    def end(self, boat: Boat) -> None:  # noqa: ARG002  # the protocol's
        self._store.over = True

    def met(self, boat: Boat) -> int:  # noqa: ARG002  # the protocol's
        return self._store.met


def _use(boat: Boat, table: Table) -> None:
    clock: Callable[[], float] = time.time
    shop: Any = boat.shop
    shop.table, shop.tasks, shop.holds, shop.ledger = table, TaskStore(table, clock), Holds(table), Ledger(table)


def _store_of(boat: Boat) -> Store:
    from logferry import wiring

    return wiring.open_store(boat.ferry.environ)
