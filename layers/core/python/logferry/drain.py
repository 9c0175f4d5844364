"""What was spilled for tasks that are sent their logs: nothing else of theirs waits anywhere."""

from collections.abc import Callable

from msgspec.structs import replace

from logferry.ledger import Row
from logferry.model import Position
from logferry.rounds import Crew, Visit, visit
from logferry.sources import Stream
from logferry.spill_source import Gone

__all__ = ["drain"]


def drain(crew: Crew) -> Visit:
    """Deliver it, each task for itself. One that has none is left alone: a held one's probe is for what comes."""
    found = Visit()
    for stored in crew.tasks:
        for row in crew.desk.ledger.rows(stored.name):
            if row.spilled:
                gone = replace(crew.desk, source=Gone(crew.desk.source, row.spilled))
                stream = Stream(name=row.stream, born=row.born)
                found.join(visit(replace(crew, tasks=[stored], desk=gone), [stream], _end_of(row)))
    return found


def _end_of(row: Row) -> Callable[[Stream], Position]:
    return lambda _stream: row.spilled
