"""One append-only file of log groups, each with a checksum, a number and the time it was received.

A file is `LFSEG01\\n`, the first group's number (uint64), then entries: a header (marker, CRC of the rest of the
header, CRC of the body, body length, number, receive time in microseconds) and the body, a group as it stands in a
LogGroupList (`0x0a`, length, bytes), so that an answer to a pull is a join of bodies. Little-endian; CRC-32.

A tail that was not written to its end is cut when the file is opened for writing. Damage before other, good entries
is never cut: those groups keep their numbers, and reading one raises Damaged.
"""

import logging
import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Damaged", "Segment", "Slice"]

log = logging.getLogger("logferry.sls_server")

_MAGIC = b"LFSEG01\n"
_FILE = struct.Struct("<8sQ")
_MARKER = b"\xf5LG\n"  # 0xf5 stands in no UTF-8 text, so a search finds headers, not logs
_HEADER = struct.Struct("<4sI")  # marker, CRC of what follows
_REST = struct.Struct("<IIQQ")  # CRC of the body, its length, number, receive time
_CRC = struct.Struct("<I")
_PREFIX = _HEADER.size + _REST.size
_WINDOW = 1 << 20


class Damaged(Exception):
    """A group's bytes are not what was written."""


class Slice(NamedTuple):
    """Groups in a row, readable in any thread and after the segment itself has moved on."""

    path: Path
    first: int  # number of the first group
    starts: Sequence[int]
    sizes: Sequence[int]

    def bodies(self) -> Iterator[memoryview]:
        """The groups, checked. Raises Damaged, or FileNotFoundError if the file has been dropped."""
        base = self.starts[0] - _PREFIX
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            data = memoryview(os.pread(descriptor, self.starts[-1] + self.sizes[-1] - base, base))
        finally:
            os.close(descriptor)
        for number, (start, size) in enumerate(zip(self.starts, self.sizes, strict=True), self.first):
            body = data[start - base : start - base + size]
            if not size or zlib.crc32(body) != _CRC.unpack_from(data, start - base - _REST.size)[0]:
                raise Damaged(f"{self.path}: group {number} at byte {start} is damaged")
            yield body


class _Entry(NamedTuple):
    number: int
    time: int
    start: int  # of the body
    size: int


