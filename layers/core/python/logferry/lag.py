"""How late each task is on each stream, also where nothing is read (held, circuit open, waiting for a parent).

Alarms are log lines: over the task's `max_lag` (warning), past half of the source's retention (error). What is past
80 % of it is spilled, the oldest first. Streams that are settled cost nothing; of the others the source is asked for
the time of the oldest undelivered record, once for all tasks that stand there.
"""

import logging
from collections.abc import Sequence
from operator import itemgetter

from msgspec import Struct

from logferry import config
from logferry.desk import Desk
from logferry.errors import Conflict, LogferryError, told
from logferry.ledger import Row
from logferry.model import Lag
from logferry.sources import Stream
from logferry.spill import SPILLED, spill
from logferry.task_store import Stored

__all__ = ["Behind", "rescue", "watch"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # what a look at one stream may take
_ALARM = 0.5  # share of the retention


class Behind(Struct, frozen=True):
    """A task that may be late on a stream, and why."""

    task: Stored
    stream: Stream
    reason: str


def watch(behind: Sequence[Behind], desk: Desk, retention: float | None) -> dict[tuple[str, str], Lag]:
    """The lag of each, as far as there is time; told where it is too long."""
    found: dict[tuple[str, str], Lag] = {}
    times: dict[tuple[str, str], float] = {}
    for one in behind:
        if desk.patience.time_left() < _LOOK_SECONDS:
            break
        try:
            lag = found[one.task.name, one.stream.name] = _lag(one, desk, retention, times)
        except LogferryError as error:
            # The source, the table or the task is in trouble, which is said already.
            log.debug("lag unknown", extra={"task": one.task.name, "stream": one.stream.name, "reason": told(error)})
            continue
        facts = {"task": one.task.name, "stream": one.stream.name, "lag": int(lag.seconds), "reason": one.reason}
        if lag.over:
            log.warning("lag over max_lag", extra=facts)
        if retention and lag.seconds > retention * _ALARM:
            log.error("undelivered records passed half of the retention", extra=facts | {"retention": int(retention)})
    return found


def rescue(behind: Sequence[Behind], lags: dict[tuple[str, str], Lag], desk: Desk, retention: float | None) -> None:
    """Spill what the source is about to forget."""
    if not retention or not desk.may_spill:
        return
    urgent = []
    for one in behind:
        lag = lags.get((one.task.name, one.stream.name))
        if lag and lag.left is not None and lag.left <= retention * (1 - SPILLED):
            urgent.append((lag.left, one))
    for _, one in sorted(urgent, key=itemgetter(0)):
        if not desk.in_time:
            log.error("no time to spill", extra={"task": one.task.name, "stream": one.stream.name})
            return
        try:
            spill(one.task.name, one.stream, desk, retention)
        except Conflict:
            continue  # somebody else is at it
        except LogferryError as error:
            facts = {"task": one.task.name, "stream": one.stream.name, "reason": told(error)}
            log.error("spill failed: records will be lost at the end of the retention", extra=facts)  # noqa: TRY400  # the reason is enough


def _lag(one: Behind, desk: Desk, retention: float | None, times: dict[tuple[str, str], float]) -> Lag:
    task, stream, now = one.task.name, one.stream.name, desk.patience.clock()
    row = desk.ledger.get(task, stream)
    position = row.position if row else desk.source.position(stream, "begin")

    def age(at: str) -> float:
        """Of the record at this place of the source."""
        if (stream, at) not in times:
            times[stream, at] = desk.source.time_of(stream, at)
        return max(0.0, now - times[stream, at])

    seconds = now - desk.seen_by(task, row).time_of(stream, position) if row and row.spilled else age(position)
    left = retention
    if left and row and row.born < one.stream.born:
        left = None  # made anew: nothing of the old stream is at the source
    elif left:
        left -= age(_edge(row, desk)) if row and row.spilled else seconds
    over = seconds > config.seconds(one.task.task().max_lag)
    return Lag(seconds=max(0.0, seconds), left=left, over=over)


def _edge(row: Row, desk: Desk) -> str:
    """From where on records are at the source only."""
    return max(row.position, row.spilled, key=desk.source.order)
