"""Whether a task would work from here: its source answers, its destination too, and takes one marked test record.

A destination whose ownership is still to be proved is not written to. Nothing is stored, no position moves.
"""

from collections.abc import Iterator
from typing import NamedTuple

from logferry import destinations, marked_record, registry
from logferry.apply import source_of
from logferry.errors import LogferryError, is_passing, told
from logferry.ownership import Gate, built
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import TaskStore

__all__ = ["Finding", "check_live"]


class Finding(NamedTuple):
    """One step: right, wrong, or (None) not tried; `passing` if waiting may help."""

    step: str
    ok: bool | None
    said: str
    passing: bool = False


def check_live(task: Task, table: Table, around: Surroundings, time_out: float = 20.0) -> list[Finding]:
    """Each step with what came of it. What is wrong with a step stops no other but the record."""
    found = [Finding("schema", ok=True, said="every key is known and right"), _source(task, around)]
    return found + list(_destination(task, table, around, time_out))


def _source(task: Task, around: Surroundings) -> Finding:
    try:
        source = source_of(task, around)
        streams = source.streams()
        ready = getattr(registry.find("sources", task.source.kind), "ready", None)
        if ready is not None:  # it cannot be asked for logs: they come by themselves
            return Finding("source", ok=True, said=ready(task.source.options, around))
        for stream in streams[:1]:
            source.position(stream.name, "end")
    except LogferryError as error:
        return _wrong("source", error)
    return Finding("source", ok=True, said=f"answers, {len(streams)} stream(s)")


def _destination(task: Task, table: Table, around: Surroundings, time_out: float) -> Iterator[Finding]:
    try:
        with built(task, around) as destination:
            destination.check(time_out)
            yield Finding("destination", ok=True, said="answers")
            if Gate(task, table, around).state(TaskStore(table, around.clock).find(task.task)) == "pending":
                yield Finding("record", ok=None, said="not sent: the ownership of the destination is not proved yet")
                return
            module = registry.find("destinations", task.destination.kind)
            surroundings = destinations.Surroundings(task.task, around.vault, around.clock)
            encoder = module.encoder(task.destination.options, surroundings)
            try:
                record = marked_record.marked(task.task, "check", around.clock())
                marked_record.send(record, encoder, destination, time_out)
            except LogferryError as error:
                yield _wrong("record", error)
                return
            sure = "and confirmed" if destination.confirmation != "none" else "which nothing confirms"
            yield Finding("record", ok=True, said=f"sent {sure}; its field {marked_record.MARK} is check")
    except LogferryError as error:
        yield _wrong("destination", error)
        yield Finding("record", ok=None, said="not sent")


def _wrong(step: str, error: LogferryError) -> Finding:
    return Finding(step, ok=False, said=told(error), passing=is_passing(error))
