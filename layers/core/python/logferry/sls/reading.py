"""The logs of one log group as records: whole, or only as far as a plan looks into them. The rules stand in `codec`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from msgspec import Struct

from logferry import plan as plans
from logferry.errors import SourceError
from logferry.model import Pairs, Record, Value
from logferry.plan import Plan, Tally
from logferry.sls import bulk
from logferry.sls.schema import schema
from logferry.values import is_missing

__all__ = ["BAD", "Group", "Log", "narrowed", "paired", "sampled", "sampled_by_id", "text", "whole"]

BAD = (DecodeError, UnicodeDecodeError)  # the second comes from protobuf's pure Python form
Log = tuple[int, bytes]  # ordinal in the batch, raw


class Group(Struct, frozen=True):
    """A log group, its logs still as bytes."""

    offset: int  # in the batch's data
    meta: dict[str, Value]  # what all its records carry
    logs: Iterable[bytes]


def sampled(logs: Iterable[Log], keep: Callable[[bytes], bool], tally: Tally) -> Iterator[Log]:
    """Those that are kept; the others are counted, and not looked into."""
    for log in logs:
        if keep(log[1]):
            yield log
        else:
            tally.sampled_out += 1


def sampled_by_id(plan: Plan, group: Group, logs: Iterable[Log], tally: Tally) -> Iterator[Log]:
    """Those that are kept; the others are counted, and not looked into any further than their id."""
    by_id = _wanted((plan.id_field,))
    for log in logs:
        contents = _contents(log[1])
        if contents is not None:
            fields: Mapping[str, Value] = _picked(contents, group.meta, by_id)
        else:
            (record,) = _each(group, [log])
            fields = record.fields
        if plans.is_kept(plan, fields, log[1]):
            yield log
        else:
            tally.sampled_out += 1


def whole(group: Group, logs: Iterable[Log]) -> Iterator[Record]:
    """Every log with all that is in it."""
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


def paired(group: Group, logs: Iterable[Log]) -> Iterator[Pairs]:
    """The same logs without a record around them; names of one shape are the same object, within a group."""
    logs = iter(logs)
    meta, told = tuple(group.meta), list(group.meta.values())
    last: Sequence[str] | None = None
    names: tuple[str, ...] | None = None
    while chunk := list(islice(logs, bulk.HANDFUL)):
        found = bulk.read([raw for _, raw in chunk])
        if found is None:
            yield from map(_taken_apart, _each(group, chunk))
            continue
        for log, (time, nanos, keys, values) in zip(chunk, found, strict=True):
            if keys is not last:
                last, names = keys, (*meta, *keys)
                names = names if len(set(names)) == len(names) else None
            if names is None:  # the last of equal names wins, at the place of the first: a dict's rule
                yield from map(_taken_apart, _each(group, [log]))
            else:
                yield log[0], time, _nanos(nanos), names, [*told, *values]


def narrowed(plan: Plan, group: Group, logs: Iterable[Log], tally: Tally) -> Iterator[Record]:
    """Sampling by id, filter and selection (of a plan without later stages) on a map of the contents.

    A log with unknown fields goes the plain way: upb drops a map entry that has one.
    """
    parse, test, keep_id, meta, pick = schema().log_map.FromString, plan.test, plan.keep_id, group.meta, _picked
    needs, kept, by_id = _wanted(plan.needs), _wanted(plan.fields or ()), _wanted((plan.id_field,))
    rest = Plan(stamp=plan.stamp)
    if plan.stamp is not None:
        meta = dict((plan.stamp,)) | meta  # where the record has no such field
        pick = partial(_marked, *plan.stamp)  # where it has a missing mark
    for ordinal, raw in logs:
        try:
            log = parse(raw)
            exact = not len(UnknownFieldSet(log))
        except BAD:  # a key that is not UTF-8
            exact = False
        if not exact:
            yield from plans.select(plan, _each(group, [(ordinal, raw)]), tally)
            continue
        contents = log.Contents
        if keep_id is not None and not plans.is_kept(plan, _picked(contents, group.meta, by_id), raw):
            tally.sampled_out += 1
        elif test is not None and not test(pick(contents, meta, needs)):
            tally.filtered += 1
        elif plan.fields is None:
            yield from plans.select(rest, _each(group, [(ordinal, raw)]), tally)
        else:
            yield Record(ordinal, log.Time, _nanos(log.Time_ns), pick(contents, meta, kept), raw)


def text(given: str | bytes) -> str:
    """With U+FFFD for what is not UTF-8."""
    return given if isinstance(given, str) else given.decode("utf-8", "replace")


def _contents(raw: bytes) -> Mapping[str, bytes] | None:
    """Of one log as a map; None if it has to be read pair by pair."""
    try:
        log = schema().log_map.FromString(raw)
    except BAD:  # a key that is not UTF-8
        return None
    contents: Mapping[str, bytes] = log.Contents
    return None if len(UnknownFieldSet(log)) else contents


def _each(group: Group, logs: Iterable[Log]) -> Iterator[Record]:
    """One log at a time, pair by pair: whatever is in them."""
    parse, meta = schema().log.FromString, group.meta
    for ordinal, raw in logs:
        try:
            log = parse(raw)
        except BAD:
            yield _mended(group, ordinal, raw)
            continue
        fields = meta.copy()
        for content in log.Contents:
            fields[content.Key] = content.Value
        yield Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def _taken_apart(record: Record) -> Pairs:
    return record.ordinal, record.time, record.nanos, tuple(record.fields), list(record.fields.values())


def _mended(group: Group, ordinal: int, raw: bytes) -> Record:
    """A log whose text is not all UTF-8."""
    try:
        log = schema().log_raw.FromString(raw)
    except BAD as error:
        raise SourceError(f"byte {group.offset}: log {ordinal} is no log ({error})") from None
    fields = group.meta | {text(content.Key): text(content.Value) for content in log.Contents}
    return Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def _picked(contents: Mapping[str, bytes], meta: Mapping[str, Value], keys: Iterable[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key in keys:
        if key in contents:  # asked first: reading a protobuf map at an absent key writes the key
            found[key] = contents[key].decode("utf-8", "replace")
        elif key in meta:
            found[key] = meta[key]
    return found


def _marked(
    name: str, value: Value, contents: Mapping[str, bytes], meta: Mapping[str, Value], keys: Iterable[str]
) -> dict[str, Value]:
    fields = _picked(contents, meta, keys)
    if name in fields and is_missing(fields[name]):
        fields[name] = value
    return fields


def _wanted(keys: Iterable[str]) -> tuple[str, ...]:
    """Without keys that no text on the wire can equal (lone surrogates), which a protobuf map does not take."""
    return tuple(key for key in keys if key.encode("utf-8", "replace").decode() == key)


def _nanos(number: int) -> int:
    return number if number < 1_000_000_000 else 0
