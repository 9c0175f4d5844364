"""A PullLogs answer as a batch: log groups decoded one log at a time, and only as far as the plan needs.

Rules, each with its test:
- A record's fields are `__topic__`, `__source__`, `__tag__:<key>` for each tag, then the log's contents. A content wins
  over these of the same name; of duplicate keys the last wins (it stands where the first stood).
- `time` is the log's Time (0 if absent), `nanos` its Time_ns (0 if absent or above 999,999,999); neither is a field.
- Text that is not UTF-8 is decoded with U+FFFD in place of the broken bytes, in keys, values, tags, topic and source.
- Unknown protobuf fields are ignored, a group without logs gives nothing, a content without key or value reads as "".
- A group with the tag `__logferry__` is one of our own deliveries: its logs are counted as filtered, before sampling.
- Bytes that are no log group list are a SourceError with the offset: for a list or group when the batch is made, for a
  single log when `select` comes to it (a log that sampling leaves out is never looked into).
- `raw` is the Log message alone, `original` a LogGroup of this one log with all else of its group, byte for byte.

Speed: a group is framed with its logs as bytes, which are then parsed a handful at a time (`bulk`), or one by one where
something is odd about them: memory is bounded by one group. A filter and a selection of fields look their keys up in
a map that the parser builds: exact with duplicate and reordered keys, which remembering each key's index is not.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from logferry import plan as plans
from logferry.errors import SourceError
from logferry.model import Pairs, Position, Record, Value
from logferry.plan import Plan, Tally
from logferry.sls.framing import DELIMITED, entries
from logferry.sls.reading import BAD, Group, Log, narrowed, paired, sampled, sampled_by_id, text, whole
from logferry.sls.schema import schema
from logferry.sls.write import list_entry

__all__ = ["OWN_TAG", "LogGroups"]

OWN_TAG = "__logferry__"
_FIRST = 1  # LogGroupList.LogGroups and LogGroup.Logs are both number 1
_MOST = 0.7  # with a look before decoding and all fields: above this share it costs more than it saves (measured)


class _Place(Struct, frozen=True):
    begin: int  # offsets of the LogGroup in the data
    end: int
    first: int  # ordinal of its first log
    logs: int  # how many


class _Pair(Protocol):
    Key: str | bytes
    Value: str | bytes


class _GroupMessage(Protocol):
    Logs: Sequence[bytes]
    Topic: str | bytes
    Source: str | bytes
    LogTags: Sequence[_Pair]


class LogGroups:
    """A batch: `data` is a decompressed LogGroupList, [begin, end) the range of the stream it stands for."""

    def __init__(self, data: bytes, begin: Position, end: Position, *, filtered_at_source: int = 0) -> None:
        self.begin = begin
        self.end = end
        self.data = data
        self.size = len(data)
        self.filtered_at_source = filtered_at_source
        self._view = memoryview(data)
        self._places: list[_Place] = []
        self.count = 0
        for entry in entries(self._view):
            if (entry.number, entry.kind) == (_FIRST, DELIMITED):
                count = len(_parse_group(self._view[entry.begin : entry.end], entry.start).Logs)
                self._places.append(_Place(entry.begin, entry.end, self.count, count))
                self.count += count

    def records(self) -> Iterator[Record]:
        """All logs, whole, but for our own deliveries."""
        return self.select(Plan(), Tally())

    def select(self, plan: Plan, tally: Tally) -> Iterator[Record]:
        """What `plan.select` says of `records()`, decoding no more than the plan reads; own deliveries are counted."""
        by_id = plan.keep_id is not None
        looks = by_id or plan.test is not None  # into a log, to see whether it passes
        plain = replace(plan, keep=plan.keep if by_id else None, then=())
        passing = 0.0  # share of the last group's logs that passed, of those looked into
        for place in self._places:
            group = self._open(place)
            if f"__tag__:{OWN_TAG}" in group.meta:
                tally.filtered += place.logs
                continue
            filtered, out = tally.filtered, tally.sampled_out
            logs: Iterator[Log] = enumerate(group.logs, place.first)
            if plan.keep is not None and not by_id:
                logs = sampled(logs, plan.keep, tally)
            if plan.fields is None and (not looks or passing > _MOST):
                records = whole(group, logs)
                records = plans.select(plain, records, tally) if looks or plan.stamp else records
            elif plan.fields is None and plan.test is None:
                records = whole(group, sampled_by_id(plan, group, logs, tally))
                records = plans.select(Plan(stamp=plan.stamp), records, tally) if plan.stamp else records
            else:
                records = narrowed(plain, group, logs, tally)
            yield from plans.select(Plan(then=plan.then), records, tally) if plan.then else records
            left_out = tally.filtered - filtered + by_id * (tally.sampled_out - out)
            passing = 1 - left_out / max(place.logs - (not by_id) * (tally.sampled_out - out), 1)

    def pairs(self, plan: Plan, tally: Tally) -> Iterator[Pairs] | None:
        """What `select` says, without records; None for a plan that looks into them."""
        bare = Plan(keep=plan.keep) if plan.keep_id is None else None
        return self._pairs(plan, tally) if plan == bare else None

    def _pairs(self, plan: Plan, tally: Tally) -> Iterator[Pairs]:
        for place in self._places:
            group = self._open(place)
            if f"__tag__:{OWN_TAG}" in group.meta:
                tally.filtered += place.logs
                continue
            logs: Iterator[Log] = enumerate(group.logs, place.first)
            yield from paired(group, sampled(logs, plan.keep, tally) if plan.keep is not None else logs)

    def original(self, ordinal: int) -> bytes:
        """A LogGroup of this one log with all else of its group as it came; IndexError if there is no such log."""
        if not 0 <= ordinal < self.count:
            raise IndexError(f"ordinal: {ordinal} is not between 0 and {self.count - 1}")
        place = self._places[bisect_right(self._places, ordinal, key=lambda place: place.first) - 1]
        parts = []
        left = ordinal - place.first
        for entry in entries(self._view, place.begin, place.end):
            if (entry.number, entry.kind) != (_FIRST, DELIMITED):
                parts.append(bytes(self._view[entry.start : entry.end]))
            elif left == 0:
                parts.insert(0, list_entry(entry.end - entry.begin) + self._view[entry.begin : entry.end])
            left -= (entry.number, entry.kind) == (_FIRST, DELIMITED)
        return b"".join(parts)

    def _open(self, place: _Place) -> Group:
        found = _parse_group(self._view[place.begin : place.end], place.begin)
        meta: dict[str, Value] = {"__topic__": text(found.Topic), "__source__": text(found.Source)}
        meta |= {f"__tag__:{text(tag.Key)}": text(tag.Value) for tag in found.LogTags}
        return Group(place.begin, meta, found.Logs)


def _parse_group(data: memoryview, offset: int) -> _GroupMessage:
    found: _GroupMessage
    try:
        found = schema().group.FromString(data)
    except BAD:
        try:
            found = schema().group_raw.FromString(data)
        except BAD as error:
            raise SourceError(f"byte {offset}: no log group ({error})") from None
    return found
