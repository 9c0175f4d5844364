"""Streams -> batches. One file a source, with `Config`, `build(Config, Surroundings) -> Source`, and
`revive(original) -> Record`, which reads what `Batch.original` gave and a dead letter keeps. A kind that is sent its
logs has `ready(Config, Surroundings) -> str`, what a live check is told, and `rivals(Config, Config) -> str`, why two
tasks cannot both be sent theirs.

Each source declares `replays` (can a range be read again, and how) and `progress` (one ordered position a
stream, or a set of done keys).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from logferry.model import Pairs, Position, Record
from logferry.plan import Plan, Tally
from logferry.vault import Vault

__all__ = [
    "Batch",
    "Judged",
    "Named",
    "Paired",
    "Progress",
    "Raw",
    "Replays",
    "Restores",
    "Source",
    "Stream",
    "Surroundings",
]

Replays = Literal["cursor", "by_key", "never"]
Progress = Literal["ordered", "set"]


class Surroundings(Struct, frozen=True):
    """What a source gets from outside its own options."""

    environ: Mapping[str, str]
    vault: Vault
    clock: Callable[[], float] = time.time


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One ordered input as the source lists it."""

    name: str  # for SLS the shard id
    born: int = 0  # creation time (Unix seconds): another value under the same name is another stream
    open: bool = True  # still written to (a split or merged shard is not)
    parents: tuple[str, ...] = ()  # streams whose end must be reached first


class Batch(Protocol):
    """What one read returned: the range [begin, end) of a stream."""

    begin: Position
    end: Position
    count: int  # records, counted from the framing before decoding
    size: int  # raw bytes after decompression
    filtered_at_source: int  # records that the source's own query dropped, from its answer

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        """What `plan.select` says, in order; a source may decode less to get there."""
        ...

    def original(self, ordinal: int) -> bytes:
        """The record as it came, self-contained: what gets parked. Cold path."""
        ...


class Source(Protocol):
    """One task's source. Errors: SourceError and its children only."""

    replays: Replays
    progress: Progress

    def streams(self) -> list[Stream]:
        """All streams as they are now, parents before children."""
        ...

    def position(self, stream: str, at: str | int) -> Position:
        """The position of `begin`, `end` or a Unix time (receive time, seconds)."""
        ...

    def order(self, position: Position) -> int:
        """A number that grows along a stream, to compare two positions of it."""
        ...

    def time_of(self, stream: str, position: Position) -> int:
        """Receive time (Unix seconds) of the record at or after the position; now if there is none."""
        ...

    def retention(self) -> float | None:
        """Seconds that the source keeps records; None if it does not say. Raises nothing."""
        ...

    def read(self, stream: str, begin: Position, end: Position) -> Iterator[Batch]:
        """Batches that tile [begin, end) in order; the last may be empty, to move the position on."""
        ...


@runtime_checkable
class Judged(Batch, Protocol):
    """A batch of which the source cannot read some records: those are parked as they came, the others go on."""

    unreadable: Mapping[int, str]  # ordinal -> reason


@runtime_checkable
class Named(Batch, Protocol):
    """A batch whose payloads are named by what was read, whichever stream it came through."""

    named: tuple[str, Position]  # what stands for the stream and the begin in their origin


@runtime_checkable
class Paired(Batch, Protocol):
    """A batch that can hand over names and values without a record around them."""

    def pairs(self, plan: Plan, tally: Tally) -> Iterator[Pairs] | None:
        """What `select` would say, in the same order; None where the plan looks into records."""
        ...


@runtime_checkable
class Raw(Batch, Protocol):
    """A batch that its source can make anew from its bytes."""

    data: bytes


@runtime_checkable
class Restores(Protocol):
    """A source whose batches are `Raw`: what it is about to forget can be spilled."""

    def restore(self, data: bytes, begin: Position, end: Position, filtered_at_source: int) -> Batch:
        """The batch that had these bytes."""
        ...
