"""One round over a logstore: which tasks may work on which stream, in which order, and what follows for their health.

Parents come before their children, per task: a task that has not reached a parent's end leaves the child alone.
A held task takes part only if it may be probed now; one that is held during the round leaves it.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from logferry import route
from logferry.desk import Desk
from logferry.errors import ConfigError, Conflict, LogferryError, Misconfigured, Unfinished, told
from logferry.health import Holds
from logferry.job import Job
from logferry.ledger import Row
from logferry.model import Effort, Lag, Outcome, Position
from logferry.sources import Stream
from logferry.task_store import Stored

__all__ = ["Crew", "Visit", "visit"]

log = logging.getLogger(__name__)

_SPILL_SHARE, _SPILL_SECONDS = 0.1, 30.0  # of a call's time, kept for spilling: at most so many seconds
_CIRCUIT_OPEN = "circuit open: the destination did not answer on another stream"


class Crew(Struct, frozen=True):
    """The tasks of one logstore, and what they work with."""

    tasks: Sequence[Stored]
    desk: Desk
    holds: Holds
    job: Callable[[Stored], Job]


class Visit(Struct):
    """What a round came to."""

    reached: dict[tuple[str, str], Outcome] = field(default_factory=dict)  # by task and stream
    held: dict[str, str] = field(default_factory=dict)  # task -> why it is not working
    lags: dict[tuple[str, str], Lag] = field(default_factory=dict)  # by task and stream, of those that are behind

    @property
    def outcomes(self) -> list[Outcome]:
        """One a task and stream."""
        return list(self.reached.values())

    def add(self, outcome: Outcome) -> None:
        """What came of it last, and all that was counted on the way there."""
        old = self.reached.get((outcome.task, outcome.stream))
        if old:
            counts, effort = old.counts + outcome.counts, old.effort + outcome.effort
            outcome = msgspec.structs.replace(outcome, counts=counts, effort=effort)
        self.reached[outcome.task, outcome.stream] = outcome

    def join(self, other: "Visit") -> None:
        """With all that another round came to."""
        for outcome in other.outcomes:
            self.add(outcome)
        self.held.update(other.held)
        self.lags.update(other.lags)


def visit(crew: Crew, streams: Sequence[Stream], end_of: Callable[[Stream], Position]) -> Visit:
    """Every task of the crew on these streams (parents first), each up to `end_of(stream)`.

    Each stream has its share of the time. What the idle ones leave goes to the busy ones, in another turn. A task
    whose destination failed on one stream goes on with its others after its neighbours.
    """
    turn = _Turn(replace(crew, desk=_sparing(crew.desk)) if crew.desk.may_spill else crew, end_of)
    able = turn.able()
    turn.go(able, streams)
    turn.go([job for job in able if job.name in turn.down], streams, last=True)
    _look_after(turn, crew, streams)
    return turn.found


def _sparing(desk: Desk) -> Desk:
    """With time kept for spilling what cannot be delivered in time."""
    spared = max(0.0, min(_SPILL_SECONDS, desk.patience.time_left() * _SPILL_SHARE))
    return replace(desk, patience=desk.patience.sparing(spared))


def _look_after(turn: "_Turn", crew: Crew, streams: Sequence[Stream]) -> None:
    """What is late is told; what the source is about to forget is spilled."""
    late = [(stored, stream) for stream in streams for stored in crew.tasks
            if not turn.is_settled(stored.name, stream.name)]  # fmt: skip
    if late:
        from logferry import lag  # mostly nothing is late, and a cold start pays for each module

        behind = [lag.Behind(stored, stream, turn.reason(stored.name, stream.name)) for stored, stream in late]
        retention = crew.desk.source.retention()
        turn.found.lags.update(lag.watch(behind, crew.desk, retention))
        lag.rescue(behind, turn.found.lags, crew.desk, retention)


class _Turn(Struct, frozen=True):
    """One go at all streams. What goes wrong with one task or one stream is told, and stops no other."""

    crew: Crew
    end_of: Callable[[Stream], Position]
    found: Visit = field(default_factory=Visit)
    down: set[str] = field(default_factory=set)  # tasks that failed on a stream: their other streams come last
    drained: set[tuple[str, str]] = field(default_factory=set)

    def able(self) -> list[Job]:
        """Jobs of the tasks that may work now."""
        able: list[Job] = []
        for stored in self.crew.tasks:
            try:
                if not self._is_resting(stored.name):
                    able.append(self.crew.job(stored))
            except (ConfigError, Misconfigured) as error:  # this task's own trouble (a missing secret)
                self._hold(stored.name, str(error))
            except LogferryError as error:
                self._fail(stored.name, "", error)
        return able

    def go(self, jobs: Sequence[Job], streams: Sequence[Stream], *, last: bool = False) -> None:
        """All streams in turn, as long as one of them only wants time. Not `last`: who fails waits for the others."""
        for job in jobs:
            job.circuit = "half-open" if job.circuit == "open" and not last else job.circuit
        while jobs:
            late = [self._take(jobs, stream, len(streams) - done, last=last) for done, stream in enumerate(streams)]
            if not any(late) or not self.crew.desk.in_time:
                return

    def reason(self, task: str, stream: str) -> str:
        """Why the task is not at the stream's end, as far as is known."""
        outcome = self.found.reached.get((task, stream))
        return self.found.held.get(task) or (outcome.note if outcome else "not its turn")

    def is_settled(self, task: str, stream: str) -> bool:
        """Whether nothing of it can be late, or somebody else is at it."""
        outcome = self.found.reached.get((task, stream))
        return (task, stream) in self.drained or (outcome is not None and outcome.finished)

    def _take(self, jobs: Sequence[Job], stream: Stream, among: int, *, last: bool) -> bool:
        """Work on one stream, the first of `among`; whether it only wants time to go on."""
        desk = self.crew.desk.share(among)
        due = [job for job in jobs if job.name not in self.found.held and self._is_due(job.name, stream)]
        due = [job for job in due if not self._is_put_off(job, stream, last=last)]
        if not due:
            return False
        try:
            if not desk.in_time:
                raise Unfinished(route.OUT_OF_TIME)
            end = self.end_of(stream)
            outcomes = route.run(due, stream, end, desk, patient=len(self.crew.tasks) == 1)
            for job, outcome in zip(due, outcomes, strict=True):
                self._follow_up(outcome, stream, end)
                if not outcome.finished and job.circuit != "closed":
                    self.down.add(job.name)
        except LogferryError as error:
            for job in due:
                self._fail(job.name, stream.name, error)
            return False
        return any(outcome.note == route.OUT_OF_TIME for outcome in outcomes)

    def _is_resting(self, task: str) -> bool:
        """Whether the task is held, and may not be probed now."""
        now = self.crew.desk.patience.clock()
        health = self.crew.holds.health(task)
        if health is None or self.crew.holds.probe(task, now):
            return False
        until = datetime.fromtimestamp(health.retry_at, UTC).isoformat(timespec="seconds")
        self.found.held[task] = f"held until {until}: {health.reason}"
        return True

    def _is_put_off(self, job: Job, stream: Stream, *, last: bool) -> bool:
        """Whether another stream has shown that the destination is down: asked again after the others, and once."""
        if job.name not in self.down or (last and job.circuit != "open"):
            return False
        if (job.name, stream.name) not in self.found.reached:
            self.found.add(Outcome(task=job.name, stream=stream.name, finished=False, note=_CIRCUIT_OPEN))
        return True

    def _is_due(self, task: str, stream: Stream) -> bool:
        """Whether the task has work here: not drained yet, and all parents drained."""
        try:
            row = self.crew.desk.ledger.get(task, stream.name)
            if row and row.drained and row.born == stream.born:
                self.drained.add((task, stream.name))
                return False
            return all(_is_drained(task, parent, self.crew.desk) for parent in stream.parents)
        except LogferryError as error:
            self._fail(task, stream.name, error)
            return False

    def _follow_up(self, outcome: Outcome, stream: Stream, end: Position) -> None:
        self.found.add(outcome)
        desk = self.crew.desk
        if outcome.held:
            self._hold(outcome.task, outcome.note)
        elif outcome.counts.read:
            self.crew.holds.release(outcome.task)  # it delivered: a hold, if there was one, is over
        settled = outcome.finished and not outcome.note
        if settled and not stream.open and end == desk.source.position(stream.name, "end"):
            with suppress(Conflict):  # somebody else is at it: the next round will say so
                now = desk.patience.clock()
                desk.ledger.edit(outcome.task, stream.name, _drained, now=now)

    def _hold(self, task: str, reason: str) -> None:
        log.error("task held", extra={"task": task, "reason": reason})
        self.crew.holds.hold(task, reason, self.crew.desk.patience.clock())
        self.found.held[task] = reason

    def _fail(self, task: str, stream: str, error: LogferryError) -> None:
        effort = Effort(errors=int(not isinstance(error, Unfinished)))
        self.found.add(Outcome(task=task, stream=stream, effort=effort, finished=False, note=told(error)))


def _drained(row: Row) -> Row:
    return msgspec.structs.replace(row, drained=True)


def _is_drained(task: str, parent: str, desk: Desk) -> bool:
    row = desk.ledger.get(task, parent)
    if row is None:
        return False
    return row.drained or desk.source.order(row.position) >= desk.source.order(desk.source.position(parent, "end"))
