"""What an event tells of is written down, a row for each (task, object), before anything else is done about it.

From then on nothing depends on the event being told again: it may be answered, deleted from its queue, given up.
What this release has no reader for is no reason to leave the rest of the event undone.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from logferry import times
from logferry.addressees import unreadable
from logferry.errand_rows import SCHEMA, Errand, Errands, mark_of
from logferry.errors import ConfigError, LogferryError, Unfinished
from logferry.put_events import Creation
from logferry.sources import objects
from logferry.state import Table
from logferry.task_store import Stored

__all__ = ["Noted", "note", "options_of"]


class Noted(Struct):
    """What became of an event's objects; each counts once a task."""

    marks: dict[str, list[str]] = field(default_factory=dict)  # task -> what is due now
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("noted", "known", "done", "passed_over"), 0))
    error: LogferryError | None = None

    def confirm(self) -> None:
        """That the event is not needed any more. ConfigError for a bucket that no task reads; Unfinished where a task
        that this release cannot read may be meant."""
        if self.error is not None:
            raise self.error


def note(creations: Sequence[Creation], tasks: Sequence[Stored], table: Table, now: float) -> Noted:
    """Write down what is to be fetched, for tasks in any state. Once confirmed, the event is not needed any more.

    An object that is done is not done again.
    """
    found, newer = Noted(), [stored.name for stored in unreadable("objects", tasks)]
    if newer:
        found.error = Unfinished(f"task {', '.join(newer)} is unreadable: the event may be for it")
    readers = [(stored.name, options) for stored in tasks if (options := options_of(stored)) is not None]
    for creation in creations:
        if not any(objects.is_here(options, creation.put) for _, options in readers):
            there = ", ".join(sorted({options.bucket for _, options in readers})) or "none (logferry task apply)"
            problem = f"bucket {creation.put.bucket} is read by no task; they read {there}"
            found.error = found.error or ConfigError([problem], subject="event")
            continue
        mine = [name for name, options in readers if objects.rings(options, creation.put)]
        found.counts["passed_over"] += not mine
        for name in mine:
            mark, what = _noted(creation, Errands(table, name), now)
            found.counts[what] += 1
            if what != "done":
                found.marks.setdefault(name, []).append(mark)
    return found


def _noted(creation: Creation, errands: Errands, now: float) -> tuple[str, str]:
    """The object's mark, and whether it is new, was due before, or is done."""
    put, etag = creation.put, creation.etag.strip('"').lower()
    mark = mark_of(put.bucket, put.keys[0], etag or creation.sequencer or creation.at)
    done = errands.done(mark)
    if done and done.is_settled:
        return mark, "done"
    moment = times.parse(creation.at)
    at = float(moment.seconds) if moment else now
    errand = Errand(schema=SCHEMA, bucket=put.bucket, keys=put.keys, etag=etag, size=put.size, at=at, noted=now)
    return mark, "noted" if errands.note(mark, errand) else "known"


def options_of(stored: Stored) -> objects.Config | None:
    """Of a task that reads objects; None for any other, and for one that this release cannot read."""
    try:
        options = stored.task().source.options
    except LogferryError:
        return None
    return options if isinstance(options, objects.Config) else None
