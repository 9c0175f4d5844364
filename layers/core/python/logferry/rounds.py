"""One round over a logstore: which tasks may work on which stream, in which order, and what follows for their health.

Parents come before their children, per task: a task that has not reached a parent's end leaves the child alone.
A held task takes part only if it may be probed now; one that is held during the round leaves it.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from logferry import config, route
from logferry.errors import ConfigError, Conflict, LogferryError, Misconfigured, Unfinished, told
from logferry.health import Holds
from logferry.job import Job
from logferry.ledger import Row
from logferry.model import Effort, Lag, Outcome, Position
from logferry.route import Desk
from logferry.sources import Stream
from logferry.task_store import Stored

__all__ = ["Crew", "Visit", "visit"]

log = logging.getLogger(__name__)

_ALARM_SECONDS = 1.0  # what a look at one stream's lag may take


@dataclass(frozen=True, slots=True)
class Crew:
    """The tasks of one logstore, and what they work with."""

    tasks: Sequence[Stored]
    desk: Desk
    holds: Holds
    job: Callable[[Stored], Job]


@dataclass(slots=True)
class Visit:
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


def visit(crew: Crew, streams: Sequence[Stream], end_of: Callable[[Stream], Position]) -> Visit:
    """Every task of the crew on these streams (parents first), each up to `end_of(stream)`.

    Each stream has its share of the time. What the idle ones leave goes to the busy ones, in another turn.
    """
    turn = _Turn(crew, end_of)
    able = turn.able()
    while True:
        late = [turn.take(able, stream, len(streams) - done) for done, stream in enumerate(streams)]
        if not any(late) or not crew.desk.in_time:
            break
    _warn_of_lag(turn.found, crew)
    return turn.found


@dataclass(frozen=True, slots=True)
class _Turn:
    """One go at all streams. What goes wrong with one task or one stream is told, and stops no other."""

    crew: Crew
    end_of: Callable[[Stream], Position]
    found: Visit = field(default_factory=Visit)

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

    def take(self, able: Sequence[Job], stream: Stream, among: int) -> bool:
        """Work on one stream, the first of `among`; whether it only wants time to go on."""
        desk = self.crew.desk.share(among)
        due = [job for job in able if job.name not in self.found.held and self._is_due(job.name, stream)]
        if not due:
            return False
        try:
            if not desk.in_time:
                raise Unfinished(route.OUT_OF_TIME)
            end = self.end_of(stream)
            outcomes = route.run(due, stream, end, desk)
            for outcome in outcomes:
                self._follow_up(outcome, stream, end)
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

    def _is_due(self, task: str, stream: Stream) -> bool:
        """Whether the task has work here: not drained yet, and all parents drained."""
        try:
            row = self.crew.desk.ledger.get(task, stream.name)
            if row and row.drained and row.born == stream.born:
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


def _warn_of_lag(found: Visit, crew: Crew) -> None:
    """An alarm when the oldest undelivered record is older than the task allows, or than half of the retention."""
    behind = [outcome for outcome in found.outcomes if not outcome.finished and outcome.stream]
    retention = crew.desk.source.retention() if behind else None
    stored = {one.name: one for one in crew.tasks}
    for outcome in behind:
        if crew.desk.patience.time_left() < _ALARM_SECONDS:
            return
        with suppress(LogferryError):  # the source is in trouble, which is said already
            row = crew.desk.ledger.get(outcome.task, outcome.stream)
            position = row.position if row else crew.desk.source.position(outcome.stream, "begin")
            lag = crew.desk.patience.clock() - crew.desk.source.time_of(outcome.stream, position)
            facts = {"task": outcome.task, "stream": outcome.stream, "lag": int(lag), "reason": outcome.note}
            over = lag > config.seconds(stored[outcome.task].task().max_lag)
            left = retention - lag if retention else None
            found.lags[outcome.task, outcome.stream] = Lag(seconds=lag, left=left, over=over)
            if over:
                log.warning("lag over max_lag", extra=facts)
            if retention and lag > retention / 2:
                told_as = "undelivered records passed half of the retention"
                log.error(told_as, extra=facts | {"retention": int(retention)})
