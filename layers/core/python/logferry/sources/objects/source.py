"""The objects that a task is told of, each read through a slot as a range of positions.

A slot is a stream that takes one object at a time. What the event named is what is read: an object that is gone, or was
written over since, is Expired, and so is the rest of one that is damaged.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

from logferry.errors import ConfigError, Expired
from logferry.model import Position
from logferry.objects import Content, Streams
from logferry.sources import Progress, Replays, Stream
from logferry.sources.objects import places
from logferry.sources.objects.cutting import Cut, lines, opened, values
from logferry.sources.objects.forms import Form, fields_of
from logferry.sources.objects.parts import Part, Setting, Wanted
from logferry.sources.objects.unpacking import unpacked

if TYPE_CHECKING:
    from logferry.sources.objects import Config

__all__ = ["ObjectsSource"]

_PART = 2 * 1024 * 1024  # bytes of a part, after decompression
_BOM = b"\xef\xbb\xbf"

Recall = Callable[[str, int], Wanted | None]


class ObjectsSource:
    """What a task reads; holds one object while that is delivered."""

    replays: Replays = "by_key"
    progress: Progress = "set"

    def __init__(
        self, options: "Config", store: Callable[[], Streams], clock: Callable[[], float],
        recall: Recall = lambda _slot, _number: None, check: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._options, self._store, self._clock, self._recall, self._check = options, store, clock, recall, check

    def holding(self, wanted: Wanted, check: Callable[[], None]) -> "ObjectsSource":
        """The same for one object; `check` raises if it is somebody else's by the time that it is read."""
        return ObjectsSource(self._options, self._store, self._clock, lambda _slot, _number: wanted, check)

    def recalling(self, recall: Recall) -> "ObjectsSource":
        """The same, for whoever reads again what went through a slot: which object had a number there."""
        return ObjectsSource(self._options, self._store, self._clock, recall)

    def streams(self) -> list[Stream]:
        """None that could be asked for logs: what is to be read stands in the state table."""
        return []

    def position(self, stream: str, at: str | int) -> Position:
        """A slot's begin: now, in ms. Nothing waits to be read behind it, so every slot is beyond its end."""
        del stream
        return str(int(self._clock() * 1000)) if at == "begin" else "0"

    def order(self, position: Position) -> int:
        """Its number, then the place in the object."""
        return places.spot(position).order

    def time_of(self, stream: str, position: Position) -> int:
        """Now: what waits stands elsewhere."""
        del stream, position
        return int(self._clock())

    def retention(self) -> float | None:
        """The bucket's own affair."""
        return None

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Part]:
        """The parts of each object in the range. Expired for what is not there any more, or is not known."""
        self._check()
        at, last = places.spot(begin), places.spot(end)
        while at.order < last.order:
            wanted = self._recall(stream, at.number)
            if wanted is None:
                raise Expired(f"slot {stream}: which object had the number {at.number} is forgotten by now")
            for part in self._parts(wanted, begin, at):
                if places.spot(part.begin).order >= last.order:
                    return
                yield part
                begin = part.end
            at = places.spot(begin)

    def _parts(self, wanted: Wanted, begin: Position, at: places.Spot) -> Iterator[Part]:
        """What is whole comes before what is Expired."""
        cuts, size = list[Cut](), 0
        with closing(self._opened(wanted, 0)) as content:
            try:
                form, found = self._framed(content, wanted, at.offset)
                setting = Setting(wanted, form, self._options.time_field or "")
                for cut in found:
                    if size >= _PART or len(cuts) >= self._options.max_records:
                        end = places.inside(at.number, cuts[-1].end, wanted.mark)
                        yield Part(cuts, begin, end, setting)
                        begin, cuts, size = end, [], 0
                    cuts.append(cut)
                    size += len(cut.raw)
                yield Part(cuts, begin, places.after(at.number, wanted.mark), setting)
            except Expired as error:
                trouble = Expired(f"{wanted.label}: the rest of it cannot be read: {error}")
            else:
                return
            if cuts:
                yield Part(cuts, begin, places.inside(at.number, cuts[-1].end, wanted.mark), setting)
        raise trouble

    def _opened(self, wanted: Wanted, begin: int) -> Content:
        trouble = "is not there any more"
        for key in wanted.keys:
            try:
                content = self._store().stream(key, begin)
            except ConfigError as error:
                raise Expired(f"{wanted.label}: {error}") from None
            if content is None:
                continue
            if wanted.etag and content.etag != wanted.etag:
                content.close()
                trouble = f"was written over before it was read (now {content.etag})"
                continue  # another reading of the key may be the one that was meant
            return content
        raise Expired(f"{wanted.label}: {trouble}")

    def _framed(self, content: Content, wanted: Wanted, offset: int) -> tuple[Form, Iterator[Cut]]:
        """How its records are read, and where they are, from `offset` on."""
        options = self._options
        kind, packed = unpacked(content, options.compression)
        pieces = _bounded(packed, options.max_object)
        form = Form(options.format, options.columns or (), options.delimiter)
        head, inside = next(pieces, b""), False
        at = len(_BOM) if head.startswith(_BOM) else 0
        if options.format == "json":
            start, rest, inside = opened(chain([head[at:]], pieces), options.envelope or "", options.max_record)
            pieces, at = chain([rest], pieces), at + start
        elif options.format == "csv":
            form, at, pieces = self._headed(form, at, chain([head[at:]], pieces))
        else:
            pieces = chain([head[at:]], pieces)
        if offset > at:
            pieces = self._onward(wanted, offset) if kind == "none" else _skipped(pieces, offset - at)
            at = offset
        if options.format == "json":
            return form, values(pieces, at, options.max_record, inside=inside)
        return form, lines(pieces, at, options.max_record)

    def _onward(self, wanted: Wanted, offset: int) -> Iterator[bytes]:
        """From there on, without what is before it."""
        with closing(self._opened(wanted, offset)) as content:
            yield from _bounded(unpacked(content, "none")[1], self._options.max_object - offset)

    def _headed(self, form: Form, at: int, pieces: Iterator[bytes]) -> tuple[Form, int, Iterator[bytes]]:
        """Without the lines that are no records; the last of them names the columns, unless the task does."""
        count = self._options.skip_lines + (not form.columns)
        head, place = b"", 0
        line = b""
        for _ in range(count):
            while (stop := head.find(b"\n", place)) < 0 and (piece := next(pieces, b"")):
                head += piece
                if len(head) - place > self._options.max_record:
                    raise Expired("a line before its records is longer than max_record")
            stop = len(head) if stop < 0 else stop
            line, place = head[place:stop], min(stop + 1, len(head))
        if not form.columns:
            cells = fields_of(line.removesuffix(b"\r"), Form("csv", (), form.delimiter))
            if isinstance(cells, str):
                raise Expired(f"its first line names no columns: {cells}")
            form = Form(form.format, tuple(str(cell).strip() for cell in cells.values()), form.delimiter)
        return form, at + place, chain([head[place:]], pieces)


def _bounded(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise Expired("it unpacks to more than max_object")
        yield piece


def _skipped(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        if count < len(piece):
            yield piece[count:] if count else piece
        count = max(0, count - len(piece))
