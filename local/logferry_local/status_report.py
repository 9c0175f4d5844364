"""How every task stands on every stream now, as plain data: state table first, then (if asked) the source for the lag.

Times are seconds. The source is asked once a look for what two tasks want to know of the same place; one that does not
answer is not asked again in that look, and the rest is told from the state table alone.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Self

import msgspec

from logferry import config, health, kinds
from logferry.delivery import Patience
from logferry.errand_rows import Errands
from logferry.errands import DUE
from logferry.errors import LogferryError
from logferry.health import Health
from logferry.ledger import Row
from logferry.sources import Source
from logferry.task_store import Stored
from logferry.wiring import Workshop

__all__ = ["MOST_LETTERS", "Line", "Look", "look"]

MOST_LETTERS = 1_000  # open dead letters are counted up to here: each look lists them anew


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One task on one stream. None: not known, or not asked."""

    task: str
    state: str
    stream: str = ""
    owner: str = ""  # who works on it now
    lag: float | None = None
    lag_over_max: bool = False
    retention_left: float | None = None
    rate: float | None = None  # records delivered a second since the last look
    delivered: int = 0
    parked_open: int | None = 0
    retry_in: float | None = None
    failing: bool = False  # its last run ended with an error
    last_error: str = ""

    @property
    def problem(self) -> str:
        """What a person has to know of; "" if nothing."""
        if self.state == "unhealthy":
            return f"held: {self.last_error}"
        if self.state != "online":
            return ""  # a person wanted it so, or has to prove something first
        if self.lag_over_max:
            return f"lag {self.lag:.0f} s is over max_lag" + (f": {self.last_error}" if self.last_error else "")
        return f"failing: {self.last_error}" if self.failing else ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything; `notes` say what could not be seen."""

    at: float  # Unix seconds
    lines: list[Line]
    notes: list[str]

    @property
    def problems(self) -> list[str]:
        """Each with its task and stream."""
        found = ((" ".join(filter(None, (line.task, line.stream))), line.problem) for line in self.lines)
        return [f"{where}: {problem}" for where, problem in found if problem]

    def since(self, before: Self) -> Self:
        """The same with each rate since an earlier look."""
        delivered = {(line.task, line.stream): line.delivered for line in before.lines}
        seconds = self.at - before.at
        lines = []
        for line in self.lines:
            then = delivered.get((line.task, line.stream))
            known = then is not None and then <= line.delivered and seconds > 0
            rate = (line.delivered - then) / seconds if known and then is not None else None
            lines.append(msgspec.structs.replace(line, rate=rate))
        return msgspec.structs.replace(self, lines=lines)


def look(shop: Workshop, names: list[str], patience: Patience, *, ask: bool) -> Look:
    """These tasks (all if none is named). `ask`: the sources too, for the lag. Raises StateError, ConfigError."""
    eye = _Eye(shop, patience, ask=ask)
    lines: list[Line] = []
    for stored in [shop.tasks.get(name) for name in names] or shop.tasks.all():
        try:
            lines += eye.task(stored)
        except LogferryError as error:  # a row of a newer release hides one task, not all
            eye.notes.append(f"task {stored.name}: not readable: {error}")
    return Look(at=eye.now, lines=lines, notes=sorted(set(eye.notes)))


class _Eye:
    """One look: what it learned of a source is kept for the next task."""

    def __init__(self, shop: Workshop, patience: Patience, *, ask: bool) -> None:
        self._shop, self._patience, self._ask = shop, patience, ask
        self._sources: dict[str, Source | None] = {}
        self._ends: dict[tuple[str, str], str] = {}
        self.now = patience.clock()
        self.notes: list[str] = []

    def task(self, stored: Stored) -> Iterator[Line]:
        """A line a stream; one without a stream if it has met none."""
        held = self._shop.holds.health(stored.name)
        state = health.shown(stored.state, held)
        about = stored.problem or (held.reason if held else "")
        rows = self._shop.ledger.rows(stored.name)
        if not rows:
            yield Line(task=stored.name, state=state, last_error=about, failing=bool(stored.problem),
                       retry_in=_rest(None, held, self.now))  # fmt: skip
        for row in rows:
            line = self._line(stored, row, held)
            yield msgspec.structs.replace(line, state=state, last_error=about or row.last_error)
        yield from self._errands(stored, Line(task=stored.name, state=state, stream=DUE, last_error=about))

    def _errands(self, stored: Stored, line: Line) -> Iterator[Line]:
        """What a task that fetches objects still has to fetch: nothing is told where nothing is."""
        due = [one.errand for one in islice(Errands(self._shop.table, stored.name).due(), MOST_LETTERS)]
        if not due or stored.problem:
            return
        lag = max(0.0, self.now - min(errand.at for errand in due))
        worst = max(due, key=lambda errand: errand.attempts)
        yield msgspec.structs.replace(
            line, lag=lag, lag_over_max=lag > config.seconds(stored.task().max_lag),
            failing=bool(worst.last_error), retry_in=worst.rest(self.now) or None,
            last_error=line.last_error or ": ".join(filter(None, (f"{len(due)} object(s) wait", worst.last_error))),
        )  # fmt: skip

    def _line(self, stored: Stored, row: Row, held: Health | None) -> Line:
        lag, left, over = self._lag(stored, row)
        owner = row.lease.owner if row.lease and row.lease.holds(self.now) else ""
        return Line(
            task=stored.name, state="", stream=row.stream,
            owner=owner.partition("#")[0],  # a worker adds a nonce to its name
            lag=lag, retention_left=left, lag_over_max=over, delivered=row.counts.delivered,
            parked_open=self._letters(stored.name, row), retry_in=_rest(row, held, self.now),
            failing=bool(stored.problem) or row.failures > 0,
        )  # fmt: skip

    def _letters(self, task: str, row: Row) -> int | None:
        if not row.counts.parked:
            return 0
        try:
            return sum(1 for _ in islice(self._shop.dead.places(task, "open", row.stream), MOST_LETTERS))
        except LogferryError as error:
            self.notes.append(f"task {task}: dead letters not counted: {error}")
            return None

    def _lag(self, stored: Stored, row: Row) -> tuple[float | None, float | None, bool]:
        """Lag, time to retention, whether over max_lag."""
        if not self._ask or row.drained or stored.problem:
            return (0.0 if row.drained else None), None, False
        place = ""
        try:
            task = stored.task()
            place = repr(kinds.dump(task.source))
            if place not in self._sources:
                self._sources[place] = self._shop.source(task)
            source = self._sources[place]
            if source is None:
                return None, None, False
            if self._patience.time_left() <= 0:
                self.notes.append("lag of some streams unknown: the sources answer too slowly")
                return None, None, False
            if (place, row.stream) not in self._ends:
                self._ends[place, row.stream] = source.position(row.stream, "end")
            if not row.spilled and source.order(row.position) >= source.order(self._ends[place, row.stream]):
                return 0.0, None, False
            seen = self._shop.desk(source, self._patience).seen_by(stored.name, row)
            lag = max(0.0, self.now - seen.time_of(row.stream, row.position))
            retention = source.retention()
            return lag, (retention - lag if retention else None), lag > config.seconds(task.max_lag)
        except LogferryError as error:
            self._sources[place] = None
            self.notes.append(f"task {stored.name}: lag unknown, told from the state table alone: {error}")
            return None, None, False


def _rest(row: Row | None, held: Health | None, now: float) -> float | None:
    """Seconds until the stream is tried again, if it rests."""
    rest = max(row.rest(now) if row else 0.0, held.retry_at - now if held else 0.0)
    return rest if rest > 0 else None
