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

    def step(fields: dict[str, Value]) -> dict[str, Value]:
        taken = fields.keys() - names.keys()
        made: dict[str, Value] = {}
        for name, value in fields.items():
            new = names.get(name, name)
            made[name if new != name and new in taken else new] = value
        return made

    return step