class Segment:
    """Groups `first` .. `first + len(self) - 1`. The index (20 bytes a group) is in memory after `load`."""

    def __init__(self, path: Path, first: int) -> None:
        self.path, self.first = path, first
        self.forget()

    @classmethod
    def create(cls, folder: Path, first: int) -> "Segment":
        """A new, empty file; its name is its first number."""
        path = folder / f"{first:020d}.seg"
        path.write_bytes(_FILE.pack(_MAGIC, first))
        made = cls(path, first)
        made.loaded = True
        return made

    @classmethod
    def find(cls, folder: Path) -> list["Segment"]:
        """The folder's segments in order, unread; a last one that was made but never begun is removed."""
        found = [cls(path, int(path.stem)) for path in sorted(folder.glob("*.seg"))]
        if found and found[-1].path.stat().st_size <= _FILE.size and not found[-1].begun():
            found.pop().path.unlink()
        return found

    def begun(self) -> bool:
        """Whether the file starts as it must."""
        with self.path.open("rb") as file:
            return file.read(_FILE.size) == _FILE.pack(_MAGIC, self.first)

    def load(self, *, writable: bool = False) -> None:
        """Read the index from the file; `writable` also checks the last bodies and cuts a torn tail."""
        if not self.begun():
            raise Damaged(f"{self.path}: does not start like a segment")
        descriptor = os.open(self.path, os.O_RDWR if writable else os.O_RDONLY)
        try:
            self._scan(descriptor, os.fstat(descriptor).st_size)
            if writable:
                self._cut(descriptor)
        finally:
            os.close(descriptor)
        self.loaded = True

    def forget(self) -> None:
        """Let go of the index."""
        self.times: array[int] = array("Q")
        self._starts, self._sizes = array("Q"), array("I")
        self.end = _FILE.size  # where the next entry goes
        self.torn = 0  # bytes that were cut when it was opened
        self.loaded = False

    def __len__(self) -> int:
        return len(self.times)

    def append(self, descriptor: int, bodies: Sequence[bytes], time: int) -> None:
        """Write groups at the end; a write that fails leaves the file as it was."""
        number, at = self.first + len(self), self.end
        chunks: list[bytes] = []
        entries: list[_Entry] = []
        for offset, body in enumerate(bodies):
            rest = _REST.pack(zlib.crc32(body), len(body), number + offset, time)
            chunks += (_HEADER.pack(_MARKER, zlib.crc32(rest)), rest, body)
            entries.append(_Entry(number + offset, time, at + _PREFIX, len(body)))
            at += _PREFIX + len(body)
        try:
            _write(descriptor, b"".join(chunks), self.end)
        except OSError:
            os.ftruncate(descriptor, self.end)
            raise
        for entry in entries:
            self._note(entry)

    def slice(self, low: int, high: int, max_bytes: int) -> Slice:
        """Groups from index `low` to `high`: fewer if they have more than `max_bytes`, but one at least."""
        sizes = self._sizes[low:high]
        total = 0
        for count, size in enumerate(sizes):
            total += size
            if count and total > max_bytes:
                return Slice(self.path, self.first + low, self._starts[low : low + count], sizes[:count])
        return Slice(self.path, self.first + low, self._starts[low:high], sizes)

    def _note(self, entry: _Entry) -> None:
        self._starts.append(entry.start)
        self._sizes.append(entry.size)
        self.times.append(entry.time)
        self.end = entry.start + entry.size

    def _scan(self, descriptor: int, file_size: int) -> None:
        self.forget()
        while self.end < file_size:
            expected = self.first + len(self)
            entry = _entry(descriptor, self.end, file_size)
            if entry is None or entry.number != expected:
                entry = _next_good(descriptor, self.end + 1, file_size, expected)
                if entry is None:
                    return
                log.error("log groups damaged", extra={"segment": str(self.path), "groups": entry.number - expected})
                for _ in range(expected, entry.number):
                    self._note(_Entry(0, entry.time, self.end, 0))
            self._note(entry)

    def _cut(self, descriptor: int) -> None:
        while len(self) and not self._last_is_good(descriptor):
            self.end = max(_FILE.size, self._starts.pop() - _PREFIX)
            self._sizes.pop()
            self.times.pop()
        self.torn = os.fstat(descriptor).st_size - self.end
        if self.torn:
            log.warning("torn tail cut", extra={"segment": str(self.path), "bytes": self.torn, "groups": len(self)})
            os.ftruncate(descriptor, self.end)
            os.fsync(descriptor)

    def _last_is_good(self, descriptor: int) -> bool:
        data = os.pread(descriptor, _REST.size + self._sizes[-1], self._starts[-1] - _REST.size)
        return bool(self._sizes[-1]) and zlib.crc32(data[_REST.size :]) == _CRC.unpack_from(data)[0]


def _entry(descriptor: int, at: int, file_size: int) -> _Entry | None:
    """The entry at this byte; None unless its header is good and its body lies within the file."""
    head = os.pread(descriptor, _PREFIX, at)
    if len(head) < _PREFIX:
        return None
    marker, crc = _HEADER.unpack_from(head)
    if marker != _MARKER or zlib.crc32(head[_HEADER.size :]) != crc:
        return None
    _, size, number, time = _REST.unpack_from(head, _HEADER.size)
    if at + _PREFIX + size > file_size:
        return None
    return _Entry(number, time, at + _PREFIX, size)


def _next_good(descriptor: int, at: int, file_size: int, expected: int) -> _Entry | None:
    """The first whole entry after damage; None if the damage is the tail."""
    while at < file_size:
        found = os.pread(descriptor, _WINDOW + len(_MARKER) - 1, at).find(_MARKER)
        if found < 0:
            at += _WINDOW
            continue
        entry = _entry(descriptor, at + found, file_size)
        if entry is not None and entry.number > expected:
            return entry
        at += found + 1
    return None


def _write(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written
