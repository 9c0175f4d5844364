"""A function that kills itself (SIGKILL) at a named step; run as a program, so that nothing can clean up after it.

    python -m tests.fakes.mortal STEP COUNT [COMMAND...]

It does one sweep, or one command of `logferry`.
Steps: `sent` (after the COUNT-th payload was answered), `parked` (after the COUNT-th dead letter was written),
`spilled` (after the COUNT-th batch was), `dropped` (after the COUNT-th spilled batch was removed), `saving` (before the
COUNT-th write of a row), `saved` (right after it), `errand` (right after the COUNT-th write of what a task has to
fetch, or has fetched), `answering` (of an armed function only: all is done but the answer).
The environment says where everything is.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from logferry import calls, wiring
from logferry.dead_letters import DeadLetters
from logferry.destinations import Destination
from logferry.job import Job
from logferry.ledger import Ledger
from logferry.model import Payload
from logferry.objects import Store
from logferry.runtime import Call, Function, Reply
from logferry.spill_store import SpillStore
from logferry.state import Item, Table
from logferry.task import Task
from logferry_local import cli

__all__ = ["armed", "main"]

Strike = Callable[[str], None]


def striker(step: str, count: int, mark: Path | None = None) -> Strike:
    """Kills this process the `count`-th time that it hears `step`, once `mark` is there."""
    heard = iter(range(1, 1_000_000))

    def strike(name: str) -> None:
        if name == step and next(heard) == count:
            if mark:
                mark.touch()
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
        if partition.startswith("errands"):
            self._strike("errand")
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        self._table.delete(partition, sort, expect=expect)
        if partition.startswith("errands"):
            self._strike("errand")

    def list(self, partition: str) -> Iterator[Item]:
        return self._table.list(partition)

    def close(self) -> None:
        self._table.close()


class MortalStore:
    """An object store whose owner dies after parking, spilling, or dropping what was spilled."""

    def __init__(self, store: Store, strike: Strike) -> None:
        self._store = store
        self._strike = strike
        self.get, self.list = store.get, store.list

    def put(self, key: str, body: bytes) -> None:
        self._store.put(key, body)
        self._strike("spilled" if key.startswith("spill/") else "parked")

    def delete(self, key: str) -> None:
        self._store.delete(key)
        if key.startswith("spill/"):
            self._strike("dropped")


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


def arm(shop: wiring.Workshop, environ: Mapping[str, str], strike: Strike) -> None:
    """Every part of the workshop that a step names is mortal from now on."""
    build = shop._build  # where every job comes from

    def mortal(task: Task, version: int) -> Job:
        built = build(task, version)
        if not isinstance(built.destination, MortalDestination):
            built.destination = MortalDestination(built.destination, strike)
        return built

    shop.table = MortalTable(shop.table, strike)
    shop.ledger = Ledger(shop.table)
    store = MortalStore(wiring.open_store(environ), strike)
    shop.dead, shop.spills = DeadLetters(store, time.time), SpillStore(store)
    shop._build = mortal  # type: ignore[method-assign]  # this workshop only


def armed(function: Function) -> Function:
    """The function, which dies once: at `MORTAL_STEP`, the `MORTAL_COUNT`-th time; `MORTAL_MARK` remembers it."""

    def mortal(call: Call) -> Mapping[str, object] | Reply:
        mark = Path(call.environ["MORTAL_MARK"])
        if mark.exists():
            return function(call)
        strike = striker(call.environ["MORTAL_STEP"], int(call.environ["MORTAL_COUNT"]), mark)
        arm(wiring.workshop(call.environ), call.environ, strike)
        result = function(call)
        strike("answering")
        return result

    return mortal


def main(step: str, count: int, command: Sequence[str] = ()) -> None:
    """One sweep over everything, or one command, mortal."""
    environ = dict(os.environ)
    shop = wiring.workshop(environ)
    arm(shop, environ, striker(step, count))
    if command:
        cli.main(command)
    until = time.monotonic() + 60
    calls.sweep(Call({}, "request-1", environ, lambda: until - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
