"""One shard: its segments in order, the cursors over them, retention and syncing.

Numbers are those of `cursors.py`; times are Unix seconds at the interface and microseconds on disk. A group is
readable as soon as it is written. When a shard was not closed (a crash, a power cut) its next number jumps ahead:
groups that were read but never reached the disk keep their numbers to themselves, and a reader that holds such a
number goes on with what comes after it.
"""

import bisect
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logferry_local.sls_server.segments import Segment, Slice

__all__ = ["JUMP", "OutOfRange", "Pull", "Reading", "Shard"]

log = logging.getLogger("logferry.sls_server")

JUMP = 1_000_000
_CLOSED = "closed"  # this file is there while nothing was written since the last orderly close
_INDEXES_KEPT = 16  # of full segments
_MICROSECONDS = 1_000_000
_NEVER = 1 << 63


class OutOfRange(Exception):
    """A cursor before the oldest kept group, or behind the newest."""


@dataclass(frozen=True, slots=True)
class Pull:
    """What is asked for: the range [begin, end), and the most of it that one answer holds."""

    begin: int
    end: int | None
    count: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Which groups answer a pull; they come from one segment, so an answer may hold less than was asked for."""

    slice: Slice | None
    next: int
    last_time: float  # when the last of the groups was received

    @property
    def count(self) -> int:
        """How many groups."""
        return 0 if self.slice is None else len(self.slice.sizes)

    @property
    def size(self) -> int:
        """Bytes of the LogGroupList."""
        return 0 if self.slice is None else sum(self.slice.sizes)

    def body(self) -> bytes:
        """A LogGroupList. Raises Damaged, or OutOfRange if retention has just dropped the groups."""
        try:
            return b"" if self.slice is None else b"".join(self.slice.bodies())
        except FileNotFoundError:
            raise OutOfRange("the group has been dropped by retention") from None


class Shard:
    """Appends and finds the groups of one folder. One writer; not for several threads (a Reading's body is)."""

    def __init__(self, folder: Path, first: int, *, segment_bytes: int, careful: bool = True) -> None:
        """Without `careful` nothing but `close` and `descriptor` waits for the disk."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._segment_bytes, self._careful = folder, segment_bytes, careful
        self._descriptor = -1  # of the last segment, open while there is something to append
        self._segments = Segment.find(folder)
        self._loaded: list[Segment] = []
        self._born = first // 1000  # the first number is a time in nanoseconds
        self._last_time = 0
        self._next = first
        if self._segments:
            self._resume(self._segments[-1])
        self.synced = self._next  # what was appended before this number is on the disk; kept by the caller

    @property
    def begin(self) -> int:
        """Number of the oldest kept group."""
        return self._segments[0].first if self._segments else self._next

    @property
    def end(self) -> int:
        """Number that the next group will get."""
        return self._next

    @property
    def written(self) -> int:
        """Number behind the newest group that is kept: who has reached it has them all, whatever was jumped over."""
        kept = (segment.first + len(segment) for segment in reversed(self._segments) if len(self._index(segment)))
        return next(kept, self.begin)

    def append(self, bodies: Sequence[bytes], now: float) -> None:
        """Add groups, each as it stands in a LogGroupList; OSError if the disk does not take them."""
        time = max(int(now * _MICROSECONDS), self._last_time)
        self._writable()
        self._segments[-1].append(self._descriptor, bodies, time)
        self._next += len(bodies)
        self._last_time = time

    def reading(self, pull: Pull) -> Reading:
        """The groups that answer a pull (one at least, if there is one); OutOfRange if it begins outside."""
        self._check(pull.begin)
        stop = self._next if pull.end is None else min(self._next, pull.end)
        found = self._locate(pull.begin)
        if found is None or found[0].first + found[1] >= stop:
            return Reading(None, max(stop, pull.begin), self._newest() / _MICROSECONDS)
        segment, low = found
        high = min(low + pull.count, len(segment), stop - segment.first)
        piece = segment.slice(low, high, pull.max_bytes)
        high = low + len(piece.sizes)
        return Reading(piece, segment.first + high, segment.times[high - 1] / _MICROSECONDS)

    def time_of(self, number: int) -> float:
        """When that group (at the end: the newest) was received; OutOfRange."""
        self._check(number)
        found = self._locate(number)
        return (self._newest() if found is None else found[0].times[found[1]]) / _MICROSECONDS

    def at_time(self, seconds: float) -> int:
        """Number of the first group that was received at that time or later; the end if there is none."""
        time = int(seconds * _MICROSECONDS)
        place = bisect.bisect_left(self._segments, time, key=self._first_time)
        if place:
            before = self._index(self._segments[place - 1])
            inside = bisect.bisect_left(before.times, time)
            if inside < len(before):
                return before.first + inside
        return self._segments[place].first if place < len(self._segments) else self._next

    def expire(self, before: float) -> int:
        """Drop the oldest segments whose groups were all received before that time; how many segments."""
        dropped = 0
        while self._segments:
            oldest = self._index(self._segments[0])
            if not len(oldest) or oldest.times[-1] >= before * _MICROSECONDS:
                break
            if oldest is self._segments[-1]:
                self._roll()  # its file carries the next number
            self._segments.pop(0)
            oldest.path.unlink()
            dropped += 1
            log.info("segment dropped by retention", extra={"segment": str(oldest.path)})
        return dropped

    def descriptor(self) -> int:
        """To fsync and close, in any thread, which makes all durable that was appended until now."""
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Sync, and (if all that was appended before is synced too) remember that nothing is missing."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            if self._careful:
                (self._folder / _CLOSED).touch()

    def _newest(self) -> int:
        return self._last_time or self._born

    def _check(self, number: int) -> None:
        if not self.begin <= number <= self._next:
            raise OutOfRange(f"{number} is not between {self.begin} and {self._next}")

    def _locate(self, number: int) -> tuple[Segment, int] | None:
        """Where the first group with this number or a later one is."""
        place = bisect.bisect_right(self._segments, number, key=lambda segment: segment.first) - 1
        for segment in self._segments[max(place, 0) :]:
            inside = max(number - segment.first, 0)
            if inside < len(self._index(segment)):
                return segment, inside
        return None

    def _index(self, segment: Segment) -> Segment:
        if not segment.loaded:
            segment.load()
            self._keep(segment)
        return segment

    def _keep(self, segment: Segment) -> None:
        self._loaded.append(segment)
        if len(self._loaded) > _INDEXES_KEPT:
            self._loaded.pop(0).forget()

    def _first_time(self, segment: Segment) -> int:
        index = self._index(segment)
        return index.times[0] if len(index) else _NEVER

    def _resume(self, last: Segment) -> None:
        last.load(writable=True)
        self._next = last.first + len(last)
        newest = next((segment for segment in reversed(self._segments) if len(self._index(segment))), None)
        self._last_time = newest.times[-1] if newest else self._last_time
        if last.torn or not (self._folder / _CLOSED).exists():
            self._next += JUMP
            if not len(last):  # it only kept the next number
                self._segments[-1] = Segment.create(self._folder, self._next)
                last.path.unlink()

    def _writable(self) -> None:
        if self._descriptor < 0:
            (self._folder / _CLOSED).unlink(missing_ok=True)
            self._sync_folder()  # else a power cut could bring the file back, and numbers with it
            if self._segments and self._next == self._segments[-1].first + len(self._segments[-1]):
                self._descriptor = os.open(self._segments[-1].path, os.O_RDWR)
        if self._descriptor < 0 or self._segments[-1].end >= self._segment_bytes:
            self._roll()

    def _roll(self) -> None:
        """Go on in a new segment."""
        if self._descriptor >= 0:
            if self._careful:
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        if self._segments:
            self._keep(self._segments[-1])
        self._segments.append(Segment.create(self._folder, self._next))
        self._descriptor = os.open(self._segments[-1].path, os.O_RDWR)
        self._sync_folder()

    def _sync_folder(self) -> None:
        """Make names durable: of the segments, and of the folders above that were made with the first."""
        for folder in (self._folder, *list(self._folder.parents)[:3]) if self._careful else ():
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
