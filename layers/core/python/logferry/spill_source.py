"""A source as a task's rows see it: what was spilled comes from the object store, in its place.

A spilled batch that is missing or damaged is asked of the source, which may still hold it; if it does not, it is
Expired like any other. A batch is never cut: who seeks into the midst of one begins with it.
"""

from collections.abc import Iterable, Iterator, Sequence

from logferry.errors import Expired, StateError
from logferry.ledger_row import Row
from logferry.model import Position
from logferry.sources import Batch, Restores, Source
from logferry.spill_store import Kept, Piece, SpillStore

__all__ = ["Gone", "SpillSource", "over"]


class SpillSource:
    """For one task, as it stands now on the streams of these rows."""

    def __init__(self, source: Source, spills: SpillStore, task: str, rows: Sequence[Row]) -> None:
        self._source, self._spills, self._task = source, spills, task
        self._rows = {row.stream: row for row in rows}
        self.replays, self.progress = source.replays, source.progress
        self.streams, self.order, self.retention = source.streams, source.order, source.retention

    def position(self, stream: str, at: str | int) -> Position:
        """The position of `begin`, `end` or a time; what is spilled counts as being at the source."""
        found, order = self._source.position(stream, at), self.order
        before = [piece for piece in self.pieces(stream) if order(piece.begin) < order(found)]
        if at == "begin":
            return next((piece.begin for piece in before if self._spills.load(piece)), found)
        if not before:
            return found
        if at == "end" or order(found) > order(self._source.position(stream, "begin")):
            return before[-1].begin if order(found) < order(before[-1].end) else found
        older = [piece for piece in before if piece.received <= int(at)]
        return (older[-1] if older else before[0]).begin

    def time_of(self, stream: str, position: Position) -> int:
        """Receive time of the record at or after the position."""
        order = self.order
        inside = self._inside(stream, self._spills.oldest(self._task, stream))
        piece = next((piece for piece in inside if order(position) < order(piece.end)), None)
        if piece and order(piece.begin) <= order(position):
            return piece.received
        live = self._source.time_of(stream, position)
        return min(live, piece.received) if piece else live

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Batch]:
        """What `Source.read` says."""
        at, order = begin, self.order
        for piece in self.pieces(stream):
            if order(piece.begin) >= order(end):
                break
            if order(at) < order(piece.begin):
                for batch in self._source.read(stream, at, piece.begin):
                    yield batch
                    at = batch.end
                if order(at) < order(piece.begin):
                    return  # the source had nothing up to there
            if order(at) == order(piece.begin) and (kept := self._spills.load(piece)):
                yield self._restored(kept, piece)
                at = piece.end
        if order(at) < order(end):
            yield from self._source.read(stream, at, end)

    def pieces(self, stream: str) -> list[Piece]:
        """What is spilled from the row's position on, in order. What lies elsewhere is left over, and not looked at."""
        row = self._rows.get(stream)
        return list(self._inside(stream, self._spills.pieces(self._task, stream))) if row and row.spilled else []

    def _inside(self, stream: str, found: Iterable[Piece]) -> Iterator[Piece]:
        row = self._rows.get(stream)
        if row and row.spilled:
            first, last = self.order(row.position), self.order(row.spilled)
            yield from (one for one in found if first <= self.order(one.begin) and self.order(one.end) <= last)

    def holes(self, stream: str) -> list[str]:
        """What of the spilled range is neither whole in the object store nor at the source any more."""
        row, order = self._rows[stream], self.order
        oldest = order(self._source.position(stream, "begin"))
        found, at = [], row.position
        for piece in self.pieces(stream):
            if order(at) < min(order(piece.begin), oldest):
                found.append(f"{at}..{piece.begin}")
            if order(piece.begin) < oldest and self._spills.load(piece) is None:
                found.append(f"{piece.begin}..{piece.end}")
            at = piece.end
        if row.spilled and order(at) < min(order(row.spilled), oldest):
            found.append(f"{at}..{row.spilled}")
        return found

    def _restored(self, kept: Kept, piece: Piece) -> Batch:
        if not isinstance(self._source, Restores):
            raise StateError(f"{piece.key}: the source of task {self._task} cannot read it any more")
        return self._source.restore(kept.data, piece.begin, piece.end, kept.filtered_at_source)


class Gone:
    """A source that another one has taken the place of: nothing is there up to `end`, where the spilled range ends."""

    def __init__(self, source: Source, end: Position) -> None:
        self._source, self._end = source, end
        self.replays, self.progress = source.replays, source.progress
        self.streams, self.order, self.retention = source.streams, source.order, source.retention

    def position(self, stream: str, at: str | int) -> Position:  # noqa: ARG002  # the protocol's
        """There is only one."""
        return self._end

    def time_of(self, stream: str, position: Position) -> int:
        """Nobody knows."""
        raise Expired(f"stream {stream} was made anew: position {position} is of the old one")

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Batch]:
        """Nothing."""
        raise Expired(f"stream {stream} was made anew: {begin}..{end} is of the old one")

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> Batch:
        """As the new one would: the bytes mean the same."""
        if not isinstance(self._source, Restores):
            raise StateError(f"{begin}..{end} of a stream that is gone cannot be read any more")
        return self._source.restore(data, begin, end, filtered_at_source)


def over(source: Source, spills: SpillStore, task: str, row: Row) -> Source:
    """The source itself, or with what is spilled in its place."""
    return SpillSource(source, spills, task, [row]) if row.spilled else source
