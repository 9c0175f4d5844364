"""What came by itself as a batch: pieces that are delivered now or parked, since nothing can be read again.

A range is one position of a slot (`PostSource`), which takes one post at a time. An original is the record's time, a
line feed and the record as it came.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from logferry.errors import Expired, SourceError
from logferry.model import Position, Record, Value
from logferry.plan import Plan, Tally
from logferry.plan import select as select_reference
from logferry.sources import Progress, Replays, Stream
from logferry.sources._bodies import Piece
from logferry.sources._moments import when

__all__ = ["Post", "PostSource", "SetSource", "TimeOf", "pieces_of", "revive", "timed"]


TimeOf = Callable[[Mapping[str, Value], float], tuple[int, int]]
"""(fields, when the sender took it or 0) -> seconds, nanoseconds."""


class Post:
    """Pieces as a batch. With `own`, they are logferry's own log and none of them is delivered."""

    filtered_at_source = 0

    def __init__(
        self, found: Sequence[Piece], begin: Position, time_of: TimeOf, *, end: Position = "", own: bool = False
    ) -> None:
        self._pieces, self._time_of, self._own = found, time_of, own
        self.begin, self.end = begin, end or str(int(begin) + 1)
        self.count = len(found)
        self.size = sum(len(piece.raw) for piece in found)
        self.unreadable: Mapping[int, str] = (
            {} if own else {i: piece.problem for i, piece in enumerate(found) if piece.problem}
        )

    @property
    def data(self) -> bytes:
        """All of it, as `pieces_of` reads it."""
        return msgspec.msgpack.encode(list(self._pieces))

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        """The readable records that pass."""
        if self._own:
            tally.filtered += self.count
            return iter(())
        return select_reference(plan, self._records(), tally)

    def original(self, ordinal: int) -> bytes:
        """Time, line feed, the record as it came."""
        piece = self._pieces[ordinal]
        time, nanos = self._time_of(piece.fields, piece.at)
        return b"%d.%09d\n%b" % (time, nanos, piece.raw)

    def _records(self) -> Iterator[Record]:
        for ordinal, piece in enumerate(self._pieces):
            if not piece.problem:
                fields = piece.fields
                time, nanos = self._time_of(fields, piece.at)
                yield Record(ordinal, time, nanos, fields, piece.raw)


class PostSource:
    """What a task is sent; holds one post while that is delivered, and nothing else.

    Positions of a slot grow by one with each post, from the time in ms at which the slot was made: the dead letters of
    an earlier task of that name, whose slots had these names too, keep their places.
    """

    replays: Replays = "never"
    progress: Progress = "ordered"

    def __init__(
        self, time_field: str | None, clock: Callable[[], float], post: Sequence[Piece] = (), *, own: bool = False
    ) -> None:
        self._time_field, self._clock, self._post, self._own = time_field, clock, post, own

    def holding(self, post: Sequence[Piece]) -> "PostSource":
        """The same, with a post to be read."""
        return type(self)(self._time_field, self._clock, post, own=self._own)

    def hiding(self) -> "PostSource":
        """The same for logs of logferry itself: they are read, and none is delivered."""
        return type(self)(self._time_field, self._clock, self._post, own=True)

    def streams(self) -> list[Stream]:
        """None that could be asked for logs: they come by themselves."""
        return []

    def position(self, stream: str, at: str | int) -> Position:
        """A slot's begin: now, in ms. Nothing waits to be read behind it, so every slot is beyond its end."""
        del stream
        return str(int(self._clock() * 1000)) if at == "begin" else "0"

    def order(self, position: Position) -> int:
        """It is a number."""
        if not position.isdecimal():
            raise SourceError(f"position: {position[:80]!r} is not a number of posts")
        return int(position)

    def time_of(self, stream: str, position: Position) -> int:
        """When the post was sent; now, if nothing waits here."""
        del stream, position
        return int(next((piece.at for piece in self._post if piece.at), self._clock()))

    def retention(self) -> float | None:
        """Nothing is kept."""
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Post]:
        """The post that is held, once. Expired for any other: it was here only while it was delivered."""
        if not self._post or self.order(end) != self.order(begin) + 1:
            raise Expired(f"slot {stream}: posts are not kept")
        yield Post(self._post, begin, timed(self._time_field, self._clock()), own=self._own)

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> Post:
        """What was spilled."""
        del filtered_at_source
        return Post(pieces_of(data), begin, timed(self._time_field, self._clock()), end=end)


class SetSource(PostSource):
    """The same where the sender names what it sends: what is settled is known by that name."""

    progress: Progress = "set"


def pieces_of(data: bytes) -> list[Piece]:
    """What `Post.data` wrote. Raises SourceError."""
    try:
        return msgspec.msgpack.decode(data, type=list[Piece])
    except msgspec.MsgspecError as error:
        raise SourceError(f"a spilled batch cannot be read: {error}") from None


def timed(time_field: str | None, now: float) -> TimeOf:
    """By a field of the record, else by its sender, else `now`."""
    return lambda fields, at: when(fields.get(time_field) if time_field else None, at or now)


def revive(original: bytes) -> Record:
    """What `Post.original` wrote, as a record again. SourceError for what was no record when it came."""
    head, _, raw = original.partition(b"\n")
    moment = re.fullmatch(rb"(\d{1,10})\.(\d{9})", head)
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = None
    if moment is None or fields is None:
        raise SourceError("a parked original is not a JSON object: it came so")
    return Record(0, int(moment[1]), int(moment[2]), fields, raw)
