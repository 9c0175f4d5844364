"""NDJSON: one compact JSON object a record, one line by construction."""

from logferry.model import Record
from logferry.values import dump, trimmed

__all__ = ["write"]


def write(record: Record) -> bytes:
    """The fields in the record's order."""
    return trimmed(dump(record.fields))
