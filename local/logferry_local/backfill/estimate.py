"""How much a window holds, before it is read: cursors are subtracted, and one or two small pulls a stream are sampled.

The difference of two cursors counts log groups; how many records and bytes a group has is taken from the samples, so
everything but the groups is "about", unless the samples are all there is. Bytes are raw, before compression.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from logferry.backfills import Range
from logferry.model import Position
from logferry.sources import Batch, Source

__all__ = ["SAMPLE", "Estimate", "of_range", "total"]

SAMPLE = 100  # groups of one sample
_PULL_BYTES = 10 * 1024 * 1024  # the most that one pull returns
_ALIKE = 1.25  # two samples whose records (and bytes) a group differ by no more agree

Sure = Literal["exact", "good", "rough"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """About how much there is. `sure`: exact (all of it was sampled), good (two samples agree), rough."""

    stream: str
    groups: int
    records: int
    bytes: int
    requests: int  # pulls, as the task's own settings make them
    sampled: int  # groups
    sure: Sure


class _Sample(msgspec.Struct, frozen=True):
    groups: int
    records: int
    bytes: int


def of_range(one: Range, source: Source, window: tuple[int, int], groups_a_pull: int) -> Estimate:
    """One stream's. `source` should pull about `SAMPLE` groups at once; `window` are the range's receive times."""
    groups = source.order(one.end) - source.order(one.begin)
    samples = list(_samples(one, source, window))
    seen = sum(sample.groups for sample in samples)
    records, size = (sum(getattr(sample, name) for sample in samples) for name in ("records", "bytes"))
    if seen < groups and seen:
        records, size = round(records * groups / seen), round(size * groups / seen)
    pulls = max(math.ceil(groups / groups_a_pull), math.ceil(size / _PULL_BYTES)) if groups else 0
    return Estimate(stream=one.stream, groups=groups, records=records, bytes=size, requests=pulls,
                    sampled=seen, sure=_sure(samples, groups))  # fmt: skip


def total(found: Sequence[Estimate]) -> Estimate:
    """The sum; as sure as the least sure of them."""
    ranks: tuple[Sure, ...] = ("exact", "good", "rough")
    sure = ranks[max((ranks.index(one.sure) for one in found), default=0)]
    sums = {name: sum(getattr(one, name) for one in found)
            for name in ("groups", "records", "bytes", "requests", "sampled")}  # fmt: skip
    return Estimate(stream="total", sure=sure, **sums)


def _samples(one: Range, source: Source, window: tuple[int, int]) -> Iterator[_Sample]:
    """The first pull of the range, and the first after the middle of its time, if that is another."""
    first = _pull(source, one, one.begin)
    if first is None:
        return
    yield _measured(first, source)
    middle = source.position(one.stream, sum(window) // 2)
    if source.order(first.end) <= source.order(middle) < source.order(one.end):
        second = _pull(source, one, middle)
    elif source.order(first.end) < source.order(one.end):
        second = _pull(source, one, first.end)
    else:
        second = None
    if second is not None:
        yield _measured(second, source)


def _pull(source: Source, one: Range, begin: Position) -> Batch | None:
    return next(iter(source.read(one.stream, begin, one.end)), None)


def _measured(batch: Batch, source: Source) -> _Sample:
    return _Sample(source.order(batch.end) - source.order(batch.begin), batch.count, batch.size)


def _sure(samples: Sequence[_Sample], groups: int) -> Sure:
    if sum(sample.groups for sample in samples) >= groups:
        return "exact"
    return "good" if len(samples) == 2 and all(map(_agree, *map(_rates, samples))) else "rough"


def _rates(sample: _Sample) -> tuple[float, float]:
    return sample.records / sample.groups, sample.bytes / sample.groups


def _agree(one: float, other: float) -> bool:
    return max(one, other) <= _ALIKE * min(one, other)
