"""What was spilled for tasks that are sent their logs: nothing else of theirs waits anywhere.

A stream is held for seconds at a time: what comes meanwhile cannot be spilled and keeps its sender waiting, and with it
all other tasks of that stream. Between two turns there is a moment for that.
"""

from collections.abc import Callable

from msgspec.structs import replace

from logferry.ledger import Row
from logferry.model import Position
from logferry.rounds import Crew, Visit, visit
from logferry.sources import Stream
from logferry.spill_source import Gone
from logferry.task_store import Stored

__all__ = ["drain"]

_TURN, _PAUSE = 12.0, 1.5  # seconds


def drain(crew: Crew) -> Visit:
    """Deliver it, each task for itself. One that has none is left alone: a held one's probe is for what comes."""
    found, desk = Visit(), crew.desk
    waiting = [(stored, row) for stored in crew.tasks for row in desk.ledger.rows(stored.name) if row.spilled]
    while waiting:
        waiting = [(stored, left) for stored, row in waiting if (left := _turn(crew, stored, row, found))]
        if waiting and not desk.in_time:
            break
        if waiting:
            desk.patience.sleep(_PAUSE)
    return found


def _turn(crew: Crew, stored: Stored, row: Row, found: Visit) -> Row | None:
    """One row for some seconds; as it is then, if there is more and it moved."""
    patience = crew.desk.patience
    desk = replace(
        crew.desk, source=Gone(crew.desk.source, row.spilled),
        patience=patience.sparing(max(0.0, patience.time_left() - _TURN)),
    )  # fmt: skip
    stream = Stream(name=row.stream, born=row.born)
    found.join(visit(replace(crew, tasks=[stored], desk=desk), [stream], _end_of(row)))
    now = crew.desk.ledger.get(stored.name, row.stream)
    return now if now and now.spilled and now.position != row.position else None


def _end_of(row: Row) -> Callable[[Stream], Position]:
    return lambda _stream: row.spilled
