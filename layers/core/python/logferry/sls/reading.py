"""The logs of one log group as records: whole, or only as far as a plan looks into them. The rules stand in `codec`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from logferry import plan as plans
from logferry.errors import SourceError
from logferry.model import Record, Value
from logferry.plan import Plan, Tally
from logferry.sls import bulk
from logferry.sls.schema import schema
from logferry.values import is_missing

__all__ = ["BAD", "Group", "Log", "narrowed", "sampled", "text", "whole"]

BAD = (DecodeError, UnicodeDecodeError)  # the second comes from protobuf's pure Python form
Log = tuple[int, bytes]  # ordinal in the batch, raw


class Group(NamedTuple):
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


def narrowed(plan: Plan, group: Group, logs: Iterable[Log], tally: Tally) -> Iterator[Record]:
    """Sampling by id, filter and selection (of a plan without later stages) on a map of the contents.

    A log with unknown fields goes the plain way: upb drops a map entry that has one.
    """
    parse, test, meta, stamp = schema().log_map.FromString, plan.test, group.meta, plan.stamp
    needs, kept, by_id = _wanted(plan.needs), _wanted(plan.fields or ()), _wanted((plan.id_field,))
    rest = Plan(stamp=stamp)
    if stamp is not None:
        meta = dict((stamp,)) | meta  # where the record has no such field
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
        if plan.keep_id is not None and not plans.is_kept(plan, _picked(contents, group.meta, by_id), raw):
            tally.sampled_out += 1
        elif test is not None and not test(_marked(_picked(contents, meta, needs), stamp)):
            tally.filtered += 1
        elif plan.fields is None:
            yield from plans.select(rest, _each(group, [(ordinal, raw)]), tally)
        else:
            fields = _marked(_picked(contents, meta, kept), stamp)
            yield Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def text(given: str | bytes) -> str:
    """With U+FFFD for what is not UTF-8."""
    return given if isinstance(given, str) else given.decode("utf-8", "replace")


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


def _mended(group: Group, ordinal: int, raw: bytes) -> Record:
    """A log whose text is not all UTF-8."""
    try:
        log = schema().log_raw.FromString(raw)
    except BAD as error:
        raise SourceError(f"byte {group.offset}: log {ordinal} is no log ({error})") from None
    fields = group.meta | {text(content.Key): text(content.Value) for content in log.Contents}
    return Record(ordinal, log.Time, _nanos(log.Time_ns), fields, raw)


def _picked(contents: Mapping[str, bytes], meta: Mapping[str, Value], keys: Iterable[str]) -> dict[str, Value]:
    # Asked with `in` first: reading a protobuf map at an absent key writes the key.
    return {
        key: contents[key].decode("utf-8", "replace") if key in contents else meta[key]
        for key in keys
        if key in contents or key in meta
    }


def _marked(fields: dict[str, Value], stamp: tuple[str, Value] | None) -> dict[str, Value]:
    """With the stamp where the field is picked, and missing."""
    if stamp is not None and stamp[0] in fields and is_missing(fields[stamp[0]]):
        fields[stamp[0]] = stamp[1]
    return fields


def _wanted(keys: Iterable[str]) -> tuple[str, ...]:
    """Without keys that no text on the wire can equal (lone surrogates), which a protobuf map does not take."""
    return tuple(key for key in keys if key.encode("utf-8", "replace").decode() == key)


def _nanos(number: int) -> int:
    return number if number < 1_000_000_000 else 0
