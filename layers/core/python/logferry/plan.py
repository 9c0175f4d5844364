"""A task's stages compiled once; `select` is the reference that every faster way is tested against."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from logferry.model import Record, Value
from logferry.values import is_missing

__all__ = ["Plan", "Stage", "Tally", "Test", "is_kept", "select"]

Stage = Callable[[Record], Record]
Test = Callable[[Mapping[str, Value]], bool]


class Plan(Struct, frozen=True):
    """Order of work: sample, stamp, filter, field selection, then the rest.

    A source may push all but `then` into decoding.
    """

    keep: Callable[[bytes], bool] | None = None  # sampling, judged on the record's raw bytes
    id_field: str = ""  # what `keep_id` judges
    keep_id: Callable[[Value], bool | None] | None = None  # sampling by id; None, or no such field: `keep` judges
    stamp: tuple[str, Value] | None = None  # what a record holds that has no such field, or a missing mark there
    needs: tuple[str, ...] = ()  # the keys that `test` reads
    test: Test | None = None  # the filter; an absent key reads as absent
    fields: tuple[str, ...] | None = None  # keys kept, in this order; None keeps all as they came
    then: tuple[Stage, ...] = ()


class Tally(Struct):
    """Counts what a plan leaves out, as it happens."""

    filtered: int = 0
    sampled_out: int = 0


def select(plan: Plan, records: Iterable[Record], tally: Tally) -> Iterator[Record]:
    """The records that pass, with the fields kept; the others are counted in `tally`."""
    for record in records:
        if not is_kept(plan, record.fields, record.raw):
            tally.sampled_out += 1
            continue
        fields = record.fields if plan.stamp is None else _stamped(record.fields, *plan.stamp)
        if plan.test is not None and not plan.test(fields):
            tally.filtered += 1
            continue
        if plan.fields is not None:
            fields = {key: fields[key] for key in plan.fields if key in fields}
        if fields is not record.fields:
            record = Record(record.ordinal, record.time, record.nanos, fields, record.raw)  # noqa: PLW2901  # the same record, narrowed
        for stage in plan.then:
            record = stage(record)  # noqa: PLW2901  # each stage takes what the one before made
        yield record


def is_kept(plan: Plan, fields: Mapping[str, Value], raw: bytes) -> bool:
    """What sampling says of a record; of its fields no more than `id_field` is read."""
    if plan.keep_id is not None and plan.id_field in fields:
        verdict = plan.keep_id(fields[plan.id_field])
        if verdict is not None:
            return verdict
    return plan.keep is None or plan.keep(raw)


def _stamped(fields: Mapping[str, Value], name: str, value: Value) -> Mapping[str, Value]:
    """In its place if it is there, else at the end."""
    return {**fields, name: value} if is_missing(fields.get(name)) else fields
