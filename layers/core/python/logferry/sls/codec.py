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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple, Protocol

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from logferry import plan as plans
from logferry.errors import SourceError
from logferry.model import Position, Record, Value
from logferry.plan import Plan, Tally
from logferry.sls import bulk
from logferry.sls.framing import DELIMITED, entries
from logferry.sls.schema import schema
from logferry.sls.write import list_entry

__all__ = ["OWN_TAG", "LogGroups"]

OWN_TAG = "__logferry__"
_FIRST = 1  # LogGroupList.LogGroups and LogGroup.Logs are both number 1
_BAD = (DecodeError, UnicodeDecodeError)  # the second comes from protobuf's pure Python form
_MOST = 0.7  # with a filter and all fields: above this share, looking up first costs more than it saves (measured)
_Log = tuple[int, bytes]  # ordinal in the batch, raw


class _Place(NamedTuple):
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


class _Group(NamedTuple):
    place: _Place
    meta: dict[str, Value]
    logs: Iterable[bytes]

    @property
    def own(self) -> bool:
        return f"__tag__:{OWN_TAG}" in self.meta


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
        plain = replace(plan, keep=None, then=())
        passing = 0.0  # share of the last group's logs that passed the filter
        for place in self._places:
            group = self._open(place)
            if group.own:
                tally.filtered += place.logs
                continue
            before = tally.filtered
            logs: Iterator[_Log] = enumerate(group.logs, place.first)
            if plan.keep is not None:
                logs = _sampled(logs, plan.keep, tally)
            if plan.fields is None and (plan.test is None or passing > _MOST):
                records = plans.select(plain, _whole(group, logs), tally) if plan.test else _whole(group, logs)
            else:
                records = _narrowed(plain, group, logs, tally)
            yield from plans.select(Plan(then=plan.then), records, tally) if plan.then else records
            passing = 1 - (tally.filtered - before) / max(place.logs, 1)

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

    def _open(self, place: _Place) -> _Group:
        found = _parse_group(self._view[place.begin : place.end], place.begin)
        meta: dict[str, Value] = {"__topic__": _text(found.Topic), "__source__": _text(found.Source)}
        meta |= {f"__tag__:{_text(tag.Key)}": _text(tag.Value) for tag in found.LogTags}
        return _Group(place, meta, found.Logs)


def _parse_group(data: memoryview, offset: int) -> _GroupMessage:
    found: _GroupMessage
    try:
        found = schema().group.FromString(data)
    except _BAD:
        try:
            found = schema().group_raw.FromString(data)
        except _BAD as error:
            raise SourceError(f"byte {offset}: no log group ({error})") from None
    return found


def _sampled(logs: Iterable[_Log], keep: Callable[[bytes], bool], tally: Tally) -> Iterator[_Log]:
    for log in logs:
        if keep(log[1]):
            yield log
        else:
            tally.sampled_out += 1


def _whole(group: _Group, logs: Iterable[_Log]) -> Iterator[Record]:
    meta = group.meta
    logs = iter(logs)
    while chunk := list(islice(logs, bulk.HANDFUL)):
        found = bulk.read([raw for _, raw in chunk])
        if found is None:
            yield from _each(group, chunk)
            continue
        for (ordinal, raw), (time, nanos, keys, values) in zip(chunk, found, strict=True):
            fields = meta.copy()
            fields.update(zip(keys, values, strict=True))
            yield Record(ordinal, time, nanos if nanos < 1_000_000_000 else 0, fields, raw)


def _each(group: _Group, logs: Iterable[_Log]) -> Iterator[Record]:
    """One log at a time, pair by pair: whatever is in them."""
    parse, meta = schema().log.FromString, group.meta
    for ordinal, raw in logs:
        try:
            log = parse(raw)
        except _BAD:
            yield _mended(group, ordinal, raw)
            continue
        fields = meta.copy()
        for content in log.Contents:
            fields[content.Key] = content.Value
        yield Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def _mended(group: _Group, ordinal: int, raw: bytes) -> Record:
    """A log whose text is not all UTF-8."""
    try:
        log = schema().log_raw.FromString(raw)
    except _BAD as error:
        raise SourceError(f"byte {group.place.begin}: log {ordinal} is no log ({error})") from None
    fields = group.meta | {_text(content.Key): _text(content.Value) for content in log.Contents}
    return Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def _narrowed(plan: Plan, group: _Group, logs: Iterable[_Log], tally: Tally) -> Iterator[Record]:
    """Filter and selection (of a plan without sampling and stages) on a map of the contents.

    A log with unknown fields goes the plain way: upb drops a map entry that has one.
    """
    parse, test, meta = schema().log_map.FromString, plan.test, group.meta
    needs, kept = _wanted(plan.needs), _wanted(plan.fields or ())
    for ordinal, raw in logs:
        try:
            log = parse(raw)
            exact = not len(UnknownFieldSet(log))
        except _BAD:  # a key that is not UTF-8
            exact = False
        if not exact:
            yield from plans.select(plan, _each(group, [(ordinal, raw)]), tally)
            continue
        contents = log.Contents
        if test is not None and not test(_picked(contents, meta, needs)):
            tally.filtered += 1
        elif plan.fields is None:
            yield from _each(group, [(ordinal, raw)])
        else:
            yield Record(ordinal, log.Time, _nanos(log.Time_ns), _picked(contents, meta, kept), raw)


def _picked(contents: Mapping[str, bytes], meta: Mapping[str, Value], keys: Iterable[str]) -> dict[str, Value]:
    # Asked with `in` first: reading a protobuf map at an absent key writes the key.
    return {
        key: contents[key].decode("utf-8", "replace") if key in contents else meta[key]
        for key in keys
        if key in contents or key in meta
    }


def _wanted(keys: Iterable[str]) -> tuple[str, ...]:
    """Without keys that no text on the wire can equal (lone surrogates), which a protobuf map does not take."""
    return tuple(key for key in keys if key.encode("utf-8", "replace").decode() == key)


def _nanos(number: int) -> int:
    return number if number < 1_000_000_000 else 0


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")
