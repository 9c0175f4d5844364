"""A task's stages compiled once; `select` is the reference that every faster way is tested against."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from logferry.model import Record, Value

__all__ = ["Plan", "Stage", "Tally", "select"]

Stage = Callable[[Record], Record]


@dataclass(frozen=True, slots=True)
class Plan:
    """Order of work: sample, filter, field selection, then the rest. A source may push all but `then` into decoding."""

    keep: Callable[[bytes], bool] | None = None  # sampling, judged on the record's raw bytes
    needs: tuple[str, ...] = ()  # the keys that `test` reads
    test: Callable[[Mapping[str, Value]], bool] | None = None  # the filter; an absent key reads as absent
    fields: tuple[str, ...] | None = None  # keys kept, in this order; None keeps all as they came
    then: tuple[Stage, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts what a plan leaves out, as it happens."""

    filtered: int = 0
    sampled_out: int = 0


def select(plan: Plan, records: Iterable[Record], tally: Tally) -> Iterator[Record]:
    """The records that pass, with the fields kept; the others are counted in `tally`."""
    for record in records:
        if plan.keep is not None and not plan.keep(record.raw):
            tally.sampled_out += 1
            continue
        if plan.test is not None and not plan.test(record.fields):
            tally.filtered += 1
            continue
        if plan.fields is not None:
            kept = {key: record.fields[key] for key in plan.fields if key in record.fields}
            record = Record(record.ordinal, record.time, record.nanos, kept, record.raw)  # noqa: PLW2901  # the same record, narrowed
        for stage in plan.then:
            record = stage(record)  # noqa: PLW2901  # each stage takes what the one before made
        yield record
