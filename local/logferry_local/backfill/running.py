"""One run, carried on until every range is settled: parents before children, through the engine that live runs use.

Its end is one of: every part settled; a hold (Misconfigured); a stop by a signal; trouble that waiting does not mend.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from logferry import route
from logferry.backfills import Part, Range, Run
from logferry.errors import Conflict, LogferryError, Misconfigured, SourceError, StateError, Unfinished, told
from logferry.job import Job
from logferry.pace import Pace
from logferry.route import Desk
from logferry.sources import Stream
from logferry_local.backfill.sharing import Live, Turn

__all__ = ["Ended", "Work", "carry", "start"]

log = logging.getLogger(__name__)

_UNLIMITED = float("inf")


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is carried on with. The desk has the run's own ledger and dead letters, and a shared source."""

    job: Job
    desk: Desk
    live: Live
    turn: Turn
    pace: Pace
    say: Callable[[str], None]  # hears what is waited for


@dataclass(slots=True)
class Ended:
    """How a run ended, and what keeps which stream from its end."""

    how: Literal["done", "held", "stopped", "failed"] = "done"
    why: str = ""
    signal: int = 0  # that stopped it
    trouble: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """What a process exits with."""
        return {"done": 0, "failed": 1, "held": 2, "stopped": 128 + self.signal}[self.how]


def start(run: Run, desk: Desk) -> None:
    """Write the rows that are not there yet. Twice is once."""
    for one in run.ranges:
        desk.ledger.create(run.task, one.stream, one.begin, one.born, now=desk.patience.clock())


def carry(task: str, ranges: Sequence[Range], work: Work) -> Ended:
    """Go on with every range. What keeps one stream from its end keeps its children from it, and no other stream."""
    ended = Ended()
    try:
        streams = {stream.name: stream for stream in work.desk.source.streams()}
        for one in ranges:
            waiting = [parent for parent in one.parents if parent in ended.trouble]
            why = f"waits for its parent {waiting[0]}" if waiting else _range(one, streams, work)
            if why:
                log.error("backfill stopped on a stream", extra={"task": task, "stream": one.stream, "reason": why})
                ended.trouble[one.stream] = why
    except Misconfigured as error:
        return Ended("held", str(error), trouble=ended.trouble)
    except Unfinished as error:
        return Ended("stopped", str(error), work.turn.stop.signal, ended.trouble)
    except LogferryError as error:
        return Ended("failed", told(error), trouble=ended.trouble)
    if ended.trouble:
        ended.how, ended.why = "failed", "; ".join(f"stream {name}: {why}" for name, why in ended.trouble.items())
    return ended


def _range(one: Range, streams: Mapping[str, Stream], work: Work) -> str:
    """Why it cannot be settled now; "" once it is."""
    for part in one.parts:
        why = _part(streams[one.stream], part, work)
        if why:
            return why
    return ""


def _part(stream: Stream, part: Part, work: Work) -> str:
    """Turn after turn until the part is settled. Raises Misconfigured or Unfinished (a stop)."""
    settings = replace(work.desk.settings, repeats=part.again)
    desk, seen = replace(work.desk, settings=settings), 0.0
    while True:
        work.turn.check()
        _refuse_held(work)
        work.turn.begin()
        [outcome] = route.run([work.job], stream, part.end, desk)
        if outcome.held:
            raise Misconfigured(outcome.note)
        if outcome.finished and not outcome.note:
            return ""
        work.turn.check()
        if outcome.finished:  # somebody holds the stream: the lease of a run that was killed ends by itself
            seen = _await_lease(stream.name, seen, work)
        elif work.turn.waits_for:
            _await_turn(stream.name, work)
        else:
            return outcome.note


def _refuse_held(work: Work) -> None:
    """Misconfigured while the task is held: same destination, same trouble."""
    hold = ""
    with suppress(StateError):  # the engine meets the same trouble, and knows how to wait
        hold = work.live.hold()
    if hold:
        raise Misconfigured(f"the task is held: {hold}")


def _await_lease(stream: str, seen: float, work: Work) -> float:
    """Wait for the lease to end; Conflict if its owner has written since `seen`. When it had written last."""
    row, now = work.desk.ledger.get(work.job.name, stream), work.desk.patience.clock()
    if row is None or row.lease is None or not row.lease.holds(now):
        return 0.0
    if seen and row.updated != seen:
        raise Conflict("another process is at work on this run", version="")
    work.say(f"stream {stream}: waits up to {row.lease.until - now:.0f} s for a run that was killed")
    work.turn.doze(row.lease.until - now + 0.1)
    work.turn.stepped()
    return row.updated


def _await_turn(stream: str, work: Work) -> None:
    """Wait until the live run has caught up, or the rate allows more."""
    if work.turn.waits_for == "rate":
        work.pace.wait(0, lambda: _UNLIMITED)
    elif work.turn.waits_for == "live":
        work.say(f"stream {stream}: the live run is behind and goes first")
        with suppress(SourceError, StateError):  # the engine meets the same trouble, and knows how to wait
            while work.live.is_behind(stream):
                work.turn.doze(1.0)
    work.turn.stepped()
    work.say("")
