"""A task with dead letters, in memory: what a replay needs, over the engine's honest fakes."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.engine import Clock, MemoryStore, ScriptedDestination, job

from logferry.dead_letters import DeadLetter, DeadLetters, Place
from logferry.delivery import Patience
from logferry.job import Settings
from logferry.letter_lease import LetterLeases
from logferry.letters import Wanted
from logferry.objects import Store
from logferry.plan import Plan
from logferry.replay import replay
from logferry.replay_order import Order, ReplayDesk, Replayed
from logferry.sls.write import encode_log_group
from logferry.state import Table
from logferry.state.memory import open_table

__all__ = ["Parked", "texts"]

_NAMES = itertools.count()


def _table() -> Table:
    return open_table(f"parked-{next(_NAMES)}", {}, lambda: 0.0)


@dataclass
class Parked:
    """Letters of task `t`, each with its number as the field `m`."""

    clock: Clock = field(default_factory=Clock)
    store: Store = field(default_factory=MemoryStore)
    table: Table = field(default_factory=_table)
    to: ScriptedDestination = field(default_factory=ScriptedDestination)
    plan: Plan = field(default_factory=Plan)
    busy: Callable[[DeadLetter], bool] = lambda _letter: False
    seconds: float = 300.0

    def __post_init__(self) -> None:
        self.dead = DeadLetters(self.store, self.clock)

    @property
    def leases(self) -> LetterLeases:
        """Of a process that is alive."""
        return LetterLeases(self.table, 60.0, self.clock)

    def park(self, count: int, reason: str = "HTTP 400", stream: str = "0", task: str = "t") -> list[str]:
        """So many more letters; their keys."""
        first = sum(self.dead.counts(task, stream).values())
        return [
            self.dead.park(task, 1, Place(stream, "b", number), reason, texts(f"r{number:05d}"))
            for number in range(first, first + count)
        ]

    def replay(self, wanted: Wanted | None = None, **order: object) -> Replayed:
        """One replay, with its time."""
        until = self.clock.now + self.seconds
        patience = Patience(lambda: until - self.clock.now, self.clock, self.clock.sleep, lambda: 0.5)
        desk = ReplayDesk(self.dead, self.leases, Settings(), patience, self.busy)
        made = Order("t", wanted or Wanted(), **order)  # type: ignore[arg-type]  # by name
        return replay(made, job(self.to, name="t", plan=self.plan, version=2), desk)

    def letter(self, key: str) -> DeadLetter:
        """The letter, known to be there."""
        found = self.dead.get(key)
        assert found is not None
        return found


def texts(text: str, time: int = 1_700_000_000) -> bytes:
    """A parked original with one field."""
    return encode_log_group([(time, 0, {"m": text})], topic="waf")
