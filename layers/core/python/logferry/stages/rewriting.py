"""Stages after the selection of fields: steps over one private copy of a record's fields."""

from collections.abc import Callable, Iterable, Mapping

from logferry.model import Record, Value

__all__ = ["Step", "renaming", "rewriting"]

Step = Callable[[dict[str, Value]], dict[str, Value]]
"""Takes fields that are nobody else's; gives these, changed, or others."""


def rewriting(steps: Iterable[Step]) -> Callable[[Record], Record]:
    """All steps as one stage."""
    chain = tuple(steps)

    def stage(record: Record) -> Record:
        fields = dict(record.fields)
        for step in chain:
            fields = step(fields)
        return Record(record.ordinal, record.time, record.nanos, fields, record.raw)

    return stage


def renaming(names: Mapping[str, str]) -> Step:
    """Old names become new ones, in place. A field stays as it is called where another one has its new name."""

    fresh = set(names.values()) - names.keys()  # names that only another field could have

    def step(fields: dict[str, Value]) -> dict[str, Value]:
        free = names if fresh.isdisjoint(fields) else _free(names, fields)
        return {free.get(name, name): value for name, value in fields.items()}

    return step


def _free(names: Mapping[str, str], fields: Mapping[str, Value]) -> Mapping[str, str]:
    """Without new names that are taken: by another field, or by one that for this reason keeps its own."""
    left = dict(names)
    while taken := [old for old, new in left.items() if new in fields and new not in left]:
        for old in taken:
            del left[old]
    return left
