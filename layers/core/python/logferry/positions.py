"""Where a task's streams begin, and a person's seek. Moving on skips (a recorded gap), moving back repeats."""

from contextlib import suppress
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from logferry.errors import ConfigError, Conflict, StateError
from logferry.ledger import Gap, Ledger, Open, Row
from logferry.model import Position
from logferry.sources import Source, Stream

__all__ = ["Moved", "adopt", "begin", "seek"]


class Moved(NamedTuple):
    """What a seek did to one stream. `distance` counts the source's cursors between the two, not records."""

    stream: str
    old: Position
    new: Position
    change: Literal["skipped", "rewound", "stayed"]
    distance: int


def begin(task: str, source: Source, ledger: Ledger, start: str | int | None, now: float) -> tuple[str, ...]:
    """Write the position of every stream that the task has not met; their names.

    `start` (begin, end, Unix time) is for a task that is new. What an `apply` that was cut short left behind is then
    written anew, as long as nothing was read. For a task that is known (None), a stream begins at its own begin.
    """
    written = []
    for stream in source.streams():
        row = ledger.get(task, stream.name)
        if row is not None and (start is None or _used(row)):
            continue
        position = source.position(stream.name, "begin" if start is None else start)
        if row is not None:
            ledger.edit(task, stream.name, partial(_placed, position=position), now=now)
        if row is not None or ledger.create(task, stream.name, position, stream.born, now=now):
            written.append(stream.name)
    return tuple(written)


def adopt(task: str, stream: str, position: Position, ledger: Ledger, now: float) -> bool:
    """Begin where somebody else left off, on a known stream where nothing was read yet; whether that is so."""
    row = ledger.get(task, stream)
    if row is None or _used(row):
        return False
    ledger.edit(task, stream, partial(_placed, position=position), now=now)
    return True


def seek(task: str, source: Source, ledger: Ledger, at: str | int, now: float, only: str | None = None) -> list[Moved]:
    """Move all streams (or `only` one) to begin, end or a Unix time; none of them while one is in work (Conflict)."""
    if source.replays == "never":
        raise ConfigError([f"task {task} is sent its logs: there is nothing that could be read again"], subject="seek")
    if source.progress == "set":
        problem = f"task {task} reads objects by their names, in no order: put again what is to be delivered again"
        raise ConfigError([problem], subject="seek")
    streams = source.streams()
    if only is not None and only not in [stream.name for stream in streams]:
        known = ", ".join(stream.name for stream in streams)
        raise ConfigError([f"{only!r} is not a stream of task {task}; known: {known}"], subject="seek")
    begin(task, source, ledger, None, now)
    wanted = [stream for stream in streams if only in (None, stream.name)]
    rows = [_row(task, ledger, stream) for stream in wanted]
    for row in rows:
        if row.lease and row.lease.holds(now):
            left = row.lease.until - now
            raise Conflict(
                f"stream {row.stream} is in work for up to {left:.0f} s: wait, or pause the task", version=""
            )
    return [_move(task, source, ledger, stream, at, now) for stream in wanted]


def wake(task: str, ledger: Ledger, now: float) -> None:
    """End the rest of all streams: a person says that what was wrong is mended. One in work needs it not."""
    for row in ledger.rows(task):
        if row.rest(now):
            with suppress(Conflict):
                ledger.edit(task, row.stream, _woken, now=now)


def _woken(row: Row) -> Row:
    return msgspec.structs.replace(row, failures=0, retry_at=0)


def _move(task: str, source: Source, ledger: Ledger, stream: Stream, at: str | int, now: float) -> Moved:
    new = source.position(stream.name, at)
    moved = Moved(stream.name, new, new, "stayed", 0)

    def change(row: Row) -> Row:
        nonlocal moved
        remade = bool(row.born and stream.born and row.born != stream.born)
        distance = 0 if remade else source.order(new) - source.order(row.position)
        moved = Moved(stream.name, row.position, new, "rewound" if distance < 0 else "skipped", abs(distance))
        gap = Gap(
            begin=row.position, end=new, reason="rewound" if distance < 0 else "skipped", at=int(now),
            estimate=None if remade else abs(distance), note="the stream was made anew" if remade else "",
        )  # fmt: skip
        return row.jump(gap, born=stream.born or None, opened=None if remade else _in_flight(row, new, source))

    if _row(task, ledger, stream).position != new:
        ledger.edit(task, stream.name, change, now=now)
    return moved


def _in_flight(row: Row, new: Position, source: Source) -> Open | None:
    """What an interrupted run may have sent behind the place that is skipped to."""
    opened, order = row.open, source.order
    if opened is None or not order(row.position) <= order(new) < order(opened.end):
        return None
    return Open(begin=new, end=opened.end, task_version=opened.task_version)


def _row(task: str, ledger: Ledger, stream: Stream) -> Row:
    row = ledger.get(task, stream.name)
    if row is None:
        raise StateError(f"task {task}: the row for stream {stream.name} vanished: was the task deleted?")
    return row


def _used(row: Row) -> bool:
    return row.position != row.start or bool(row.entries or row.gaps or row.open or row.lease)


def _placed(row: Row, position: Position) -> Row:
    if _used(row):
        return row
    return msgspec.structs.replace(row, start=position, position=position)
