"""Delivery tasks from a program: all that `logferry task` does, one method each. Docs: docs/python-api.md.

Errors are those of `logferry.errors`: ConfigError lists every mistake, Misconfigured wants a person, StateError and
SourceError may pass. One Control may be used from several threads; it holds one connection to the state table.
"""

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from logferry import apply as applying
from logferry import health, live_check, ownership, policies, positions, preview, wiring
from logferry import task as tasks
from logferry.errors import Misconfigured
from logferry.health import Health, Holds
from logferry.ledger import Ledger, Row
from logferry.live_check import Finding
from logferry.ownership import Gate
from logferry.ownership_row import Proof, Proofs
from logferry.policies import Grant, Whom
from logferry.positions import Moved
from logferry.preview import Preview
from logferry.sources import Surroundings
from logferry.spill_source import SpillSource
from logferry.spill_store import SpillStore
from logferry.task import Task
from logferry.task_store import Applied, Page, State, Stored, TaskStore
from logferry.vault import Vault

__all__ = ["Control", "Resumed", "Shown"]


class Shown(NamedTuple):
    """Everything that is known about one task, but for its dead letters."""

    stored: Stored
    held: Health | None
    proof: Proof | None  # of the place that it delivers to
    rows: list[Row]  # one a stream

    @property
    def state(self) -> str:
        """As a person sees it: `unhealthy` for one that the system holds."""
        return health.shown(self.stored.state, self.held)


class Resumed(NamedTuple):
    """What a `resume` ended."""

    changed: bool  # the task was offline
    released: bool  # the system held it


class Control:
    """The tasks of the state table that `environ` names (`LOGFERRY_STATE`, by default the process's environment)."""

    def __init__(self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._clock = clock
        self.table = wiring.open_table(self.environ)
        self._store = TaskStore(self.table, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the table."""
        self.table.close()

    def check(self, text: str | bytes) -> Task:
        """A task file's text (YAML or JSON) as a Task; touches nothing."""
        return tasks.parse(text)

    def check_live(self, task: Task, time_out: float = 20.0) -> list[Finding]:
        """Ask source and destination, and send one marked test record."""
        return live_check.check_live(task, self.table, self._around(), time_out)

    def plan(self, task: Task) -> Preview:
        """What `apply` would change; writes nothing."""
        return preview.preview(task, self.table, self._around())

    def apply(self, task: Task | str | bytes) -> Applied:
        """Put a task (or its file's text) to work, or change it. Twice the same is once."""
        made = task if isinstance(task, Task) else self.check(task)
        return applying.apply_task(made, self.table, self._around())

    def page(self, number: int = 1, size: int = 20) -> Page:
        """One page of the tasks by name."""
        return self._store.page(number, size)

    def holds(self) -> dict[str, Health]:
        """Every task that the system holds."""
        return Holds(self.table).all()

    def show(self, name: str) -> Shown:
        """One task."""
        stored = self._store.get(name)
        proof = Proofs(self.table).find(name)
        place = ownership.place_of(stored)
        here = proof if proof and proof.destination == place else None
        return Shown(stored, Holds(self.table).health(name), here, Ledger(self.table).rows(name))

    def pause(self, name: str) -> bool:
        """Stop reading for a task; whether it was working. Misconfigured while it is pending."""
        return self._set(name, "offline")

    def resume(self, name: str) -> Resumed:
        """Let a task work, end the system's hold on it and its streams' rest. Misconfigured while it is pending."""
        changed = self._set(name, "online")
        released = Holds(self.table).release(name)
        positions.wake(name, Ledger(self.table), self._clock())
        return Resumed(changed, released)

    def seek(self, name: str, at: str | int, stream: str | None = None) -> list[Moved]:
        """Move all streams, or one, to `begin`, `end` or a Unix time. Conflict while one is in work."""
        source = applying.source_of(self._store.get(name).task(), self._around())
        seen = SpillSource(source, self._spills(), name, Ledger(self.table).rows(name))
        return positions.seek(name, seen, Ledger(self.table), at, self._clock(), stream)

    def challenge(self, name: str) -> Proof:
        """Place another token for a task that is pending; the one before is worth nothing then."""
        stored = self._store.get(name)
        if stored.state != "pending":
            raise Misconfigured(f"{name}: is {stored.state}, there is nothing to prove")
        return self._gate(stored).challenge(anew=True)

    def verify(self, name: str, token: str | None = None) -> State:
        """Tell the token (None: have the destination asked for it); the task's state then.

        Misconfigured if it is wrong, has expired, or no attempts are left. A task that is not pending stays as it is.
        """
        stored = self._store.get(name)
        if stored.state == "pending":
            self._gate(stored).verify(token)
        return self._store.get(name).state

    def grants(self, name: str, whom: Whom = Whom()) -> list[tuple[str, Grant]]:  # noqa: B008  # a constant
        """What must be granted to whoever delivers the task, each with its side: `source` or `destination`."""
        return policies.of(self._store.get(name).task(), whom)

    def delete(self, name: str) -> None:
        """Forget a task, its positions and its ledger. Dead letters stay."""
        applying.delete(name, self.table, self._clock, self._spills())

    def _set(self, name: str, state: State) -> bool:
        """Atomically: what is pending at the moment of writing stays so."""

        def decide(old: Stored) -> State:
            if old.state == "pending":
                raise Misconfigured(f"{name} is pending: prove the ownership of its destination first")
            return state

        self._store.get(name)
        return self._store.turn(name, decide)

    def _gate(self, stored: Stored) -> Gate:
        return Gate(stored.task(), self.table, self._around())

    def _spills(self) -> SpillStore:
        return SpillStore(wiring.open_store(self.environ))

    def _around(self) -> Surroundings:
        return Surroundings(self.environ, Vault(self.environ), self._clock)
