"""A function that kills itself (SIGKILL) at a named step; run as a program, so that nothing can clean up after it.

    python -m tests.fakes.mortal STEP COUNT

Steps: `sent` (after the COUNT-th payload was answered), `parked` (after the COUNT-th dead letter was written),
`saving` (before the COUNT-th write of a row), `saved` (right after it). The environment says where everything is.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from logferry import wiring
from logferry.delivery import Patience
from logferry.destinations import Destination
from logferry.lane import Job
from logferry.model import Payload
from logferry.objects import Store
from logferry.rounds import visit
from logferry.state import Item, Table
from logferry.task_store import Stored

__all__ = ["main"]

Strike = Callable[[str], None]


def striker(step: str, count: int) -> Strike:
    """Kills this process the `count`-th time that it hears `step`."""
    heard = iter(range(1, 1_000_000))

    def strike(name: str) -> None:
        if name == step and next(heard) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike


class MortalTable:
    """A table whose owner dies around a write of a ledger row."""

    def __init__(self, table: Table, strike: Strike) -> None:
        self._table = table
        self._strike = strike

    def get(self, partition: str, sort: str) -> Item | None:
        return self._table.get(partition, sort)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        ledger = partition.startswith("ledger/")
        if ledger:
            self._strike("saving")
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        if ledger:
            self._strike("saved")
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        self._table.delete(partition, sort, expect=expect)

    def list(self, partition: str) -> Iterator[Item]:
        return self._table.list(partition)

    def close(self) -> None:
        self._table.close()


class MortalStore:
    """An object store whose owner dies after parking."""

    def __init__(self, store: Store, strike: Strike) -> None:
        self._store = store
        self._strike = strike
        self.get, self.list, self.delete = store.get, store.list, store.delete

    def put(self, key: str, body: bytes) -> None:
        self._store.put(key, body)
        self._strike("parked")


class MortalDestination:
    """A destination whose sender dies after an answer."""

    def __init__(self, inner: Destination, strike: Strike) -> None:
        self._inner = inner
        self._strike = strike
        self.confirmation, self.limits = inner.confirmation, inner.limits
        self.check, self.confirm, self.refresh, self.close = inner.check, inner.confirm, inner.refresh, inner.close

    def send(self, payload: Payload, time_out: float) -> None:
        self._inner.send(payload, time_out)
        self._strike("sent")


def main(step: str, count: int) -> None:
    """One sweep over everything, mortal."""
    strike = striker(step, count)
    environ = dict(os.environ)
    table = MortalTable(wiring.open_table(environ), strike)
    store = MortalStore(wiring.open_store(environ), strike)
    shop = wiring.Workshop(table, store).renewed(environ)
    until = time.monotonic() + 60
    patience = Patience(lambda: until - time.monotonic(), time.time, time.sleep, random.random)
    crew = shop.crew(shop.tasks.all(), patience)

    def job(stored: Stored) -> Job:
        built = shop.job(stored)
        built.destination = MortalDestination(built.destination, strike)
        return built

    source = crew.desk.source
    visit(replace(crew, job=job), source.streams(), lambda stream: source.position(stream.name, "end"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
