"""Which range a log trigger presents next, shard by shard.

A shard that is behind gets ranges of one interval of receive time each; the trigger itself starts at `begin` or `end`,
a shard that was born later at its own beginning.
"""

from typing import Literal, NamedTuple

from logferry.errors import Expired
from logferry_local.trigger_runner import Cursors, LogTrigger
from logferry_local.trigger_runner.positions import Positions

__all__ = ["Range", "Ranges", "Start"]

Start = Literal["begin", "end"]


class Range(NamedTuple):
    """[begin, end) of one shard; `more` if data beyond it is there already."""

    shard: int
    begin: str
    end: str
    more: bool


class Ranges:
    """One log trigger's place in its logstore."""

    def __init__(self, trigger: LogTrigger, cursors: Cursors, positions: Positions, start: Start) -> None:
        self._trigger = trigger
        self._cursors = cursors
        self._positions = positions
        self._start = start
        self._prefix = f"{trigger.function}/{trigger.name}/{trigger.project}/{trigger.logstore}/"

    def shards(self) -> list[int]:
        """The shards as they are now; each has a position from here on."""
        shards = self._cursors.shards()
        first: Start = "begin" if self._positions.started(self._prefix) else self._start
        for shard in shards:
            if self._positions.get(self._key(shard)) is None:
                self._positions.set(self._key(shard), self._cursors.cursor(shard, first))
        return shards

    def next(self, shard: int) -> Range | None:
        """The range to present; None when there is no new data."""
        begin = self._positions.get(self._key(shard)) or self._cursors.cursor(shard, "begin")
        end = self._cursors.cursor(shard, "end")
        if begin == end:
            return None
        try:
            first = self._cursors.time_of(shard, begin)
        except Expired:  # older than what the logstore keeps: the range begins with the oldest log there is
            begin = self._cursors.cursor(shard, "begin")
            if begin == end:
                return None
            first = self._cursors.time_of(shard, begin)
        bound = self._cursors.cursor(shard, first + max(1, int(self._trigger.interval)))
        more = bound not in (begin, end)
        return Range(shard, begin, bound if more else end, more)

    def passed(self, done: Range) -> None:
        """The range was taken or given up: it is never presented again."""
        self._positions.set(self._key(done.shard), done.end)

    def close(self) -> None:
        """Let go of the logstore."""
        self._cursors.close()

    def _key(self, shard: int) -> str:
        return f"{self._prefix}{shard}"
