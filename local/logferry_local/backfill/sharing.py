"""The shard's read budget, shared with the live run, live first; and so many records a second, if asked for.

The source that a backfill reads through looks around before each pull. Where it has to wait for long it ends the turn:
what was sent is saved, the stream let go of, and nothing is held while the live run catches up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from logferry.delivery import Patience
from logferry.errors import Unfinished
from logferry.health import Holds
from logferry.ledger import Ledger
from logferry.model import Position
from logferry.pace import Pace
from logferry.sources import Batch, Source

__all__ = ["Live", "Shared", "Stop", "Turn"]

_LAG = 15.0  # seconds behind before the live run counts as behind: it saves every five
_AT_WORK = 10.0  # seconds since its last write
_LOOK = 1.0  # seconds between two looks
_STALL = 900.0  # seconds without a step forward before a backfill gives up
_LAST = 10.0  # seconds that sends under way get once it shall stop
_SLICE = 0.2  # seconds of one sleep: how soon a signal is heard

Why = Literal["", "live", "rate", "hold"]


@dataclass(slots=True)
class Stop:
    """Set by a signal's handler, which may do no more than that."""

    signal: int = 0


@dataclass(slots=True)
class Live:
    """The task's live run, as its rows show it."""

    task: str
    ledger: Ledger
    holds: Holds
    source: Source
    clock: Callable[[], float]

    def hold(self) -> str:
        """Why the task is held; "" if it is not."""
        health = self.holds.health(self.task)
        return health.reason if health else ""

    def is_behind(self, stream: str) -> bool:
        """Whether the live run works on this stream, or rests from a failure, and lags."""
        row, now = self.ledger.get(self.task, stream), self.clock()
        if row is None:
            return False
        at_work = (row.lease and row.lease.holds(now)) or row.rest(now) or 0 <= now - row.updated < _AT_WORK
        if not at_work or self.source.order(row.position) >= self.source.order(self.source.position(stream, "end")):
            return False
        return now - self.source.time_of(stream, row.position) > _LAG


@dataclass(slots=True)
class Turn:
    """Until when to go on: a stop, a wait that began, or too long without a step forward ends it."""

    stop: Stop
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    stall: float = _STALL
    _why: Why = ""  # it ended, to wait for this
    _stepped: float = field(init=False)
    _stopped: float | None = None

    def __post_init__(self) -> None:
        self._stepped = self.clock()

    def begin(self) -> None:
        """Another turn."""
        self._why = ""

    def end(self, why: Why) -> None:
        """Nothing new from now on, to wait for this."""
        self._why = why

    @property
    def waits_for(self) -> Why:
        """What ended it."""
        return self._why

    def stepped(self) -> None:
        """Something was done, or waited for with good reason."""
        self._stepped = self.clock()

    def patience(self, chance: Callable[[], float]) -> Patience:
        """For the engine: nothing new once the turn is over, but what is under way may end."""
        return Patience(self._soft, self.clock, self.nap, chance, self._hard)

    def nap(self, seconds: float) -> None:
        """Sleep, unless it shall stop."""
        until = self.clock() + seconds
        while not self.stop.signal and (left := until - self.clock()) > 0:
            self.sleep(min(left, _SLICE))

    def doze(self, seconds: float) -> None:
        """The same for who has nothing to end. Raises Unfinished when it shall stop."""
        self.nap(seconds)
        self.check()

    def check(self) -> None:
        """Raises Unfinished when it shall stop."""
        if self.stop.signal:
            raise Unfinished("stopped")

    def _soft(self) -> float:
        return 0.0 if self._why or self.stop.signal else self._hard()

    def _hard(self) -> float:
        now = self.clock()
        left = self._stepped + self.stall - now
        if self.stop.signal:
            self._stopped = now if self._stopped is None else self._stopped
            left = min(left, self._stopped + _LAST - now)
        return left


class Shared:
    """The source as a backfill reads it. All but `read` is the source's own."""

    def __init__(self, source: Source, live: Live, turn: Turn, pace: Pace, seen: Callable[[int], None]) -> None:
        """`seen` hears of the records of each batch, the first time that it is read."""
        self._source, self._live, self._turn, self._pace, self._seen = source, live, turn, pace, seen
        self.replays, self.progress = source.replays, source.progress
        self.streams, self.position, self.order = source.streams, source.position, source.order
        self.time_of, self.retention = source.time_of, source.retention
        self._looked = 0.0
        self._furthest: dict[str, int] = {}

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Batch]:
        """Batch after batch, unless it is somebody else's turn."""
        batches = self._source.read(stream, begin, end)
        while True:
            self._give_way(stream)
            batch = next(batches, None)
            if batch is None:
                return
            self._wait(batch)
            self._step(stream, batch)
            yield batch

    def _give_way(self, stream: str) -> None:
        self._turn.check()
        now = self._turn.clock()
        if 0 <= now - self._looked < _LOOK:
            return
        self._looked = now
        if self._live.hold():
            self._turn.end("hold")
            raise Unfinished("the task is held")
        if self._live.is_behind(stream):
            self._looked = 0.0
            self._turn.end("live")
            raise Unfinished("the live run goes first")

    def _wait(self, batch: Batch) -> None:
        """At most five seconds with the batch in hand: its stream is held meanwhile."""
        if not self._pace.wait(batch.count, lambda: _AT_WORK / 2):
            self._turn.end("rate")
            raise Unfinished("slowed down to the rate that was asked for")

    def _step(self, stream: str, batch: Batch) -> None:
        reached = self._source.order(batch.end)
        if reached > self._furthest.get(stream, 0):
            self._furthest[stream] = reached
            self._turn.stepped()
            self._seen(batch.count)
