"""Records of an ordered stream that came by themselves: each has its place, and whoever sent them holds them still.

Positions are numbers; a range ends behind a record. What is held has a begin, which is where the task stands.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from logferry.errors import Expired, SourceError
from logferry.model import Position
from logferry.sources import Progress, Replays, Stream
from logferry.sources._bodies import Piece
from logferry.sources._posts import Post, pieces_of, timed

__all__ = ["Held", "HeldSource"]

_BEYOND = "1" + "0" * 64  # a position behind all others: nothing is held there


class Held(NamedTuple):
    """Records of one shard from a position on: each with the position behind it."""

    begin: int
    records: Sequence[tuple[int, Sequence[Piece]]] = ()

    @property
    def end(self) -> int:
        """Behind the last."""
        return self.records[-1][0] if self.records else self.begin


class HeldSource:
    """Holds what an event brought of one stream, and nothing else."""

    replays: Replays = "never"
    progress: Progress = "ordered"

    def __init__(self, time_field: str | None, clock: Callable[[], float], held: Held | None = None) -> None:
        self._time_field, self._clock, self._held = time_field, clock, held

    def holding(self, held: Held) -> "HeldSource":
        """The same, with records to be read."""
        return HeldSource(self._time_field, self._clock, held)

    def streams(self) -> list[Stream]:
        """None that could be asked for logs: they come by themselves."""
        return []

    def position(self, stream: str, at: str | int) -> Position:
        """Where what is held begins and ends. If nothing is, no position is behind it, and none before it is here."""
        del stream
        if self._held is None:
            return _BEYOND if at == "begin" else "0"
        return str(self._held.begin if at == "begin" else self._held.end)

    def order(self, position: Position) -> int:
        """It is a number."""
        if not position.isdecimal():
            raise SourceError(f"position: {position[:80]!r} is not a sequence number")
        return int(position)

    def time_of(self, stream: str, position: Position) -> int:
        """When Kinesis took the first record that is held; now, if none is."""
        del stream, position
        held = self._held.records if self._held else ()
        return int(next((piece.at for _, found in held for piece in found if piece.at), self._clock()))

    def retention(self) -> float | None:
        """It is not said in an event."""
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Post]:
        """What is held of the range, as one batch. Expired for what lies before it."""
        first, last = self.order(begin), self.order(end)
        if self._held is None or first < self._held.begin:
            raise Expired(f"stream {stream}: {begin} is not among what was handed over")
        inside = [(stop, found) for stop, found in self._held.records if first < stop <= last]
        if inside:
            found = [piece for _, pieces in inside for piece in pieces]
            yield Post(found, begin, timed(self._time_field, self._clock()), end=str(inside[-1][0]))

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> Post:
        """What was spilled."""
        del filtered_at_source
        return Post(pieces_of(data), begin, timed(self._time_field, self._clock()), end=end)
