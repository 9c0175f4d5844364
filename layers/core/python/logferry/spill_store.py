"""Batches that a source was about to forget, in the object store until they are delivered.

One object a batch, `spill/<task>/<stream>/<order>,<begin>,<end>,<received>`: the key is the whole index, and made from
the range, so that a repeat overwrites. The body is a line of JSON (counts, size, SHA-256), then the batch's bytes as
gzip. Docs: docs/spill.md.
"""

import hashlib
import logging
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from logferry.errors import StateError
from logferry.model import Position
from logferry.objects import Store
from logferry.sources import Raw
from logferry.transport.compress import gzip

__all__ = ["Kept", "Piece", "SpillStore"]

log = logging.getLogger(__name__)

_SCHEMA = 1
_LARGEST = 256 << 20  # bytes of one batch before compression
_GZIP = 31  # window bits


class Piece(Struct, frozen=True):
    """One spilled batch, as its key has it."""

    key: str
    begin: Position
    end: Position
    received: int  # Unix seconds, at the begin


class Kept(Struct, frozen=True):
    """One spilled batch, read."""

    data: bytes
    filtered_at_source: int


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of an object."""

    schema: int = _SCHEMA
    begin: Position
    end: Position
    count: int
    size: int
    filtered_at_source: int = 0
    sha256: str


class SpillStore:
    """Spilled batches of all tasks, over one object store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, task: str, stream: str, batch: Raw, order: int, received: int) -> None:
        """Write one; durable when this returns. `order` is that of its begin."""
        head = _Head(
            begin=batch.begin, end=batch.end, count=batch.count, size=len(batch.data),
            filtered_at_source=batch.filtered_at_source, sha256=hashlib.sha256(batch.data).hexdigest(),
        )  # fmt: skip
        name = f"{order:020d},{_quote(batch.begin)},{_quote(batch.end)},{received}"
        self._store.put(_folder(task, stream) + name, msgspec.json.encode(head) + b"\n" + gzip(batch.data))

    def pieces(self, task: str, stream: str) -> list[Piece]:
        """All that is there, by begin; nothing is read."""
        return [_piece(key) for key in sorted(self._store.list(_folder(task, stream)), key=_order)]

    def oldest(self, task: str, stream: str) -> Iterator[Piece]:
        """The same page by page, for who needs the first few: by begin, as long as these have equally many digits."""
        return map(_piece, self._store.list(_folder(task, stream)))

    def at(self, task: str, stream: str, order: int) -> list[Piece]:
        """Those that begin there: more than one if a spill was killed."""
        return [_piece(key) for key in self._store.list(f"{_folder(task, stream)}{order:020d},")]

    def load(self, piece: Piece) -> Kept | None:
        """One batch; None (and an error in the log) if it is not there, or not what was written."""
        body = self._store.get(piece.key)
        problem = "it is gone"
        try:
            if body is not None:
                return _unpack(body, piece)
        except (ValueError, msgspec.DecodeError, zlib.error) as error:
            problem = str(error)[:200]
        log.error("spilled batch unreadable", extra={"key": piece.key, "reason": problem})
        return None

    def drop(self, pieces: Iterable[Piece]) -> None:
        """Delete these."""
        for piece in pieces:
            self._store.delete(piece.key)

    def forget(self, task: str) -> None:
        """Delete all of a task."""
        for key in list(self._store.list(f"spill/{task}/")):
            self._store.delete(key)


def _unpack(body: bytes, piece: Piece) -> Kept:
    line, _, packed = body.partition(b"\n")
    head = msgspec.json.decode(line, type=_Head)
    if head.schema > _SCHEMA:
        raise StateError(f"{piece.key}: has schema {head.schema}, this release knows {_SCHEMA}: upgrade logferry here")
    if (head.begin, head.end) != (piece.begin, piece.end):
        raise ValueError(f"it holds {head.begin}..{head.end}")
    if not 0 <= head.size <= _LARGEST:
        raise ValueError(f"size {head.size} is not between 0 and {_LARGEST}")
    data = zlib.decompressobj(_GZIP).decompress(packed, head.size + 1)
    if len(data) != head.size or hashlib.sha256(data).hexdigest() != head.sha256:
        raise ValueError("its bytes are not those that were written")
    return Kept(data, head.filtered_at_source)


def _order(key: str) -> int:
    """By number: those of some sources have more digits than the key's twenty."""
    head = key.rpartition("/")[2].partition(",")[0]
    return int(head) if head.isascii() and head.isdigit() else -1


def _piece(key: str) -> Piece:
    try:
        _, begin, end, received = key.rpartition("/")[2].split(",")
        return Piece(key, unquote(begin), unquote(end), int(received))
    except ValueError:
        raise StateError(f"{key}: is no spilled batch; move it away") from None


def _folder(task: str, stream: str) -> str:
    return f"spill/{task}/{_quote(stream)}/"


def _quote(text: str) -> str:
    """One part of a key; `.` is quoted too, so that no part is `.` or `..`."""
    return quote(text, safe="").replace(".", "%2E")
