"""What of a plan was delivered before, or will be by the live run: found, told as times, cut out as parts.

The live run covers its settled ranges, and everything from where it stands on. A stream that it has not met yet it will
read from its begin. Another backfill run covers its ranges; an abandoned one only what it settled.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from logferry.backfills import Part, Range, Run
from logferry.ledger import Ledger, Row
from logferry.model import Position
from logferry.sources import Source
from logferry_local.backfill.window import shown

__all__ = ["Overlap", "cut", "find", "told"]

Order = Callable[[Position], int]


class Overlap(NamedTuple):
    """A piece of a planned range, and who covers it."""

    stream: str
    begin: Position
    end: Position
    by: str


def find(planned: Sequence[Range], task: str, ledger: Ledger, runs: Sequence[Run], source: Source) -> list[Overlap]:
    """Every overlap, stream by stream."""
    found: list[Overlap] = []
    for one in planned:
        covers = list(_live(one, ledger.get(task, one.stream)))
        for run in runs:
            covers += _of_run(one, run, ledger.of_run(run.run).get(task, one.stream))
        found += filter(None, (_clip(one, cover, source.order) for cover in covers))
    return found


def _live(one: Range, row: Row | None) -> Iterator[Overlap]:
    if row is None or row.born != one.born:
        yield Overlap(one.stream, one.begin, one.end, "the live run will deliver it: it has yet to begin here")
        return
    for entry in row.entries:
        yield Overlap(one.stream, entry.begin, entry.end, "the live run delivered it")
    yield Overlap(one.stream, row.position, one.end, "the live run will deliver it: it has not come that far")


def _of_run(one: Range, run: Run, row: Row | None) -> Iterator[Overlap]:
    for other in run.ranges:
        if (other.stream, other.born) != (one.stream, one.born):
            continue
        if run.state == "abandoned":
            for entry in row.entries if row else ():
                yield Overlap(one.stream, entry.begin, entry.end, f"the abandoned run {run.run} delivered it")
        else:
            did = "delivered it" if run.state == "done" else f"is not done: go on with it by --resume {run.run}"
            yield Overlap(one.stream, other.begin, other.end, f"run {run.run} {did}")


def _clip(one: Range, cover: Overlap, order: Order) -> Overlap | None:
    begin = max(one.begin, cover.begin, key=order)
    end = min(one.end, cover.end, key=order)
    return cover._replace(begin=begin, end=end) if order(begin) < order(end) else None


def cut(one: Range, overlaps: Sequence[Overlap], order: Order) -> Range:
    """The range in parts, each wholly delivered before or wholly new."""
    mine = sorted((found for found in overlaps if found.stream == one.stream), key=lambda found: order(found.begin))
    parts: list[Part] = []
    at = one.begin
    for found in mine:
        if order(found.end) <= order(at):
            continue
        if order(found.begin) > order(at):
            parts.append(Part(found.begin))
        if parts and parts[-1].again:
            parts.pop()
        parts.append(Part(found.end, again=True))
        at = found.end
    if order(at) < order(one.end):
        parts.append(Part(one.end))
    return msgspec.structs.replace(one, parts=tuple(parts))


def told(overlaps: Sequence[Overlap], window: tuple[int, int], source: Source) -> list[str]:
    """A line each, as receive times within the window."""

    def at(found: Overlap, position: Position) -> str:
        seconds = source.time_of(found.stream, position)
        return shown(min(max(seconds, window[0]), window[1]))

    return [
        f"stream {found.stream}, received {at(found, found.begin)} to {at(found, found.end)}: {found.by}"
        for found in overlaps
    ]
