"""Values that travel between rooms. No behaviour beyond arithmetic; protocols live in their rooms."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Self, TypeAlias

import msgspec
from msgspec import Struct

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Position: TypeAlias = str
"""An opaque cursor of one stream; only the stream's source can order two of them."""
Confirmation = Literal["answer", "socket", "none"]
"""What a destination's silence or success is worth: an answer, a drained socket, or nothing (UDP)."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One log. `ordinal` counts from 0 within its batch, before any stage; `raw` are its bytes at the source."""

    ordinal: int
    time: int  # Unix seconds, UTC
    nanos: int  # 0..999,999,999 within the second
    fields: Mapping[str, Value]  # never edited in place: a stage makes a new record
    raw: bytes = b""


Pairs: TypeAlias = tuple[int, int, int, tuple[str, ...], Sequence[Value]]
"""A record that was never made one: ordinal, time, nanos, names (each once), and as many values."""


class Origin(Struct, frozen=True):
    """Where a payload's records come from: the same on each attempt, so that what is named by it is written over."""

    stream: str
    begin: Position  # of the batch; with `ordinals[0]` it names the payload among all of a task and stream
    time: int  # Unix seconds, UTC: event time of the first record of the batch that passed the plan


class Payload(NamedTuple):  # its parts are replaced one by one
    """What one send carries: encoded parts, the records they came from, and the framed bytes."""

    parts: Sequence[bytes]
    ordinals: Sequence[int]  # parts[i] is the record ordinals[i] of its batch
    body: bytes  # the encoder's frame around `parts`, before compression
    origin: Origin = Origin("", "", 0)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one payload may hold. Bytes are counted before compression."""

    max_bytes: int
    max_records: int
    in_flight: int = 1  # payloads on the way at once; 1 keeps the order


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to records; each number is counted where it happens, none by subtraction."""

    read: int = 0
    delivered: int = 0
    filtered: int = 0
    sampled_out: int = 0
    parked: int = 0
    filtered_at_source: int = 0
    maybe_repeated: int = 0

    def __add__(self, other: "Counts") -> Self:
        """Sum two tallies, number by number."""
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def balanced(self) -> bool:
        """Whether every record that was read has exactly one fate."""
        return self.read == self.delivered + self.filtered + self.sampled_out + self.parked


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What it took: everything that was done, whether it came to anything or not."""

    batches: int = 0
    bytes: int = 0  # raw, as read: what is read again counts again
    retries: int = 0  # payloads sent again after a pause
    errors: int = 0  # runs that an error ended
    gaps: int = 0  # ranges that were gone at the source before they were read: records are lost

    def __add__(self, other: "Effort") -> Self:
        """Sum two, number by number."""
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How old the oldest undelivered record of a stream is."""

    seconds: float = 0.0
    left: float | None = None  # seconds until the source forgets it; None where the source does not say
    over: bool = False  # more than the task's `max_lag`


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of one task on one stream came to."""

    task: str
    stream: str
    counts: Counts = Counts()
    effort: Effort = Effort()
    finished: bool = True  # the range that was asked for is settled
    held: bool = False  # Misconfigured: the task must be held
    note: str = ""  # "busy", or why it is unfinished
